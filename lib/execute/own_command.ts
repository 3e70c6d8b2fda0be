/** How this program is started again. */
import { resolve } from "node:path";
import process from "node:process";

/** Names of programs that run a script. */
const RUNTIME = /(^|\/)(deno|node|nodejs)[^/]*$/;

/** Modules are read when they are asked for: a tenth of a second of CPU time less a start. */
const LAZY = "--unstable-lazy-dynamic-imports";

/**
 * The words that start this program again from any folder: itself where it is one compiled file, else
 * the runtime with its script.
 */
export function ownCommand(
  { execPath, argv, execArgv }: Pick<typeof process, "execPath" | "argv" | "execArgv"> = process,
): string[] {
  if (!RUNTIME.test(execPath)) return [execPath];
  const script = resolve(argv[1]);
  return /(^|\/)deno[^/]*$/.test(execPath)
    ? [execPath, "run", "-A", LAZY, script]
    : [execPath, ...execArgv, script];
}
