/** dyno's command line. */
import { realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "./lib/cli/main.ts";

goWhereCalled();
process.exitCode = await main(process.argv.slice(2));

/**
 * `deno task` goes to this folder, and tells where it was called: paths are seen from there. With
 * narrow permissions nothing is asked: no task gives such.
 */
function goWhereCalled(): void {
  try {
    const called = process.env.INIT_CWD;
    if (called === undefined) return;
    if (process.cwd() !== realpathSync(fileURLToPath(new URL(".", import.meta.url)))) return;
    delete process.env.INIT_CWD; // programs that are started from here are called from here
    process.chdir(called);
  } catch (error) {
    if ((error as Error).name !== "NotCapable") throw error;
  }
}
