/** A file is the old or the new one, whoever else writes it, and whatever lies under its temporary name. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../lib/errors.ts";
import { writeFileAtomic } from "../lib/write.ts";
import { temporaryFolder } from "./suite/fixture.ts";

const LONG = "x".repeat(200_000);

for (const sync of [true, false]) {
  Deno.test(`one that another process writes at the same time is whole (sync: ${sync})`, () => {
    using place = temporaryFolder();
    const path = join(place.path, "a.json");
    const content = function* () {
      yield LONG;
      writeFileAtomic(path, "theirs", { sync });
      assertEquals(readFileSync(path, "utf8"), "theirs");
      yield new TextEncoder().encode("end");
    };
    writeFileAtomic(path, content(), { sync });
    assertEquals(readFileSync(path, "utf8"), `${LONG}end`);
    assert(!existsSync(`${path}.tmp`));
  });
}

Deno.test("a link under the temporary name leads nowhere, and what a killed writer left goes", () => {
  using place = temporaryFolder();
  const at = (name: string) => join(place.path, name);
  writeFileSync(at("own"), "mine");
  symlinkSync(at("own"), at("a.json.tmp"));
  writeFileAtomic(at("a.json"), "new");
  writeFileSync(at("a.json.tmp"), LONG);
  writeFileAtomic(at("a.json"), "newer");
  assertEquals([readFileSync(at("own"), "utf8"), readFileSync(at("a.json"), "utf8")], [
    "mine",
    "newer",
  ]);
  mkdirSync(at("a.json.tmp"));
  assertThrows(() => writeFileAtomic(at("a.json"), "newest"), InputError, at("a.json"));
  assertThrows(() => writeFileAtomic(at("none/a.json"), ""), InputError, "its folder is not there");
});
