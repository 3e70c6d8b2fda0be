/** Each function of libdyno looks at what it is given. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";

Deno.test("wrong numbers and noise in each function of libdyno end nothing", () => {
  const program = fileURLToPath(new URL("./wrong_program.ts", import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", "--no-check", program],
    { encoding: "utf8", timeout: 120_000 },
  );
  assertEquals([status, signal], [0, null], stderr);
  assertMatch(stdout, /^\d{4,} calls\n$/);
});
