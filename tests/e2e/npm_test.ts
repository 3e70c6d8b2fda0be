/** The npm package: built, installed into an empty folder, and used under Node. */
import { assertEquals, assertMatch } from "@std/assert";
import { dependencies, manifest } from "../../scripts/package.ts";
import { finished } from "./script.ts";

Deno.test("the npm package works for who installs it", async () => {
  const { code, stderr } = await finished(["run", "-A", "--no-lock", "scripts/verify_npm.ts"]);
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /tgz: \d+ bytes, \d+ unpacked/);
  const works = [...stderr.matchAll(/^works: (.*) \(/gm)].map(([, what]) => what);
  assertEquals(works.length, 17, stderr);
});

Deno.test("the package depends on what its declarations name; the rest is inside, in exact versions", () => {
  const names = Object.keys(dependencies());
  for (const name of ["zod", "echarts", "@modelcontextprotocol/sdk", "@resvg/resvg-wasm"]) {
    assertEquals(names.includes(name), true, name);
  }
  assertEquals(names.filter((name) => /deno-std|playwright|pyodide/.test(name)), []);
  for (const version of Object.values(dependencies())) assertMatch(version, /^\d+\.\d+\.\d+$/);
  assertEquals(Object.keys(manifest().dependencies), ["zod"]);
  assertEquals(Object.keys(manifest().optionalDependencies), ["koffi"]);
});
