/** The names in a folder, as node:fs gives them. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertThrows } from "@std/assert";
import { folderNames } from "../../lib/native/folder_names.ts";
import { temporaryFolder } from "./fixtures.ts";

Deno.test("files, folders, links that lead nowhere and names of all kinds are there", () => {
  using folder = temporaryFolder();
  for (const name of ["run", ".hidden", "ü 🙂", "a\nb"]) mkdirSync(join(folder.path, name));
  writeFileSync(join(folder.path, "file"), "");
  symlinkSync("nowhere", join(folder.path, "link"));
  assertEquals(folderNames(folder.path).length, 6);
  assertEquals(folderNames(folder.path).sort(), readdirSync(folder.path).sort());
  assertEquals(folderNames(join(folder.path, "run")), []);
});

Deno.test("the error of a folder that cannot be read has the system's code", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "file");
  writeFileSync(path, "");
  for (const [given, code] of [[join(folder.path, "none"), "ENOENT"], [path, "ENOTDIR"]]) {
    const error = assertThrows(() => folderNames(given)) as { code?: string };
    assertEquals(error.code, code);
  }
});
