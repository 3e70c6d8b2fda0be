/** dyno batch retry: repeats what failed. */
import process from "node:process";
import { existsSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { batchFolderOf, openBatch } from "../../schedule/open_batch.ts";
import { retryTasks, runRetry } from "../../schedule/retry.ts";
import { uploadRest } from "../../schedule/upload.ts";
import { CancelledError } from "../../execute/scope.ts";
import { writeSuiteReport } from "../../report/suite/suite_report.ts";
import { checkKeys, folderFlags, onlyBatch } from "./files.ts";
import { counted } from "../../text/grouped.ts";
import { uploadText } from "./files.ts";
import { EXIT } from "../ui/command.ts";
import { suiteProgressOn } from "../run/suite_progress.ts";
import { ProgressLine } from "../ui/progress_line.ts";
import { keyFlag } from "../ui/flags.ts";
import { flagHelp, list, parseFlags, text } from "../ui/flags.ts";
import type { ModelTask } from "../../schedule/run_slot.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  "slots": list("LIST", "repeat these slots in full, skipped ones too, e.g. 3,5-7"),
  "endpoint": text("URL", "for a rehearsal: ask every model there, without a key"),
  ...folderFlags,
  ...keyFlag,
  "out": text("DIR", "the folder of runs (runs; for a rehearsal, runs in its folder)"),
};

export const command: Command = {
  flags,
  help: [
    "dyno batch retry FILE [flags]",
    "",
    "Asks questions without an answer again, in slots that have begun; with --slots, whole slots. New",
    "records replace the old ones, with the time at which they were asked. Not while a daemon works on",
    "the batch. What could not be uploaded is sent, too. Exit code: 0 all were answered now, 1",
    "some were not, or not everything is uploaded.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno batch retry experiments/batches/retail_finance.json",
    "  dyno batch retry experiments/batches/retail_finance.json --slots 3,5-7",
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const batch = await onlyBatch("retry", positional);
    const rehearsal = values.rehearsal ?? false;
    if (values.endpoint !== undefined && !rehearsal) {
      throw new InputError("--endpoint: only for rehearsals, with --rehearsal");
    }
    const chosen = values.slots && slotNumbers(values.slots);
    const folder = batchFolderOf(batch, values.batches, rehearsal);
    if (!existsSync(folder.journal)) {
      throw new InputError(`${folder.path}: this batch has not begun; dyno batch run starts it`);
    }
    if (values.endpoint === undefined) checkKeys(batch, values["key-env"]);
    using open = await openBatch(batch, {
      batches: values.batches,
      out: values.out,
      rehearsal: rehearsal ? "as begun" : null,
      endpoint: values.endpoint,
      onWarning: (line) => terminal.warn(line),
    });
    const { session, out } = open;
    const tasks = retryTasks(session, chosen ?? null);
    let uploaded: boolean;
    try {
      if (tasks.length === 0) {
        terminal.say("every record of the finished slots has its answer; nothing to ask");
      } else {
        terminal.say(
          `asking ${counted(questionsOf(tasks, batch.questions.length), "question")} again`,
        );
        using line = new ProgressLine(terminal);
        await runRetry(tasks, {
          ...open,
          argv: process.argv.slice(2),
          onNotice: (line) => terminal.say(terminal.paint.dim(line)),
          onProgress: suiteProgressOn(line),
          onRun: (run) => writeSuiteReport(run.directory, run.results),
        }, signal);
      }
      const upload = await uploadRest(session, out, Infinity, signal);
      if (upload !== null) terminal.say(uploadText(upload));
      uploaded = upload === null || upload.error === null;
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      terminal.say("stopped; the same command continues");
      return EXIT.interrupted;
    }
    if (tasks.length === 0) return uploaded ? EXIT.good : EXIT.failures;
    const slots = [...new Set(tasks.map(({ slot }) => slot))];
    const failed = slots.flatMap((slot) => session.state.recordsOf(batch, slot))
      .filter((record) => !record.success).length;
    terminal.say(failed ? `${counted(failed, "record")} without an answer` : "all were answered");
    return failed || !uploaded ? EXIT.failures : EXIT.good;
  },
};

function questionsOf(tasks: readonly ModelTask[], all: number): number {
  return tasks.reduce((sum, { tests }) => sum + (tests?.length ?? all), 0);
}

/**
 * The numbers in texts such as `3` and `5-7`.
 *
 * @throws {InputError} a text is neither a number nor a range.
 */
function slotNumbers(parts: readonly string[]): number[] {
  const numbers = parts.flatMap((part) => {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
    const from = Number(match?.[1]), to = Number(match?.[2] ?? match?.[1]);
    if (!match || to < from) {
      throw new InputError(`--slots: "${part}" is not valid; expected numbers such as 3,5-7`);
    }
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}
