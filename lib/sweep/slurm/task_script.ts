/** The batch script that Slurm runs for each task of a sweep. */
import { ownCommand } from "../../execute/own_program.ts";
import { shellText } from "../command_line.ts";
import type { SweepTree } from "../tree.ts";

/** Its text: the task's number is the one that Slurm gives it. */
export function taskScript(tree: SweepTree): string {
  const command = shellText([...ownCommand(), "sweep", "exec", `--exp_dir=${tree.path}`]);
  return `#!/bin/sh\n# a task of a sweep, written by dyno\nexec ${command} ` +
    `--index "$SLURM_ARRAY_TASK_ID"\n`;
}
