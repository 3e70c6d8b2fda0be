/** dyno batch plan: lists the slots of a batch. */
import { checkSame, readState } from "../../schedule/session.ts";
import { type BatchPlan, planOf } from "../../schedule/status.ts";
import { batchFolderOf } from "../../schedule/open_batch.ts";
import { folderFlags, localMoment, onlyBatch } from "./files.ts";
import { counted } from "../../text/grouped.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, toggle } from "../ui/flags.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  "batches": folderFlags.batches,
  "json": toggle("one JSON object"),
};

const COLUMNS: Column[] = [
  { title: "slot", align: "right" },
  { title: "day", align: "right" },
  { title: "window", align: "right" },
  { title: "local time", align: "left" },
  { title: "UTC", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno batch plan FILE [flags]",
    "",
    "Prints when each slot is due and how many records the batch will have. Without a start in the file,",
    "a batch starts when it is first run; the plan then shows a start now.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno batch plan experiments/batches/retail_finance.json",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const batch = await onlyBatch("plan", positional);
    const folder = batchFolderOf(batch, values.batches, false);
    const state = await readState(folder, (line) => terminal.warn(line));
    checkSame(batch, state, folder);
    const plan = planOf(batch, state, Date.now());
    if (values.json) terminal.out(JSON.stringify({ ...plan, slots: plan.slots.map(isoSlot) }));
    else planLines(plan, terminal.outPaint).forEach((line) => terminal.out(line));
    return EXIT.good;
  },
};

function planLines(plan: BatchPlan, paint: Parameters<typeof tableLines>[2]): string[] {
  const { slots, timezone } = plan;
  const rows = slots.map(({ slot, day, window, due_ms }) => [
    String(slot),
    String(day),
    String(window),
    localMoment(due_ms, timezone),
    new Date(due_ms).toISOString(),
  ]);
  return [
    `${paint.bold(plan.batch)}: ${counted(slots.length, "evaluation")}, one every ` +
    `${exactDuration(plan.spacing_ms)}, times of ${timezone}`,
    `${counted(plan.models, "model")} × ${counted(plan.questions, "question")} = ` +
    `${counted(plan.records_per_slot, "record")} a slot, ` +
    `${paint.bold(counted(plan.records_total, "record"))} in all`,
    ...(plan.start_fixed ? [] : ["no start is given: the times are for a start now"]),
    "",
    ...tableLines(COLUMNS, rows, paint),
  ];
}

/** A slot with its times as ISO 8601. */
function isoSlot({ slot, day, window, due_ms }: BatchPlan["slots"][number]) {
  return { slot, day, window, due: new Date(due_ms).toISOString() };
}

/** `51 min 25.714 s`, to the millisecond. */
function exactDuration(ms: number): string {
  const whole_ms = Math.round(ms);
  const minutes = Math.floor(whole_ms / 60_000);
  const seconds = `${(whole_ms % 60_000) / 1000} s`;
  const hours = Math.floor(minutes / 60);
  return [hours ? `${hours} h` : "", minutes % 60 ? `${minutes % 60} min` : "", seconds]
    .filter(Boolean).join(" ");
}
