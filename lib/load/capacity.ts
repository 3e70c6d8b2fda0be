/** Finds the highest load that still meets the objectives: by bracketing, then bisection. */
import { CancelledError } from "../execute/scope.ts";
import { InputError } from "../errors.ts";
import { settleLoad } from "../settings/load.ts";
import { nthRun } from "../settings/load_experiment.ts";
import { shareEstimate, trialsToTell } from "../stats/interval.ts";
import { capacityObjectives, outcomesOf } from "./capacity_objectives.ts";
import type { CapacityObjective, ProbeOutcome } from "./capacity_objectives.ts";
import type { LoadSettings } from "../settings/load.ts";
import type { LoadExperiment } from "../settings/load_experiment.ts";
import type { Estimate } from "../stats/interval.ts";
import type { LoadRun } from "./conclude_run.ts";
import type { StageResults } from "./results.ts";

/** One level that was tried. */
export interface CapacityProbe {
  /** Requests a second, or requests in flight. */
  level: number;
  /** How many measurements of this level were combined. */
  attempts: number;
  /** The objective that decided the verdict. */
  objective: CapacityObjective;
  /** The share of requests that met it; null where no request was answered. */
  share: Estimate | null;
  /**
   * Whether the level meets all objectives: "unsure" when the share's interval includes the share
   * required.
   */
  verdict: "good" | "bad" | "unsure";
}

/** The result of a search. */
export interface Capacity {
  /** The highest level that surely meets the objectives; null when not even the lowest one does. */
  highest_good: number | null;
  /** The lowest level that surely misses them; null when none did. */
  lowest_bad: number | null;
  /** Every level that was tried, in the order of the tries. */
  probes: CapacityProbe[];
  /** False where the search was interrupted; it holds what was found until then. */
  complete: boolean;
}

export interface CapacitySearch {
  /** The level to start with. */
  start: number;
  /** The lowest level to try. Default: 1 for whole levels, else 1/1024 of the first one. */
  least?: number;
  /** The highest level to try. */
  most: number;
  /** Whether levels are whole numbers. */
  whole: boolean;
  /** The search ends when the bracket is this narrow: 0.05 for 5 %. */
  precision: number;
  /**
   * Measures a level and returns the outcome by objective.
   *
   * @throws {CancelledError} the search was interrupted.
   */
  probe(level: number): Promise<ProbeOutcome[]>;
  /**
   * Called after each level is judged; `left`: how many more are likely, null while there is no
   * bracket.
   */
  onProbe(probe: CapacityProbe, left: number | null): void;
}

/**
 * How many requests it takes to judge whether a share of them is reached: `least` where every
 * request is good, `enough` where half as many miss as are allowed to.
 */
function requestsToJudge(share: number): { least: number; enough: number } {
  return { least: trialsToTell(1, share), enough: trialsToTell((1 + share) / 2, share) };
}

/** An undecided level is measured again, up to this many times in all. */
const MOST_ATTEMPTS = 4;
/** Bounds the search against a server whose capacity drifts. */
const MOST_PROBES = 40;

/**
 * Runs the search. Levels double until one is bad (or halve until one is good); then the bracket is
 * bisected until it is narrow enough. Where a level stays undecided, its share alone decides the
 * direction; the result names only levels with a sure verdict.
 *
 * @throws whatever a probe throws.
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

/** How many more times a bracket must be halved until it is narrow enough. */
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

/** The verdict on a level is the worst of the verdicts on its objectives. */
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

/** The settings of a search for an endpoint's capacity. */
export interface LoadCapacitySearch {
  /** What is searched: requests a second, or requests in flight. */
  searched: "rate" | "concurrency";
  /** The share of requests that must meet the per-request objectives. Default 0.95. */
  share?: number;
  /** How many processes send each load together; the least concurrency of a level. Default 1. */
  shards?: number;
  /** Aborting it ends the search. */
  signal: AbortSignal;
  /** Runs a load at one level, as {@linkcode measureLoad} does. */
  measure(settings: LoadSettings, level: number): Promise<Pick<LoadRun, "directory" | "results">>;
  /** Called before the first level with what the search needs. */
  onPlan?(plan: CapacityPlan): void;
  /**
   * Called after each level is judged; `left`: how many more are likely, null while there is no
   * bracket.
   */
  onProbe?(probe: CapacityProbe, left: number | null): void;
  /** Called for a level at which the client was the limit, so that the endpoint may be capable of more. */
  onLimited?(level: number, why: string): void;
}

/** What a search for capacity needs. */
export interface CapacityPlan {
  /** The objective that needs the most requests to judge. */
  objective: CapacityObjective;
  /** Requests needed to judge a level where every one is good. */
  least: number;
  /** Requests needed to judge a level where half as many miss as are allowed to. */
  enough: number;
  /** The least number of requests at each level; null where a time limits it instead. */
  requests: number | null;
  /** The capacity that the two durations assume: 19 times the first level, or the highest level. */
  assumed: number;
  /** Duration of all runs of the first level, s; null where it depends on the endpoint. */
  first_level_s: number | null;
  /**
   * Duration of the search, s; null where it depends on the endpoint. A search for a concurrency takes
   * longer where its levels answer too few requests in their time.
   */
  expected_s: number | null;
}

/** The figures of one level: a point on the curve of latency against throughput. */
export interface CurvePoint {
  /** Requests a second, or requests in flight. */
  level: number;
  /** The folder of the run. */
  run: string;
  /** The run's figures. */
  total: StageResults;
}

/** The capacity of an endpoint, to the extent that it was found. */
export interface LoadCapacity extends Capacity {
  /** What was searched. */
  searched: "rate" | "concurrency";
  /** The objectives that each level was judged by. */
  objectives: CapacityObjective[];
  /**
   * Whether the client was the limit at the lowest bad level, so that the endpoint may be capable
   * of more.
   */
  client_limited: boolean;
  /** The folders of the runs, in the order of the runs. */
  runs: string[];
  /** The folder of a run at the highest good level; null where no level is good. */
  best_run: string | null;
  /** The figures of every run, by level. */
  curve: CurvePoint[];
}

/** The shortest duration of a level: long enough for a queue to build up at 5 % above capacity. */
const DURATION_S = 20;
const PRECISION = 0.05;
/** The plan's estimate of time assumes this capacity, in first levels: five doublings and five halvings. */
const ASSUMED = 19;
/** Besides its duration, a run takes about this long for its first question, its last answers and its report. */
const AROUND_S = 1;
const MOST = { rate: 100_000, concurrency: 65_536 };
/**
 * Finds the highest rate or concurrency at which a load meets its objectives, by running one load
 * per level. When the signal is aborted, returns what was found so far.
 *
 * @throws {InputError} no objective, several loads, or settings that leave nothing to search for.
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
  const needs = requestsOfLevel(settings, objectives);
  // no more requests can be in flight than are sent, and a rate is held for at least a second
  const most = Math.min(MOST[searched], needs.requests ?? Infinity);
  const levels = {
    start: Math.min(Math.max(settings[searched] ?? 1, whole ? shards : 0), most),
    ...(whole ? { least: shards } : {}),
    most,
    whole,
    precision: PRECISION,
  };
  const plan = { ...needs, ...await expectedTime(settings, searched, needs, levels) };
  search.onPlan?.(plan);
  const curve: CurvePoint[] = [];
  const limited = new Set<number>();
  const capacity = await findCapacity({
    ...levels,
    probe: async (level) => {
      if (signal.aborted) throw new CancelledError();
      const { directory, results } = await measure({
        ...nthRun(settings, curve.length),
        ...lengthOf(settings, searched, level, plan),
        [searched]: level,
      }, level);
      curve.push({ level, run: directory.path, total: results.total });
      if (signal.aborted && !results.complete) throw new CancelledError();
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

/** What a level needs. */
type LevelNeeds = Pick<CapacityPlan, "objective" | "least" | "enough" | "requests">;

/**
 * A number of requests given in the settings is raised until it suffices to judge a level; without
 * one, a duration limits the level.
 */
function requestsOfLevel(
  settings: LoadSettings,
  objectives: readonly CapacityObjective[],
): LevelNeeds {
  const objective = objectives.reduce((a, b) => b.share > a.share ? b : a);
  const { least, enough } = requestsToJudge(objective.share);
  const requests = settings.requests === undefined ? null : Math.max(settings.requests, least);
  return { objective, least, enough, requests };
}

/**
 * How long a search takes: that of the same search on an endpoint that meets the objective up to a
 * capacity, and never above it.
 */
async function expectedTime(
  settings: LoadSettings,
  searched: "rate" | "concurrency",
  needs: LevelNeeds,
  levels: Omit<CapacitySearch, "probe" | "onProbe">,
): Promise<Pick<CapacityPlan, "assumed" | "first_level_s" | "expected_s">> {
  const assumed = Math.min(levels.start * ASSUMED, levels.most);
  const { objective, enough } = needs;
  let expected_s: number | null = 0, first_level_s: number | null = null;
  await findCapacity({
    ...levels,
    probe: (level) => {
      const { duration_s, requests = Infinity } = {
        ...settings,
        ...lengthOf(settings, searched, level, needs),
      };
      const { duration_s: limit_s = Infinity } = settleLoad({ duration_s });
      const rate = searched === "rate" ? level : null;
      const took_s = Math.min(limit_s, rate === null ? Infinity : requests / rate);
      const isKnown = rate !== null || requests === Infinity;
      expected_s = expected_s === null || !isKnown ? null : expected_s + took_s + AROUND_S;
      const total = rate === null ? enough : Math.max(1, Math.round(took_s * rate));
      return Promise.resolve([{ objective, good: level <= assumed ? total : 0, total }]);
    },
    onProbe: () => first_level_s ??= expected_s,
  });
  return { assumed, first_level_s, expected_s };
}

/** How long to measure a level: the duration given, or the time in which its rate sends enough requests. */
function lengthOf(
  settings: LoadSettings,
  searched: "rate" | "concurrency",
  level: number,
  { least, requests }: LevelNeeds,
): Pick<LoadSettings, "duration_s" | "requests"> {
  if (requests !== null) return { requests };
  if (settings.duration_s !== undefined) {
    const { duration_s } = settleLoad({ duration_s: settings.duration_s });
    return { duration_s };
  }
  return { duration_s: searched === "rate" ? Math.max(DURATION_S, least / level) : DURATION_S };
}
