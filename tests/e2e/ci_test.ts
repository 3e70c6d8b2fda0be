import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("the CI example runs the suite, passes its gate and leaves its reports", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-ci-"));
  try {
    const child = spawn("sh", ["experiments/ci/gate.sh"], {
      cwd: ROOT,
      env: {
        ...process.env,
        DYNO: `${process.execPath} run -A --no-check main.ts`,
        RUNS: join(folder, "runs"),
        OUT: join(folder, "gate"),
        GITHUB_ACTIONS: "true",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "", said = "";
    child.stdout.on("data", (bytes) => out += bytes);
    child.stderr.on("data", (bytes) => said += bytes);
    const code = await new Promise((resolve) => child.on("close", resolve));
    assertEquals(code, 0, said);
    assertStringIncludes(out, "::notice title=");
    assert(existsSync(join(folder, "gate", "gate.xml")));
    assertStringIncludes(readFileSync(join(folder, "gate", "gate.md"), "utf8"), "passed");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
