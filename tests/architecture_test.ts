/** Imports run downward only, and a file has a size that can be read. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const LIB = fileURLToPath(new URL("../lib", import.meta.url));
const LONGEST = 420;

/** Folders of lib from the bottom up; a folder imports from itself and from those before it. */
const LAYERS = [
  "", // errors.ts, package_files.ts, write.ts
  "text",
  "native",
  "stats",
  "execute",
  "settings",
  "endpoint",
  "hardware",
  "run",
  "upload",
  "formats",
  "notify",
  "mock",
  "suite",
  "coding",
  "load",
  "prometheus",
  "sweep",
  "schedule",
  "compare",
  "report",
  "server",
  "integration",
  "cli",
];

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

const folderOf = (path: string) => {
  const [first, ...rest] = relative(LIB, path).split("/");
  return rest.length ? first : "";
};

Deno.test("lib imports only downward", () => {
  const uphill: string[] = [];
  for (const path of files(LIB)) {
    if (/\/(mod|types\/std\.d)\.ts$/.test(path)) continue;
    const own = LAYERS.indexOf(folderOf(path));
    assert(own >= 0, `${path}: its folder is not in LAYERS`);
    for (const [, target] of readFileSync(path, "utf8").matchAll(/from "(\.[^"]+\.ts)"/g)) {
      const imported = LAYERS.indexOf(folderOf(resolve(path, "..", target)));
      if (imported > own) uphill.push(`${relative(LIB, path)} imports ${target}`);
    }
  }
  assertEquals(uphill, []);
});

Deno.test(`no file of lib has more than ${LONGEST} lines`, () => {
  const long = files(LIB).filter((path) => readFileSync(path, "utf8").split("\n").length > LONGEST);
  assertEquals(long, []);
});
