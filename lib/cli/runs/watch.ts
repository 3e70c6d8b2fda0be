/** dyno runs watch: follows the events of a run. */
import { CancelledError } from "../../execute/scope.ts";
import { sleep } from "../../execute/sleep.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { JournalFollower } from "../../run/fold.ts";
import { resolveRun } from "../../run/find_run.ts";
import { isLocked } from "../../run/lock.ts";
import { type JsonObject, numberAt, objectAt, textAt } from "../../json_fields.ts";
import { runState } from "../../run/run_state.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { folderFlag, jsonFlag, onlyOne, withRuns } from "./query.ts";
import { shortened } from "./text.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const POLL_MS = 200;

const DETAILS = [
  "samples",
  "errors",
  "missing",
  "workers",
  "in_flight",
  "ended",
  "failed",
  "reason",
];

const flags = { ...folderFlag, ...jsonFlag };

export const command: Command = {
  flags,
  help: [
    "dyno runs watch [RUN] [flags]",
    "",
    "Prints the events of a run (latest) and follows it until it ends or Ctrl-C. Of a run",
    "that has ended, all its events. With --json: the events as they are, one a line.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const given = onlyOne("watch", positional.length ? positional : ["latest"]);
    const path = await withRuns(values.runs, terminal, (index) => resolveRun(index, given));
    const { journal, lock } = runDirectoryAt(path);
    const follow = new JournalFollower(journal, "run");
    const state = runState.begin();
    try {
      for (;;) {
        // checked before reading: everything a run wrote before it released its lock is then
        // visible
        const live = isLocked(lock);
        for (const { text, event } of follow.lines()) {
          if (event !== null) runState.take(state, event);
          terminal.out(values.json ? text : describe(JSON.parse(text)));
        }
        if (state.ended !== null || !live) {
          if (state.ended === null) {
            terminal.say("the run has ended, or was cut off: nothing writes to it");
          }
          return EXIT.good;
        }
        await sleep(POLL_MS, signal);
      }
    } catch (error) {
      if (error instanceof CancelledError) return EXIT.interrupted;
      throw error;
    } finally {
      follow[Symbol.dispose]();
    }
  },
};

/** An event on one line: time, name, and its main fields. */
function describe(event: JsonObject): string {
  const t = numberAt(event, "t");
  const time = t === null ? "--:--:--" : new Date(t * 1000).toTimeString().slice(0, 8);
  const name = textAt(event, "event") ?? "?";
  return `${time}  ${name.padEnd(18)}  ${shortened(detail(event), 120)}`.trimEnd();
}

function detail(event: JsonObject): string {
  const result = objectAt(event, "result");
  const evaluation = objectAt(result, "evaluation_result");
  const took_s = numberAt(event, "elapsed_seconds");
  const request = numberAt(result, "request");
  const first = textAt(event, "package_id") ?? textAt(event, "name") ??
    (request === null ? "" : `request ${request}`);
  const error = textAt(event, "error") ?? textAt(result, "message") ?? textAt(event, "message");
  return [
    first,
    took_s === null ? "" : `${took_s.toFixed(2)} s`,
    evaluation ? (evaluation.passed === true ? "passed" : "failed") : "",
    error ?? "",
    ...DETAILS.flatMap((key) =>
      typeof event[key] === "number" || typeof event[key] === "string"
        ? [`${key.replace("_", " ")} ${event[key]}`]
        : []
    ),
  ].filter(Boolean).join("  ");
}
