import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { run, temporaryFolder } from "./fixtures.ts";

const SCENARIOS = [
  "many",
  "churn",
  "cancelled",
  "timed out",
  "slow consumer",
  "misbehaving",
  "large",
  "refused",
  "server gone",
  "stopped",
];

Deno.test("the wire and the paced server are clean under ASan, UBSan and TSan", async (t) => {
  using folder = temporaryFolder();
  await run("make", "-s", "-j2", `BUILD=${folder.path}`, "wire_sanitize");
  for (const sanitizer of ["asan", "ubsan", "tsan"]) {
    await t.step(`${sanitizer}: ${SCENARIOS.join(", ")}`, async () => {
      const said = await run(join(folder.path, `wire_${sanitizer}`));
      assertEquals(said.trimEnd().split("\n"), SCENARIOS);
    });
  }
});
