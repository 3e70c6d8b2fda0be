/** dyno batch status: a batch's progress. */
import { figure } from "../../text/figure.ts";
import { batchFolderOf, clockOf } from "../../schedule/open_batch.ts";
import { type BatchStatus, batchStatus } from "../../schedule/status.ts";
import { grouped } from "../../text/grouped.ts";
import { folderFlags, localMoment, onlyBatch, slotText, timelinessText } from "./files.ts";
import { counted } from "../../text/grouped.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, toggle } from "../ui/flags.ts";
import { durationText } from "../../text/duration.ts";
import { shortPath } from "../../text/short_path.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Palette } from "../ui/terminal.ts";

const flags = {
  ...folderFlags,
  "slots": toggle("every slot, not only those that were late, missed or incomplete"),
  "json": toggle("one JSON object"),
};

const MODEL_COLUMNS: Column[] = [
  { title: "provider", align: "left" },
  { title: "model", align: "left", cut: true },
  { title: "records", align: "right" },
  { title: "failed", align: "right" },
  { title: "latency s p50", align: "right" },
  { title: "p50", align: "right", group: "tok/s of an answer" },
  { title: "coverage", align: "right" },
];

const SLOT_COLUMNS: Column[] = [
  { title: "slot", align: "right" },
  { title: "due", align: "left" },
  { title: "state", align: "left" },
  { title: "start", align: "left" },
  { title: "records", align: "right" },
  { title: "failed", align: "right" },
];

export const command: Command = {
  flags,
  help: [
    "dyno batch status FILE [flags]",
    "",
    "Shows how many slots are done, which were late or missed, the next one, and the records by model.",
    "Only reads: it does not disturb a running daemon.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno batch status experiments/batches/retail_finance.json",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const batch = await onlyBatch("status", positional);
    const folder = batchFolderOf(batch, values.batches, values.rehearsal ?? false);
    let now_ms = Date.now();
    const status = await batchStatus(
      batch,
      folder,
      (state) => now_ms = clockOf(state).now_ms(),
      (line) => terminal.warn(line),
    );
    const { timezone } = batch.schedule;
    if (values.json) terminal.out(JSON.stringify(status));
    else {
      statusLines(status, { timezone, now_ms, every: values.slots ?? false }, terminal.outPaint)
        .forEach((line) => terminal.out(line));
    }
    return EXIT.good;
  },
};

function statusLines(
  status: BatchStatus,
  { timezone, now_ms, every }: { timezone: string; now_ms: number; every: boolean },
  paint: Palette,
): string[] {
  const { slots, next } = status;
  const with_state = (...states: string[]) => slots.filter(({ status }) => states.includes(status));
  const late = slots.filter(({ timeliness }) => timeliness === "late").length;
  const skipped = with_state("skipped").length;
  const partial = with_state("partial").length;
  const parts = [
    `${with_state("done", "partial", "skipped").length} of ${
      counted(slots.length, "slot")
    } are done`,
    late ? `${late} late` : "",
    skipped ? `${skipped} skipped` : "",
    partial ? `${partial} not complete` : "",
  ].filter(Boolean).join(", ");
  const shown = every ? slots : slots.filter(remarkable);
  return [
    `${paint.bold(status.batch)}: ${parts}; ` +
    (status.running ? paint.good("a process is working on it") : "no process is working on it"),
    ...(next && !status.begun ? ["it has not begun: dyno batch run starts it"] : []),
    ...(next ? [nextText(next, slots.length, timezone, now_ms)] : []),
    `${grouped(status.records)} of ${counted(status.records_total, "record")}, ` +
    `${status.failed} without an answer, in ${shortPath(status.folder)}`,
    "",
    ...tableLines(MODEL_COLUMNS, status.models.map((model) => modelRow(model, paint)), paint),
    ...(shown.length ? ["", ...tableLines(SLOT_COLUMNS, shown.map(slotRow), paint)] : []),
  ];

  function stateText(state: BatchStatus["slots"][number]["status"]): string {
    if (state === "partial") return "not complete";
    return state === "running" && !status.running ? "begun" : state;
  }

  function slotRow(slot: BatchStatus["slots"][number]): string[] {
    return [
      String(slot.slot),
      localMoment(slot.due_ms, timezone),
      stateText(slot.status),
      slot.timeliness === null ? "" : timelinessText(slot),
      String(slot.records),
      slot.failed ? paint.bad(String(slot.failed)) : "0",
    ];
  }
}

function remarkable({ status, timeliness, failed }: BatchStatus["slots"][number]): boolean {
  return status === "running" || status === "partial" || status === "skipped" || failed > 0 ||
    timeliness === "late" || timeliness === "missed";
}

function nextText(
  next: NonNullable<BatchStatus["next"]>,
  slots: number,
  timezone: string,
  now_ms: number,
): string {
  const wait_s = (next.due_ms - now_ms) / 1000;
  const when = wait_s > 0 ? `in ${durationText(wait_s)}` : `${durationText(-wait_s)} ago`;
  return `${slotText(next, slots)} is due ${
    localMoment(next.due_ms, timezone)
  } (${timezone}), ${when}`;
}

function modelRow(model: BatchStatus["models"][number], paint: Palette): string[] {
  return [
    model.provider,
    model.model,
    String(model.records),
    model.failed ? paint.bad(String(model.failed)) : "0",
    figure(model.latency_p50_sec, 2),
    figure(model.throughput_p50_tps, 1),
    figure(model.coverage_mean, 2),
  ];
}
