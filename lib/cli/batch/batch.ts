/**
 * dyno batch: evaluations on a schedule. Each subcommand is a file that is loaded when it is
 * called.
 */
import { commandOfGroup } from "../ui/subcommands.ts";
import type { Commands } from "../ui/command.ts";

const subcommands: Commands = {
  plan: {
    summary: "all slots of a batch with their times, and the number of records",
    load: () => import("./plan.ts"),
  },
  run: {
    summary: "waits for each slot and runs it once; continues where it was stopped",
    load: () => import("./run.ts"),
  },
  status: {
    summary: "which slots are done, late or missed, and how the models did",
    load: () => import("./status.ts"),
  },
  retry: {
    summary: "asks again for records without an answer, or whole slots",
    load: () => import("./retry.ts"),
  },
};

export const command = commandOfGroup("dyno batch", "FILE [flags]", subcommands, [
  "FILE says which questions go to which models and when: experiments/batches/retail_finance.json.",
  "The state of a batch is in batches/NAME, its runs are in runs like any others.",
]);
