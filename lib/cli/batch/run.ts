/** dyno batch run: the daemon, a single pass for cron and timers, and rehearsals. */
import process from "node:process";
import { InputError } from "../../errors.ts";
import { batchFolderOf, clockOf, openBatch } from "../../schedule/open_batch.ts";
import { runBatch, type SlotOutcome } from "../../schedule/run_batch.ts";
import { type BatchStatus, batchStatus } from "../../schedule/status.ts";
import { CancelledError } from "../../execute/scope.ts";
import { grouped } from "../../text/grouped.ts";
import { writeSuiteReport } from "../../report/suite/suite_report.ts";
import { isLocked } from "../../run/lock.ts";
import {
  checkKeys,
  folderFlags,
  localMoment,
  onlyBatch,
  slotText,
  timelinessText,
} from "./files.ts";
import { counted } from "../../text/grouped.ts";
import { uploadText } from "./files.ts";
import { callbackFlags, withCallbacks } from "../ui/callback_flags.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, number, parseFlags, text, toggle, type Values } from "../ui/flags.ts";
import { keyFlag } from "../ui/flags.ts";
import { observe, observeFlags } from "../ui/observe.ts";
import { durationText } from "../../text/duration.ts";
import { suiteProgressOn } from "../run/suite_progress.ts";
import { ProgressLine } from "../ui/progress_line.ts";
import { endOfSlot } from "../run/run_ends.ts";
import { shortPath } from "../../text/short_path.ts";
import type { BatchFolder } from "../../schedule/folder.ts";
import type { BatchSession } from "../../schedule/session.ts";
import type { Batch } from "../../settings/batch.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const flags = {
  "once": toggle("run what is due now or within a minute, then exit: for cron and timers"),
  "dry-run": toggle("print what would be done now, and do nothing"),
  "speedup": number("N", "a rehearsal in its own folder, N times as fast", { min: 1 }),
  "endpoint": text("URL", "ask every model there, without a key: for rehearsals"),
  "batches": folderFlags.batches,
  "out": text("DIR", "the folder of runs (runs; for a rehearsal, runs in its folder)"),
  "json": toggle("one JSON object for each slot on standard output"),
  ...keyFlag,
  ...observeFlags,
  ...callbackFlags,
};

export const command: Command = {
  flags,
  help: [
    "dyno batch run FILE [flags]",
    "",
    "Waits for each slot and runs it: every model on every question, model by model. Stop and start it",
    "as you like: a slot never runs twice, one that has begun is continued, and a late one is reported",
    "and treated as the file says (on_late, on_missed). A second process on the same batch refuses.",
    "Exit code: 0 all slots are done and every question was answered, 1 some were not, 130 interrupted.",
    "With --once: 0 while slots are left.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno batch run experiments/batches/retail_finance.json",
    "  dyno batch run experiments/batches/retail_finance.json --once          # from cron, every minute",
    "  dyno batch run FILE --speedup 500 --endpoint http://127.0.0.1:8000/v1  # four days in 12 min",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { terminal } = context;
    const { values, positional } = parseFlags(flags, argv);
    const batch = await onlyBatch("run", positional);
    const rehearsal = values.speedup !== undefined;
    if (values.endpoint !== undefined && !rehearsal) {
      throw new InputError("--endpoint: only for rehearsals, with --speedup N (1 or more)");
    }
    const folder = batchFolderOf(batch, values.batches, rehearsal);
    if (values["dry-run"]) return await dryRun(batch, folder, terminal);
    if (values.once && isLocked(folder.lock)) {
      terminal.say(`${batch.name}: another process is working on it; nothing to do`);
      return EXIT.good;
    }
    if (values.endpoint === undefined) checkKeys(batch, values["key-env"]);
    const out = values.out ?? (rehearsal ? `${folder.path}/runs` : "runs");
    return await withCallbacks(
      values,
      out,
      context,
      (told) => start(batch, out, values, told),
    );
  },
};

async function start(
  batch: Batch,
  out: string,
  values: Values<typeof flags>,
  { terminal, signal, callbacks }: CommandContext,
): Promise<number> {
  using open = await openBatch(batch, {
    batches: values.batches,
    out,
    rehearsal: values.speedup,
    endpoint: values.endpoint,
    onWarning: (line) => terminal.warn(line),
  });
  const { session } = open;
  await using observed = await observe(values, terminal);
  const { slots, state } = session;
  const { timezone } = batch.schedule;
  const left = slots.filter(({ slot }) => !state.isOver(slot));
  sayStart(session, left.length, terminal);
  using line = new ProgressLine(terminal);
  let waited_for = 0;
  let at = "";
  let started_ms = performance.now();
  const began_ms = started_ms;
  const rehearsal = values.speedup;
  const told = new Set<string>();
  try {
    await runBatch({
      ...open,
      argv: process.argv.slice(2),
      once: values.once,
      onNotice: (notice) => { // each notice once, since most repeat with every run
        if (!told.has(notice)) terminal.say(terminal.paint.dim(notice));
        told.add(notice);
      },
      onWait: (slot, wait_ms) => {
        const wait = `${slotText(slot, slots.length)} is due ` +
          `${localMoment(slot.due_ms, timezone)}, in ${durationText(wait_ms / 1000)}`;
        if (waited_for !== slot.slot && !terminal.live) terminal.say(wait);
        else if (terminal.live) line.show(() => wait);
        waited_for = slot.slot;
      },
      onRun: (run) => writeSuiteReport(run.directory, run.results),
      onDirectory: observed.onDirectory,
      onSlotStarted: (slot) => {
        started_ms = performance.now();
        at = slotText(slot, slots.length);
      },
      onProgress: suiteProgressOn(line, () => `${at} · `),
      onSlotFinished: (outcome) => {
        terminal.say(outcomeText(outcome, slots.length));
        if (values.json) terminal.out(JSON.stringify({ ...outcome, ...outcome.slot }));
        callbacks?.ended(endOfSlot(outcome, batch.name, slots.length, started_ms));
      },
      onUpload: (upload) => terminal.say(uploadText(upload)),
    }, signal);
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    line[Symbol.dispose]();
    terminal.say("stopped; the same command continues");
    return EXIT.interrupted;
  }
  line[Symbol.dispose]();
  if (rehearsal !== undefined && left.length > 0) {
    const real_s = (performance.now() - began_ms) / 1000;
    terminal.say(
      `rehearsed: simulated ${durationText(real_s * rehearsal)}, ${durationText(real_s)} real`,
    );
  }
  return conclude(session, terminal);
}

function sayStart({ batch, slots, folder }: BatchSession, left: number, terminal: Terminal): void {
  const { models, questions, schedule } = batch;
  const over = slots.length - left;
  terminal.say(
    `${terminal.paint.bold(batch.name)}: ${counted(slots.length, "slot")} of ` +
      `${counted(models.length, "model")} × ${counted(questions.length, "question")}, ` +
      `from ${localMoment(slots[0].due_ms, schedule.timezone)} ` +
      `to ${localMoment(slots.at(-1)!.due_ms, schedule.timezone)} (${schedule.timezone})` +
      (over ? `; ${over} are done` : ""),
  );
  terminal.say(`state and records in ${shortPath(folder.path)}`);
}

/** `slot 3 of 56 on time: 80 records, 2 without an answer`. */
function outcomeText(outcome: SlotOutcome, slots: number): string {
  const { status, records, failed } = outcome;
  const what = status === "skipped" ? "skipped" : [
    counted(records, "record"),
    failed ? `${failed} without an answer` : "",
    status === "partial" ? "not complete" : "",
  ].filter(Boolean).join(", ");
  return `${slotText(outcome.slot, slots)} ${timelinessText(outcome)}: ${what}`;
}

function conclude({ batch, slots, state, folder }: BatchSession, terminal: Terminal): number {
  const next = slots.find(({ slot }) => !state.isOver(slot));
  const records = state.records(batch, slots.length);
  const failed = records.filter((record) => !record.success).length;
  const expected = slots.length * batch.models.length * batch.questions.length;
  if (next) {
    const due = localMoment(next.due_ms, batch.schedule.timezone);
    terminal.say(`nothing more is due; ${slotText(next, slots.length)} is due ${due}`);
    return EXIT.good;
  }
  terminal.say(
    `all slots are done: ${grouped(records.length)} of ` +
      `${counted(expected, "record")}, ${failed} without an answer`,
  );
  terminal.say(`records  ${terminal.paint.accent(shortPath(folder.records_csv))}`);
  const skipped = slots.filter(({ slot }) => state.slot(slot).status === "skipped").length;
  if (skipped) terminal.say(`${counted(skipped, "slot")} skipped: dyno batch status says which`);
  if (failed) terminal.say("ask what has no answer again: dyno batch retry");
  return failed || records.length < expected ? EXIT.failures : EXIT.good;
}

/** Prints what the daemon would do now, by its own rules for each slot. */
async function dryRun(batch: Batch, folder: BatchFolder, terminal: Terminal): Promise<number> {
  const { on_late, on_missed, timezone } = batch.schedule;
  const status = await batchStatus(
    batch,
    folder,
    (state) => clockOf(state).now_ms(),
    (line) => terminal.warn(line),
  );
  const open = status.slots.filter(({ status }) => status === "waiting" || status === "running");
  for (const slot of open.filter(({ would_be }) => would_be !== null)) {
    terminal.out(`${slotText(slot, status.slots.length)} would be ${deedOf(slot)}`);
  }
  const next = open.find(({ would_be }) => would_be === null);
  if (next) {
    const due = localMoment(next.due_ms, timezone);
    terminal.out(`${slotText(next, status.slots.length)} would be waited for, until ${due}`);
  } else if (open.length === 0) terminal.out("all slots are done: nothing would be done");
  return EXIT.good;

  function deedOf({ would_be, status }: BatchStatus["slots"][number]): string {
    const skip = would_be === "missed" && on_missed === "skip" ||
      would_be === "late" && on_late === "skip" && status === "waiting";
    if (status === "running") return skip ? "left with the records it has" : "continued";
    const how = would_be === "on_time" ? "on time" : would_be;
    return `${skip ? "skipped" : "run"} (${how})`;
  }
}
