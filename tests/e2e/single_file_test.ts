/** The single executable of Node: built, and used where there is nothing else. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { compileWithNode } from "../../scripts/compile_node.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { finished } from "./script.ts";

const hasBubblewrap = spawnSync("bwrap", ["--version"]).status === 0;

Deno.test({
  name: "one file of Node does all that dyno does, in an empty root without a network",
  ignore: !hasBubblewrap || Deno.build.os !== "linux",
  fn: async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "dyno");
    await compileWithNode(file, join(folder.path, "work"));
    const { code, stderr } = await finished(["run", "-A", "scripts/verify_single.ts", file]);
    assertEquals(code, 0, stderr);
    assertEquals(stderr.match(/^works: /gm)?.length, 9, stderr);
  },
});

Deno.test("--with takes node, and says so of anything else", async () => {
  const { code, stderr } = await finished(["run", "-A", "scripts/compile.ts", "--with", "bun"]);
  assertEquals(code, 2);
  assertMatch(stderr, /--with takes "node" and nothing else; got "bun"/);
});
