/** The highest load that still meets the objectives: bracketed, then bisected. */
import { CancelledError } from "../execute/scope.ts";
import { InputError } from "../errors.ts";
import { settleLoad } from "../settings/load.ts";
import { nthLoad } from "../settings/load_experiment.ts";
import { shareEstimate } from "../stats/interval.ts";
import { capacityObjectives, outcomesOf } from "./capacity_objectives.ts";
import type { CapacityObjective, ProbeOutcome } from "./capacity_objectives.ts";
import type { LoadSettings } from "../settings/load.ts";
import type { LoadExperiment } from "../settings/load_experiment.ts";
import type { Estimate } from "../stats/interval.ts";
import type { LoadRun } from "./conclude_run.ts";
import type { StageResults } from "./results.ts";

/** A level that was tried. */
export interface CapacityProbe {
  /** Requests a second, or requests in flight. */
  level: number;
  /** Attempts that were put together. */
  attempts: number;
  /** Of several objectives the one that decided. */
  objective: CapacityObjective;
  /** The share of requests that met it; null where nothing was answered. */
  share: Estimate | null;
  /** Whether the level meets all objectives: "unsure" when the interval of the share holds what must be. */
  verdict: "good" | "bad" | "unsure";
}

/** What a search found. */
export interface Capacity {
  /** The highest level that surely meets the target; null when not even the lowest does. */
  highest_good: number | null;
  /** The lowest level that surely misses it; null when none did. */
  lowest_bad: number | null;
  /** Every level that was tried, in its order. */
  probes: CapacityProbe[];
  /** False where it was interrupted; what it had is here. */
  complete: boolean;
}

export interface CapacitySearch {
  /** The level to begin with. */
  start: number;
  /** No lower level is tried. Default 1 where they are whole, else a 1024th of the first. */
  least?: number;
  /** No higher level is tried. */
  most: number;
  /** Levels are whole numbers. */
  whole: boolean;
  /** Ends once the bracket is this narrow: 0.05 for 5 %. */
  precision: number;
  /**
   * What a level is like, by each objective.
   *
   * @throws {CancelledError} the search is interrupted.
   */
  probe(level: number): Promise<ProbeOutcome[]>;
  /** Called with a level that is judged, and how many more are likely; null while there is no bracket. */
  onProbe(probe: CapacityProbe, left: number | null): void;
}

/** The square of the 97.5 % point of the standard normal distribution. */
const Z2 = 1.959963984540054 ** 2;

/**
 * How many requests tell whether a share of them is reached: `least` where every one is good, `enough`
 * where only half as many miss as may. By inversion of Wilson's score interval: a found share p + d is
 * surely above p from n = z²·p·(1 − p) / d² on; d is 1 − p, and half of that.
 */
function requestsToJudge(share: number): { least: number; enough: number } {
  const least = Z2 * share / (1 - share);
  return { least: Math.ceil(least), enough: Math.ceil(4 * least) };
}

/** A level whose verdict is undecided is measured again, up to this often. */
const MOST_ATTEMPTS = 4;
/** A bound against a server whose capacity wanders. */
const MOST_PROBES = 40;

/**
 * Searches. Levels double until one is bad (or halve until one is good), then the bracket is
 * bisected until it is narrow enough. Where a level stays undecided its share alone decides where to go
 * on; the result has the levels that were sure.
 *
 * @throws what a probe throws.
 */
export async function findCapacity(search: CapacitySearch): Promise<Capacity> {
  const probes: CapacityProbe[] = [];
  const { least = search.whole ? 1 : search.start / 1024 } = search;
  let good: number | null = null;
  let bad: number | null = null;
  let level = search.start;
  let complete = true;
  while (probes.length < MOST_PROBES) {
    const probe = await probeLevel(search, level).catch((error) => {
      if (error instanceof CancelledError) return null;
      throw error;
    });
    complete = probe !== null;
    if (probe === null) break;
    probes.push(probe);
    if ((probe.share?.value ?? 0) >= probe.objective.share) good = level;
    else bad = level;
    const bracketed = good !== null && bad !== null;
    const left = bracketed ? bisections(good!, bad!, search) : null;
    search.onProbe(probe, left);
    if (left === 0) break;
    if (bad === null && level >= search.most || good === null && level <= least) break;
    level = bracketed
      ? (good! + bad!) / 2
      : bad === null
      ? Math.min(level * 2, search.most)
      : Math.max(level / 2, least);
    if (search.whole) level = Math.floor(level);
  }
  const sure = (verdict: string) =>
    probes.filter((probe) => probe.verdict === verdict).map((probe) => probe.level);
  const lowest_bad = Math.min(...sure("bad"));
  const highest_good = Math.max(...sure("good").filter((each) => each < lowest_bad));
  return {
    highest_good: Number.isFinite(highest_good) ? highest_good : null,
    lowest_bad: Number.isFinite(lowest_bad) ? lowest_bad : null,
    probes,
    complete,
  };
}

/** How often a bracket is still to be halved until it is narrow enough. */
function bisections(good: number, bad: number, { whole, precision }: CapacitySearch): number {
  const width = whole ? Math.max(1, precision * good) : precision * good;
  return Math.max(0, Math.ceil(Math.log2((bad - good) / width) - 1e-9));
}

async function probeLevel({ probe }: CapacitySearch, level: number): Promise<CapacityProbe> {
  const sums: Required<ProbeOutcome>[] = [];
  for (let attempts = 1;; attempts++) {
    for (const [i, { objective, good, unknown = 0, total }] of (await probe(level)).entries()) {
      const sum = sums[i] ??= { objective, good: 0, unknown: 0, total: 0 };
      sum.good += good;
      sum.unknown += unknown;
      sum.total += total;
    }
    const [decisive] = sums.map(judged).sort((a, b) =>
      SEVERITY[b.verdict] - SEVERITY[a.verdict] || marginOf(a) - marginOf(b)
    );
    if (decisive.verdict !== "unsure" || attempts === MOST_ATTEMPTS) {
      return { level, attempts, ...decisive };
    }
  }
}

type JudgedObjective = Pick<CapacityProbe, "objective" | "share" | "verdict">;

/** The verdict on a level is the worst of those on its objectives. */
const SEVERITY = { good: 0, unsure: 1, bad: 2 };

function judged({ objective, good, unknown, total }: Required<ProbeOutcome>): JudgedObjective {
  const share = shareEstimate(good, total);
  const verdict = share === null
    ? "bad"
    : share.low >= objective.share
    ? "good"
    : shareEstimate(good + unknown, total)!.high < objective.share
    ? "bad"
    : "unsure";
  return { objective, share, verdict };
}

function marginOf({ objective, share }: JudgedObjective): number {
  return (share?.value ?? 0) - objective.share;
}

/** A search for the capacity of an endpoint. */
export interface LoadCapacitySearch {
  /** What is searched: requests a second, or requests in flight. */
  searched: "rate" | "concurrency";
  /** The share of requests that must meet the objectives of each request. Default 0.95. */
  share?: number;
  /** Processes that send each load together: no fewer requests are in flight. Default 1. */
  shards?: number;
  /** Its abort ends the search. */
  signal: AbortSignal;
  /** Runs a load at one level, as {@linkcode measureLoad} does. */
  measure(settings: LoadSettings, level: number): Promise<Pick<LoadRun, "directory" | "results">>;
  /** Called before the first level with what is needed. */
  onPlan?(plan: CapacityPlan): void;
  /** A level is judged; how many more are likely, null while none was too much or none good enough. */
  onProbe?(probe: CapacityProbe, left: number | null): void;
  /** At a level the client itself was limited, so that the endpoint may do more. */
  onLimited?(level: number, why: string): void;
}

/** What a search for capacity will take. */
export interface CapacityPlan {
  /** The objective that takes most requests to judge. */
  objective: CapacityObjective;
  /** Requests that judge a level where every one is good. */
  least: number;
  /** Requests that judge a level at which half as many miss as may. */
  enough: number;
  /** Of how many requests a level is at least; null where its time decides. */
  requests: number | null;
  /** Seconds that the first level takes; null where the endpoint decides. */
  first_level_s: number | null;
  /** Seconds that it takes if it ends at 32 times the first level; null where the endpoint decides. */
  expected_s: number | null;
}

/** A level's figures: a point of the curve of latency over throughput. */
export interface CurvePoint {
  /** Requests a second, or requests in flight. */
  level: number;
  /** The folder of the run. */
  run: string;
  /** The run's figures. */
  total: StageResults;
}

/** The capacity of an endpoint, as far as it was found. */
export interface LoadCapacity extends Capacity {
  /** What was searched. */
  searched: "rate" | "concurrency";
  /** What each level was held against. */
  objectives: CapacityObjective[];
  /** At the lowest level that misses it the client was limited: the endpoint may do more. */
  client_limited: boolean;
  /** The folders of the runs, in their order. */
  runs: string[];
  /** The folder of a run at the highest good level; null where there is none. */
  best_run: string | null;
  /** Every run's figures, by level. */
  curve: CurvePoint[];
}

/** A level lasts so long at least: the queue of one that is 5 % too much must be felt. */
const DURATION_S = 20;
const PRECISION = 0.05;
/** A search that ends at 2^5 times its start, for the time that it may take. */
const DOUBLINGS = 5;
const MOST = { rate: 100_000, concurrency: 65_536 };
/**
 * Searches the highest rate or concurrency at which a load's objectives are met: its own load for
 * each level that is tried. When the signal is aborted it gives what it has.
 *
 * @throws {InputError} no objective, several loads, or settings that leave nothing to search.
 */
export async function findLoadCapacity(
  { runs: loads }: LoadExperiment,
  search: LoadCapacitySearch,
): Promise<LoadCapacity> {
  const { searched, shards = 1, signal, measure } = search;
  if (loads.length > 1) throw new InputError("--find-capacity: not with a matrix");
  const [{ settings }] = loads;
  if (settings.stages !== undefined || settings.trace !== undefined) {
    throw new InputError("--find-capacity: not with --stages or --trace");
  }
  const objectives = capacityObjectives(settings.slo ?? [], search.share);
  const whole = searched === "concurrency";
  const start = Math.max(settings[searched] ?? 1, whole ? shards : 0);
  const plan = capacityPlan(settings, searched, objectives, start);
  search.onPlan?.(plan);
  const curve: CurvePoint[] = [];
  const limited = new Set<number>();
  const capacity = await findCapacity({
    start: Math.min(start, plan.requests ?? Infinity),
    ...(whole ? { least: shards } : {}),
    // more than are sent cannot be in flight, and a second is the least that a rate is held
    most: Math.min(MOST[searched], plan.requests ?? Infinity),
    whole,
    precision: PRECISION,
    probe: async (level) => {
      const { directory, results } = await measure({
        ...nthLoad(settings, curve.length),
        ...lengthOf(settings, searched, level, plan),
        [searched]: level,
      }, level);
      curve.push({ level, run: directory.path, total: results.total });
      if (signal.aborted) throw new CancelledError();
      if (results.verdict.verdict === "client_limited") {
        limited.add(level);
        search.onLimited?.(level, results.verdict.reasons[0]);
      }
      return outcomesOf(results, objectives);
    },
    onProbe: (probe, left) => search.onProbe?.(probe, left),
  });
  const { highest_good, lowest_bad } = capacity;
  return {
    searched,
    objectives,
    ...capacity,
    client_limited: lowest_bad !== null && limited.has(lowest_bad),
    runs: curve.map(({ run }) => run),
    best_run: curve.findLast(({ level }) => level === highest_good)?.run ?? null,
    curve: curve.toSorted((a, b) => a.level - b.level),
  };
}

/** Requests that are asked for are made enough to judge; without, a level has its time. */
function capacityPlan(
  settings: LoadSettings,
  searched: "rate" | "concurrency",
  objectives: readonly CapacityObjective[],
  start: number,
): CapacityPlan {
  const objective = objectives.reduce((a, b) => b.share > a.share ? b : a);
  const { least, enough } = requestsToJudge(objective.share);
  const requests = settings.requests === undefined ? null : Math.max(settings.requests, least);
  const plan = { objective, least, enough, requests, first_level_s: null, expected_s: null };
  const time_s = (level: number): number | null => {
    const { duration_s, requests } = lengthOf(settings, searched, level, plan);
    if (typeof duration_s === "number") return duration_s;
    return requests !== undefined && searched === "rate" ? requests / level : null;
  };
  const levels = Array.from({ length: DOUBLINGS + 1 }, (_, i) => start * 2 ** i);
  const halvings = Math.ceil(Math.log2(1 / PRECISION));
  const tried = [...levels, ...Array(halvings).fill(levels.at(-1))];
  const first_level_s = time_s(start);
  const expected_s = first_level_s === null
    ? null
    : tried.reduce((sum: number, level) => sum + time_s(level)!, 0);
  return { ...plan, first_level_s, expected_s };
}

/** How long a level is measured: what was asked for, or as long as its rate takes for enough requests. */
function lengthOf(
  settings: LoadSettings,
  searched: "rate" | "concurrency",
  level: number,
  { least, requests }: CapacityPlan,
): Pick<LoadSettings, "duration_s" | "requests"> {
  if (requests !== null) return { requests };
  if (settings.duration_s !== undefined) {
    const { duration_s } = settleLoad({ duration_s: settings.duration_s });
    return { duration_s };
  }
  return { duration_s: searched === "rate" ? Math.max(DURATION_S, least / level) : DURATION_S };
}
