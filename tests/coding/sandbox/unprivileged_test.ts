/** The sandbox as a user who is not root: in a user namespace, where the host permits one. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals, assertStringIncludes } from "@std/assert";

const NOBODY = 65534;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(ROOT, "tests/coding/sandbox/unprivileged_program.ts");

/** Whether that user may make the namespaces that bubblewrap needs here, and read this checkout. */
function possible(): boolean {
  if (process.getuid?.() !== 0) return false; // then every other test is this one
  const as = ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"];
  const tried = (...command: string[]) =>
    spawnSync("setpriv", [...as, ...command], { stdio: "ignore" }).status === 0;
  const bare = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/"];
  return tried("test", "-r", PROGRAM) && tried(...bare, "true");
}

Deno.test({ name: "sandbox: without root's rights", ignore: !possible() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-nobody-"));
  try {
    chmodSync(folder, 0o777);
    const deno = join(folder, "deno"); // ours may lie in root's home
    copyFileSync(process.execPath, deno);
    chmodSync(deno, 0o755);
    const said = execFileSync("setpriv", [
      ...["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups", deno],
      ...["run", "-A", "--no-check", "--no-config", "--no-lock", PROGRAM],
    ], {
      cwd: folder,
      env: { PATH: "/usr/bin:/bin", HOME: folder, DENO_DIR: join(folder, "cache") },
    });
    const { uid, description, ends, stdout } = JSON.parse(said.toString());
    assertEquals([uid, ends], [NOBODY, ["passed", "exception"]]);
    assertStringIncludes(description, "in a user namespace");
    assertEquals(stdout.split("\n")[0], `${NOBODY} False`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
