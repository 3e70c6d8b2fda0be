/** dyno runs watch: follows the events of a run. */
import { Buffer } from "node:buffer";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { CancelledError } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { resolveRun } from "../run/index_filter.ts";
import { isLocked } from "../run/lock.ts";
import { asObject, numberAt, objectAt, textAt } from "../run/json_fields.ts";
import { EXIT } from "./command.ts";
import { flagHelp, parseFlags } from "./flags.ts";
import { folderFlag, jsonFlag, onlyOne, withRuns } from "./runs_query.ts";
import { shortened } from "./runs_text.ts";
import type { JsonObject } from "../run/json_fields.ts";
import type { Command, CommandContext } from "./command.ts";

const POLL_MS = 200;
const READ_BYTES = 1 << 16;
const LAST = new Set(["run_finished", "run_interrupted", "load_finished"]);

const flags = { ...folderFlag, ...jsonFlag };

export const command: Command = {
  help: [
    "dyno runs watch [RUN] [flags]",
    "",
    "Prints the events of a run (latest) and goes on as they come, until the run ends or Ctrl-C. Of a run",
    "that is over, all its events. With --json: the events as they are, one a line.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const given = onlyOne("watch", positional.length ? positional : ["latest"]);
    const path = await withRuns(values.runs, terminal, (index) => resolveRun(index, given));
    const { journal, lock } = runDirectoryAt(path);
    const follow = new LineFollower(journal);
    try {
      for (;;) {
        // looked at before reading: what a run wrote before it gave its lock back is then there
        const live = isLocked(lock);
        let last = false;
        for (const line of follow.lines()) {
          const event = parsed(line);
          last = event !== null && LAST.has(String(event.event));
          if (values.json) terminal.out(line);
          else if (event) terminal.out(describe(event));
        }
        if (last || !live) {
          if (!last) terminal.say("the run is over, or was cut off: nothing writes to it");
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

/** Whole lines of a file that grows; a line that is being written waits for its end. */
class LineFollower implements Disposable {
  readonly #path: string;
  #fd: number | null = null;
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  *lines(): Generator<string> {
    if (this.#fd === null) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(this.#path, "r");
    }
    const chunk = Buffer.alloc(READ_BYTES);
    for (let n = readSync(this.#fd, chunk); n > 0; n = readSync(this.#fd, chunk)) {
      const bytes: Buffer = Buffer.concat([this.#rest, chunk.subarray(0, n)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        yield bytes.toString("utf8", start, end);
        start = end + 1;
      }
      this.#rest = bytes.subarray(start);
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}

function parsed(line: string): JsonObject | null {
  try {
    return asObject(JSON.parse(line));
  } catch {
    return null;
  }
}

/** An event on one line: when, what, and what of it tells most. */
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
    ...["samples", "errors", "missing", "workers", "reason"].flatMap((key) =>
      typeof event[key] === "number" || typeof event[key] === "string"
        ? [`${key} ${event[key]}`]
        : []
    ),
  ].filter(Boolean).join("  ");
}
