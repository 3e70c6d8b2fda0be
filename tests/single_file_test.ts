/** What a single executable writes to the user's cache: there whole, its own, or said why not. node:sea is played. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../lib/errors.ts";
import { extracted } from "../lib/single_file.ts";
import { temporaryFolder } from "./suite/fixture.ts";

/** What a user may find in the place of the files, or make of them. */
const HOSTILE: Record<string, (at: (path: string) => string) => void> = {
  "nothing": () => {},
  "another file": (at) => writeFileSync(at("a.c"), "evil"),
  "half of it": (at) => writeFileSync(at("a.c"), "int"),
  "one of 3 GB": (at) => {
    writeFileSync(at("a.c"), "");
    truncateSync(at("a.c"), 3e9);
  },
  "a link to the same elsewhere": (at) => {
    writeFileSync(at("elsewhere"), "int a;");
    symlinkSync(at("elsewhere"), at("a.c"));
  },
  "a link to nothing": (at) => symlinkSync("/nonexistent/a.c", at("a.c")),
  "a pipe": (at) => void spawnSync("mkfifo", [at("a.c")]),
};
/** What cannot be taken: the next of the user's folders is. */
const REFUSED: typeof HOSTILE = {
  "a folder": (at) => mkdirSync(at("a.c")),
  "a file instead of a folder": (at) => writeFileSync(at("deep"), ""),
  "a folder that is a link out": (at) => symlinkSync("/tmp", at("deep")),
  "a folder that all may write to": (at) => {
    mkdirSync(at("deep"));
    chmodSync(at("deep"), 0o777);
  },
};
const names = Object.keys({ ...HOSTILE, ...REFUSED });
const folderOf = (name: string) => `${name.replaceAll(" ", "_")}/`;
const CONTENT = { "a.c": "int a;", "deep/b.h": "int b;" };
const DAMAGED = "damaged/a.c";

const files = new Map(
  names.flatMap((name) =>
    Object.entries(CONTENT).map(([path, text]) => [folderOf(name) + path, text])
  ),
);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const list = JSON.stringify(
  Object.fromEntries(
    [...files, [DAMAGED, "as it was"]].map(([path, text]) => [path, sha256(text)]),
  ),
);
const sea = {
  isSea: () => true,
  getRawAsset: (key: string) =>
    new TextEncoder().encode(key === "contents.json" ? list : files.get(key) ?? "as it is").buffer,
};
Object.assign(process, { getBuiltinModule: (name: string) => name === "node:sea" ? sea : null });

/** A cache, the folder that the files are in there, and another one for where they cannot be. */
function caches() {
  const place = temporaryFolder();
  const [cache, other] = ["cache", "other"].map((name) => join(place.path, name));
  Object.assign(process.env, { XDG_CACHE_HOME: cache, XDG_RUNTIME_DIR: other });
  const at = (above: string) => join(above, "dyno", "native", `files-${sha256(list).slice(0, 32)}`);
  return { kept: at(cache), other: at(other), [Symbol.dispose]: () => place[Symbol.dispose]() };
}

for (const name of names) {
  Deno.test(`${name} in the place of a file that is extracted`, () => {
    using found = caches();
    const folder = folderOf(name);
    mkdirSync(join(found.kept, folder), { recursive: true, mode: 0o700 });
    ({ ...HOSTILE, ...REFUSED })[name]((path) => join(found.kept, folder, path));
    const at = extracted(folder)!;
    assertEquals(at, join(name in HOSTILE ? found.kept : found.other, folder));
    for (const [path, text] of Object.entries(CONTENT)) {
      assert(lstatSync(join(at, path)).isFile());
      assertEquals(readFileSync(join(at, path), "utf8"), text);
      for (let above = join(at, path); above !== dirname(found.kept); above = dirname(above)) {
        if (!above.startsWith(dirname(at))) break;
        assertEquals(statSync(above).mode & 0o022, 0, above);
      }
    }
  });
}

Deno.test("an executable that is damaged is told of, and nothing of it is written", () => {
  using found = caches();
  assertThrows(() => extracted("damaged/"), InputError, "fetch the program again");
  assertThrows(() => statSync(join(found.kept, DAMAGED)));
});
