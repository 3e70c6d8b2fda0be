/**
 * Watches the shards of a running load: starts them together, answers their clock questions, and
 * waits for them to end.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { sleep } from "../../execute/sleep.ts";
import { clockAnchor, nowNs } from "../../native/clock.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { JournalFollower } from "../../run/fold.ts";
import { answerClocks } from "./clock.ts";
import { filesIn, shardRunId, tell, told } from "./plan.ts";
import type { ClientReading, DriveProgress } from "../../run/request_record.ts";
import type { ShardJob } from "./executor.ts";
import type { ShardEnd, ShardPaths, ShardReady } from "./plan.ts";

/** Time between looks at the folder: while clocks are compared, and otherwise. */
const BUSY_MS = 1;
const IDLE_MS = 50;
/** How long after the last question to expect another one. */
const BUSY_FOR_MS = 500;
const BEAT_MS = 1000;
/** Time between looks at the job; it grows, to spare a large cluster. */
const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 5000;
const GROWTH = 1.3;
/** How far ahead the start is set, so that all shards see it in time. */
const LEAD_NS = 1.5e9;
/** How long the last output of an ended process may take to become visible. */
const LAG_MS = 3000;
/** How much of a process's output is shown, in characters. */
const MOST_WORDS = 400;

/** The shards of a running load, as seen through their files. */
export class Shards {
  readonly #paths: ShardPaths;
  readonly #count: number;
  readonly #job: ShardJob;
  readonly #boot_id = clockAnchor().boot_id;
  #beats = 0;
  #next = { beat_ms: 0, job_ms: 0 };
  #look_ms = FIRST_LOOK_MS;
  #asked_ms = -Infinity;
  #over: ReadonlyMap<number, string> = new Map();

  constructor(paths: ShardPaths, count: number, job: ShardJob) {
    this.#paths = paths;
    this.#count = count;
    this.#job = job;
  }

  /**
   * Waits until all shards are ready.
   *
   * @throws {InputError} a shard ended before that.
   */
  async untilReady(notice: (line: string) => void, signal: AbortSignal): Promise<void> {
    let before = 0;
    for (;;) {
      const names = await this.#turn(signal);
      const ready = this.#all().filter((shard) => names.has(`${shard}.ready.json`));
      if (ready.length > before && this.#count > ready.length) {
        notice(`${ready.length} of ${this.#count} shards ready`);
      }
      before = ready.length;
      if (ready.length === this.#count) return;
      const failed = this.#all().find((shard) =>
        names.has(`${shard}.end.json`) || this.#over.has(shard)
      );
      if (failed !== undefined) throw this.#failure(failed);
    }
  }

  /** Tells all shards when to start; returns the time, ns. */
  start(): number {
    const heads = this.#all().map((shard) =>
      told<ShardReady>(this.#paths.ready(shard))?.head_start_ns ?? 0
    );
    const start_ns = nowNs() + LEAD_NS + Math.max(...heads);
    tell(this.#paths.start, { start_ns });
    return start_ns;
  }

  /**
   * Waits until all shards have ended, for whatever reason. Aborting the signal ends them.
   *
   * @param onProgress called with the progress of all shards together, and the reading of one
   * client.
   */
  async untilOver(
    signal: AbortSignal,
    onProgress: (progress: DriveProgress, client: ClientReading | null) => void,
  ): Promise<void> {
    const { signal: never } = new AbortController();
    using journals = new ShardJournals(this.#paths, this.#count);
    let is_cancelled = false;
    let gone_ms: number | null = null;
    let next_ms = 0;
    for (;;) {
      const names = await this.#turn(never);
      if (signal.aborted && !is_cancelled) {
        await this.#job.cancel();
        is_cancelled = true;
      }
      const going = this.#all().filter((shard) => !names.has(`${shard}.end.json`));
      if (going.length === 0) break;
      gone_ms = going.every((shard) => this.#over.has(shard)) ? gone_ms ?? performance.now() : null;
      if (gone_ms !== null && performance.now() - gone_ms > LAG_MS) break;
      if (performance.now() < next_ms) continue;
      next_ms = performance.now() + BEAT_MS;
      onProgress(journals.progress(), journals.client);
    }
  }

  #all(): number[] {
    return Array.from({ length: this.#count }, (_, shard) => shard);
  }

  /**
   * Answers clock questions, shows that this process is alive and checks the job; returns the files
   * in the folder.
   */
  async #turn(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const now_ms = performance.now();
    if (answerClocks(this.#paths.clocks, this.#boot_id) > 0) this.#asked_ms = now_ms;
    if (now_ms >= this.#next.beat_ms) {
      this.#next.beat_ms = now_ms + BEAT_MS;
      writeFileSync(this.#paths.beat, String(++this.#beats));
    }
    if (now_ms >= this.#next.job_ms) {
      this.#over = await this.#job.over();
      this.#next.job_ms = performance.now() + this.#look_ms;
      this.#look_ms = Math.min(this.#look_ms * GROWTH, LONGEST_LOOK_MS);
    }
    await sleep(now_ms - this.#asked_ms < BUSY_FOR_MS ? BUSY_MS : IDLE_MS, signal);
    return new Set(filesIn(this.#paths.folder));
  }

  #failure(shard: number): Error {
    const why = told<ShardEnd>(this.#paths.end(shard))?.error ??
      (this.#over.get(shard) ?? "it ended") + lastWords(this.#paths, shard);
    return new InputError(`shard ${shard} failed before the common start: ${why}`);
  }
}

/** The last output of a shard's process; empty where unknown. */
function lastWords({ logs }: ShardPaths, shard: number): string {
  try {
    const name = filesIn(logs).find((name) => new RegExp(`(^|_)${shard}\\.log$`).test(name));
    const text = readFileSync(join(logs, name ?? ""), "utf8").trim();
    return text === "" ? "" : `; it said: ${text.slice(-MOST_WORDS)}`;
  } catch {
    return "";
  }
}

/** Follows the journals of all shards for their progress. */
class ShardJournals implements Disposable {
  readonly #followers: JournalFollower<"run">[];
  readonly #last: (DriveProgress | null)[];
  /** The newest reading of any client; null before the first. */
  client: ClientReading | null = null;

  constructor({ folder }: ShardPaths, count: number) {
    this.#followers = Array.from(
      { length: count },
      (_, shard) =>
        new JournalFollower(runDirectoryAt(join(folder, shardRunId(shard))).journal, "run"),
    );
    this.#last = this.#followers.map(() => null);
  }

  /** Returns the progress of all shards together, at the stage of the slowest. */
  progress(): DriveProgress {
    this.#followers.forEach((follower, i) => {
      for (const { event } of follower.lines()) {
        if (event?.event !== "load_progress") continue;
        const { stage, sent, in_flight, ended, failed, events } = event;
        this.#last[i] = { stage, sent, in_flight, ended, failed, events };
        this.client = event.client;
      }
    });
    const known = this.#last.filter((each) => each !== null);
    const sum = (of: (each: DriveProgress) => number) =>
      known.reduce((total, each) => total + of(each), 0);
    return {
      stage: known.length ? Math.min(...known.map(({ stage }) => stage)) : 0,
      sent: sum(({ sent }) => sent),
      in_flight: sum(({ in_flight }) => in_flight),
      ended: sum(({ ended }) => ended),
      failed: sum(({ failed }) => failed),
      events: sum(({ events }) => events),
    };
  }

  [Symbol.dispose](): void {
    for (const follower of this.#followers) follower[Symbol.dispose]();
  }
}
