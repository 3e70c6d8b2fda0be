/** How dyno starts itself again: for a sweep, a server, or a cluster's task. */
import { existsSync } from "node:fs";
import process from "node:process";
import { resolve } from "node:path";
import { InputError } from "../errors.ts";
import { isCompiled, packageFile, packageUrl, underDeno } from "../package_files.ts";

/** A small young heap, for shorter pauses while a client measures. */
const HEAP = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=30";

/** Loads modules on demand, which saves a third of a second of CPU time per start. */
const LAZY = "--unstable-lazy-dynamic-imports";

/**
 * The program and the arguments that come before dyno's own.
 *
 * @throws {InputError} the command line is not next to this library: another program has bundled
 * it.
 */
export function ownProgram(): { path: string; leading: string[] } {
  const path = process.execPath;
  if (isCompiled()) return { path, leading: [] };
  if (underDeno()) return { path, leading: ["run", "-A", LAZY, HEAP, mainScript()] };
  const main = releasedMain();
  if (main === null) {
    throw new InputError(
      "a sweep of kind load or suite starts dyno itself, whose command line is not beside this " +
        "library: install the package @dyno/dyno rather than bundling it",
    );
  }
  return { path, leading: [main] };
}

/** The command that starts this program again, from any folder and under any runtime. */
export function ownCommand(): string[] {
  const { execPath, execArgv, argv } = process;
  if (isCompiled()) return [execPath];
  if (underDeno()) return [execPath, "run", "-A", LAZY, mainScript()];
  return [execPath, ...execArgv, releasedMain() ?? resolve(argv[1])];
}

/** The command-line script of a built package; null in a checkout. */
function releasedMain(): string | null {
  const main = packageFile("main.js");
  return main !== null && existsSync(main) ? main : null;
}

function mainScript(): string {
  return releasedMain() ?? packageFile("main.ts") ?? packageUrl("main.ts").href;
}
