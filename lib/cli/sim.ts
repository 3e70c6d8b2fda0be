/** dyno sim: runs the scheduling simulator. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { InputError } from "../errors.ts";
import { nativeProgram } from "../native/program.ts";
import { EXIT } from "./ui/command.ts";
import type { Command, CommandContext } from "./ui/command.ts";

export const command: Command = {
  help: [],
  ownHelp: true,

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const notice = (line: string) => terminal.say(terminal.paint.dim(line));
    const path = await nativeProgram("agent_sched_sim", { notice });
    const child = spawn(path, argv, { stdio: "inherit" });
    signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
    return await new Promise((resolve, reject) => {
      child.once("error", (error) => reject(new InputError(`${path}: ${error.message}`)));
      child.once("exit", (code, by) => {
        if (signal.aborted) resolve(EXIT.interrupted);
        else resolve(code ?? 128 + constants.signals[by!]);
      });
    });
  },
};
