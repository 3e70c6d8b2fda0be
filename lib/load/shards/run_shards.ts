/** A load that several processes send together: planned, begun at one moment, watched, gathered. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { apiKey, configureApi, settleApi } from "../../endpoint/api.ts";
import { openTransport } from "../../endpoint/open_transport.ts";
import { InputError } from "../../errors.ts";
import { sleep } from "../../execute/sleep.ts";
import { clockAnchor, nowNs } from "../../native/clock.ts";
import { JournalFollower } from "../../run/fold.ts";
import { Redactor } from "../../run/redact.ts";
import { removeRunDirectory, runDirectoryAt } from "../../run/directory.ts";
import { RunSession } from "../../run/session.ts";
import { builtinPrices } from "../../run/prices.ts";
import { OWN_TOKENIZER } from "../../settings/load.ts";
import { FILES } from "../../settings/load_experiment.ts";
import { writeFileAtomic } from "../../write.ts";
import { readLoadJournal } from "../load_journal.ts";
import { modelsText, weightedModels } from "../models.ts";
import { BUDGET } from "../drive_options.ts";
import { planLoad, recordedPlan, seedNotice } from "../plan_load.ts";
import { withTimeLeft } from "../time_left.ts";
import { answerClocks } from "./clock.ts";
import { gatherShards } from "./gather.ts";
import { filesIn, shardFolder, shardPaths, shardRunId, tell, told } from "./plan.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";
import type { ClientReading, DriveProgress } from "../../run/request_record.ts";
import type { LoadSettings } from "../../settings/load.ts";
import type { Budget, BudgetLimits } from "../../run/budget.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { LoadResults } from "../results.ts";
import type { LoadRun } from "../conclude_run.ts";
import type { LoadsOptions } from "../loads_options.ts";
import type { LoadSpread, ShardJob } from "./executor.ts";
import type { ShardEnd, ShardPaths, ShardPlan, ShardReady } from "./plan.ts";

/** Between two looks at the folder: while clocks are compared, and while nothing happens. */
const BUSY_MS = 1;
const IDLE_MS = 50;
/** So long after the last question clocks may still be compared. */
const BUSY_FOR_MS = 500;
const BEAT_MS = 1000;
/** Between two questions for the job; longer and longer, so that a large cluster is not bothered. */
const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 5000;
const GROWTH = 1.3;
/** The start lies so far ahead that all shards see it in time. */
const LEAD_NS = 1.5e9;
/** How long the last words of a process that has ended may take to be seen. */
const LAG_MS = 3000;
/** Of what a process printed. */
const MOST_WORDS = 400;

/**
 * Runs one load in several processes. Ctrl-C (the signal) ends all of them; what arrived is summed up.
 *
 * @throws {InputError} settings that cannot be divided; a shard that fails before the common start.
 */
export async function runShards(
  name: string,
  settings: LoadSettings,
  spread: LoadSpread,
  options: LoadsOptions,
): Promise<LoadRun> {
  const opened: { unbegun: RunDirectory | null } = { unbegun: null };
  try {
    return await sendTogether(name, settings, spread, options, opened);
  } catch (error) {
    if (opened.unbegun !== null) removeRunDirectory(opened.unbegun.path); // nothing was sent
    throw error;
  }
}

async function sendTogether(
  name: string,
  settings: LoadSettings,
  { shards: count, executor }: LoadSpread,
  options: LoadsOptions,
  opened: { unbegun: RunDirectory | null },
): Promise<LoadRun> {
  const { signal, onNotice = () => {}, onWarning = () => {} } = options;
  const { prompt_seed } = await planLoad(settings, undefined, { index: 0, count });
  const { api, models } = await reached(settings, onWarning, signal);
  options.onReached?.(api, models);
  const whole = withPlaces({
    ...settings,
    ...(models.length === 1 ? { model: models[0] } : {}),
    ...(prompt_seed === null ? {} : { prompt_seed }),
  });
  const plan = await planLoad(whole);
  if (settings.prompt_seed !== undefined && prompt_seed !== null) {
    onNotice(seedNotice(prompt_seed));
  }
  checkNoSecret(api, whole);
  const prices = options.prices ?? builtinPrices();
  const written: ShardPlan = {
    name,
    settings: whole,
    count,
    budget: leftOf(options.budget),
    prices: {
      name: prices.name,
      rows: [...new Set(models.flatMap((model) => prices.priceOf(model) ?? []))],
    },
  };
  await using session = await RunSession.open({
    ...options,
    onNotice,
    kind: "load",
    benchmark: name,
    seed: plan.pattern.seed,
    api,
    model: modelsText(models),
    config: { api_configuration: api, settings: whole, shards: count, ...recordedPlan(plan) },
  });
  const { directory } = session;
  opened.unbegun = directory;
  const paths = shardPaths(shardFolder(directory));
  for (const folder of [paths.clocks, paths.logs]) mkdirSync(folder, { recursive: true });
  writeFileAtomic(paths.plan, JSON.stringify(written, null, 2) + "\n");
  const { folder, logs } = paths;
  const job = await executor({ name, folder, count, logs, notice: once(onNotice) });
  if (job.name !== null) onNotice(`${job.name}: ${count} shards`);
  const shards = new Shards(paths, count, job);
  try {
    await shards.untilReady(onNotice, signal);
    const first = await readLoadJournal(runDirectoryAt(join(folder, shardRunId(0))));
    const { schema_version, transport, price, prices, api, template_tokens } = first.started;
    session.journal.append({
      event: "load_started",
      schema_version,
      name,
      settings: whole,
      transport,
      api,
      price,
      ...(prices ? { prices } : {}),
      ...(template_tokens === undefined ? {} : { template_tokens }),
      shards: { count, index: null },
      anchor: clockAnchor(),
    });
    opened.unbegun = null;
    const start_ns = shards.start();
    await shards.untilOver(signal, (progress, client) => {
      const begin = { start_ns, ended: 0 };
      options.onProgress?.(withTimeLeft(progress, plan.stages, begin, nowNs()));
      if (client) session.journal.append({ event: "load_progress", ...progress, client });
    });
  } catch (error) {
    await job.cancel();
    throw error;
  }
  const run = await gatherShards(directory, await job.over());
  if (options.budget) bill(options.budget, run.results);
  return run;
}

/** Shows a line the first time that it comes. */
function once(show: (line: string) => void): (line: string) => void {
  const shown = new Set<string>();
  return (line) => {
    if (!shown.has(line)) show(line);
    shown.add(line);
  };
}

/** What a budget still has. */
function leftOf(budget: Budget | undefined): BudgetLimits {
  if (budget === undefined) return { usd: null, tokens: null };
  const { limits, spent } = budget;
  const left = (limit: number | null, gone: number) =>
    limit === null ? null : Math.max(0, limit - gone);
  return { usd: left(limits.usd, spent.usd), tokens: left(limits.tokens, spent.tokens) };
}

/** Counts what the shards have spent. */
function bill(budget: Budget, { ledger, stopped_because }: LoadResults): void {
  const { total_cost_usd, prompt_tokens, completion_tokens } = ledger.total;
  budget.add({ usd: total_cost_usd, tokens: (prompt_tokens ?? 0) + (completion_tokens ?? 0) });
  if (stopped_because?.includes(BUDGET)) budget.ended = true;
}

/** The endpoint as far as it must be known here: where its model is named, only the shards ask it. */
async function reached(
  settings: LoadSettings,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<{ api: APIConfiguration; models: string[] }> {
  const [model, ...others] = weightedModels(settings.model).map(({ name }) => name);
  const asking = { ...settings, model, retry_attempts: 0 };
  if (model !== undefined) return { api: settleApi(asking, warn), models: [model, ...others] };
  await using transport = await openTransport({ only: "portable", notice: warn });
  const api = await configureApi(asking, transport, warn, signal);
  return { api, models: [api.model] };
}

/** Files are read in other places, maybe from another folder. */
function withPlaces(settings: LoadSettings): LoadSettings {
  const placed = { ...settings };
  for (const name of FILES) {
    const path = placed[name];
    if (path !== undefined && path !== OWN_TOKENIZER) placed[name] = resolve(path);
  }
  return placed;
}

/** @throws {InputError} the plan would hold a secret. */
function checkNoSecret(api: APIConfiguration, settings: LoadSettings): void {
  const redactor = new Redactor();
  redactor.learn(apiKey(api));
  redactor.learnHeaders(api.headers);
  const text = JSON.stringify(settings);
  if (redactor.redact(text) === text) return;
  throw new InputError(
    "--shards: a secret is among the settings, which are written to a file for the shards: give the key " +
      "in the variable that --api-key-env names",
  );
}

/** The shards of a load under way, as far as their files tell. */
class Shards {
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
   * Waits until all are ready.
   *
   * @throws {InputError} one of them ended before.
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

  /** Tells all of them when they begin; gives the moment, ns. */
  start(): number {
    const heads = this.#all().map((shard) =>
      told<ShardReady>(this.#paths.ready(shard))?.head_start_ns ?? 0
    );
    const start_ns = nowNs() + LEAD_NS + Math.max(...heads);
    tell(this.#paths.start, { start_ns });
    return start_ns;
  }

  /**
   * Waits until all have ended, one way or another. The signal ends them.
   *
   * @param onProgress receives the progress of all of them together, and the client of one.
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

  /** Answers, shows that this process is there, asks the job; gives what lies in the folder. */
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

/** What a shard's process said last; empty for nothing that is known. */
function lastWords({ logs }: ShardPaths, shard: number): string {
  try {
    const name = filesIn(logs).find((name) => new RegExp(`(^|_)${shard}\\.log$`).test(name));
    const text = readFileSync(join(logs, name ?? ""), "utf8").trim();
    return text === "" ? "" : `; it said: ${text.slice(-MOST_WORDS)}`;
  } catch {
    return "";
  }
}

/** The journals of all shards, followed for how far they are. */
class ShardJournals implements Disposable {
  readonly #followers: JournalFollower<"run">[];
  readonly #last: (DriveProgress | null)[];
  /** The newest reading of one of the clients; null before the first. */
  client: ClientReading | null = null;

  constructor({ folder }: ShardPaths, count: number) {
    this.#followers = Array.from(
      { length: count },
      (_, shard) =>
        new JournalFollower(runDirectoryAt(join(folder, shardRunId(shard))).journal, "run"),
    );
    this.#last = this.#followers.map(() => null);
  }

  /** All of them together; of the stages the one that the slowest is in. */
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
