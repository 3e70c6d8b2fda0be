/** The batch script that Slurm runs for each task of an array job. */
import { shellText } from "../text/shell_text.ts";

/**
 * The script's text: it passes the task's number, which Slurm sets, as the argument `--index`.
 *
 * @param what describes a task, for a reader.
 */
export function arrayScript(what: string, command: readonly string[]): string {
  return `#!/bin/sh\n# ${what}, written by dyno\nexec ${shellText(command)} ` +
    `--index "$SLURM_ARRAY_TASK_ID"\n`;
}
