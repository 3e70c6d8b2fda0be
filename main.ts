/** dyno's command line. */
import process from "node:process";
import { main } from "./lib/cli/main.ts";

await goWhereCalled();
process.exitCode = await main(process.argv.slice(2));

/**
 * `deno task` goes to this folder, and tells where it was called: paths are seen from there. With
 * narrow permissions nothing is asked: no task gives such.
 */
async function goWhereCalled(): Promise<void> {
  try {
    const called = process.env.INIT_CWD;
    if (called === undefined) return;
    const { realpathSync } = await import("node:fs"); // not for those who are here already
    const { fileURLToPath } = await import("node:url");
    if (process.cwd() !== realpathSync(fileURLToPath(new URL(".", import.meta.url)))) return;
    delete process.env.INIT_CWD; // programs that are started from here are called from here
    process.chdir(called);
  } catch (error) {
    if ((error as Error).name !== "NotCapable") throw error;
  }
}
