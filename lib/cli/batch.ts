/** dyno batch: evaluations by a schedule. One file a subcommand, loaded when it is called. */
import { InputError } from "../errors.ts";
import { didYouMean } from "../nearest.ts";
import type { Command, CommandContext } from "./command.ts";

const subcommands: Record<string, { summary: string; load: () => Promise<{ command: Command }> }> =
  {
    plan: {
      summary: "all slots of a batch with their times, and the number of records",
      load: () => import("./batch_plan.ts"),
    },
    run: {
      summary: "waits for each slot and runs it once; goes on where it was stopped",
      load: () => import("./batch_run.ts"),
    },
    status: {
      summary: "which slots are over, late or missed, and what the models did",
      load: () => import("./batch_status.ts"),
    },
    retry: {
      summary: "records without an answer, or whole slots, once more",
      load: () => import("./batch_retry.ts"),
    },
  };

export const command: Command = {
  help: [
    "dyno batch COMMAND FILE [flags]      dyno batch COMMAND --help",
    "",
    ...Object.entries(subcommands).map(([name, { summary }]) => `  ${name.padEnd(6)}  ${summary}`),
    "",
    "FILE says which questions go to which models and when: experiments/batches/retail_finance.json.",
    "The state of a batch is in batches/NAME, its runs are in runs like any others.",
  ],

  subcommands,

  async subcommand([name]) {
    return Object.hasOwn(subcommands, name ?? "") ? (await subcommands[name].load()).command : null;
  },

  async run(argv: string[], context: CommandContext): Promise<number> {
    const [name, ...rest] = argv;
    if (!Object.hasOwn(subcommands, name ?? "")) {
      const known = Object.keys(subcommands);
      const hint = name === undefined ? "" : didYouMean(name, known);
      throw new InputError(
        `dyno batch: "${name ?? ""}" is not known; expected ${known.join(", ")}${hint}`,
      );
    }
    return await (await subcommands[name].load()).command.run(rest, context);
  },
};
