/** The highest load that still meets the objectives: bracketed, then bisected. */
import { InputError } from "../errors.ts";
import { nthLoad } from "../settings/load.ts";
import { shareEstimate } from "../stats/interval.ts";
import { parseStatement } from "./statement.ts";
import type { LoadExperiment, LoadSettings } from "../settings/load.ts";
import type { Estimate } from "../stats/interval.ts";
import type { LoadRun } from "./conclude_run.ts";

/** What a probe at one level found. */
export interface ProbeOutcome {
  /** Requests that met every objective. */
  good: number;
  /** Requests that missed none, of which it is not known whether they met every one. Default 0. */
  unknown?: number;
  /** Requests whose turn had come. */
  total: number;
}

/** A level that was tried. */
export interface CapacityProbe {
  /** Requests a second, or requests in flight. */
  level: number;
  /** Attempts that were put together. */
  attempts: number;
  /** The share of requests that met every objective; null where nothing was answered. */
  share: Estimate | null;
  /** Whether the level meets the target: "unsure" when the interval of the share holds the target. */
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
}

export interface CapacitySearch {
  /** The level to begin with. */
  start: number;
  /** No higher level is tried. */
  most: number;
  /** Levels are whole numbers. */
  whole: boolean;
  /** The share of requests that must meet every objective. */
  target: number;
  /** Ends once the bracket is this narrow: 0.05 for 5 %. */
  precision: number;
  probe(level: number): Promise<ProbeOutcome>;
  onProbe(probe: CapacityProbe): void;
}

/** A level whose verdict is unsure is measured again, up to this often. */
const MOST_ATTEMPTS = 4;
/** A bound against a server whose capacity wanders. */
const MOST_PROBES = 40;

/**
 * Searches. Levels double until one is bad (or halve until one is good), then the bracket is
 * bisected until it is narrow enough. Where a level stays unsure its share alone decides where to go
 * on; what is given in the end are the levels that were sure.
 *
 * @throws what a probe throws.
 */
export async function findCapacity(search: CapacitySearch): Promise<Capacity> {
  const probes: CapacityProbe[] = [];
  const least = search.whole ? 1 : search.start / 1024;
  let good: number | null = null;
  let bad: number | null = null;
  let level = search.start;
  while (probes.length < MOST_PROBES) {
    const probe = await probeLevel(search, level);
    probes.push(probe);
    search.onProbe(probe);
    if ((probe.share?.value ?? 0) >= search.target) good = level;
    else bad = level;
    const bracketed = good !== null && bad !== null;
    if (bracketed && !isWide(good!, bad!, search)) break;
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
  };
}

function isWide(good: number, bad: number, { whole, precision }: CapacitySearch): boolean {
  return bad / good > 1 + precision && (!whole || bad - good > 1);
}

async function probeLevel(
  { target, probe }: CapacitySearch,
  level: number,
): Promise<CapacityProbe> {
  let [good, unknown, total] = [0, 0, 0];
  for (let attempts = 1;; attempts++) {
    const outcome = await probe(level);
    good += outcome.good;
    unknown += outcome.unknown ?? 0;
    total += outcome.total;
    const share = shareEstimate(good, total);
    const verdict = share === null
      ? "bad"
      : share.low >= target
      ? "good"
      : shareEstimate(good + unknown, total)!.high < target
      ? "bad"
      : "unsure";
    if (verdict !== "unsure" || attempts === MOST_ATTEMPTS) {
      return { level, attempts, share, verdict };
    }
  }
}

/** A search for the capacity of an endpoint. */
export interface LoadCapacitySearch {
  /** What is searched: requests a second, or requests in flight. */
  searched: "rate" | "concurrency";
  /** The share of requests that must meet every objective. Default 0.95. */
  share?: number;
  /** Its abort ends the search. */
  signal: AbortSignal;
  /** Runs a load at one level, as {@linkcode measureLoad} does. */
  measure(settings: LoadSettings): Promise<Pick<LoadRun, "directory" | "results">>;
  /** A level is judged. */
  onProbe?(probe: CapacityProbe): void;
  /** At a level the client itself was limited, so that the endpoint may do more. */
  onLimited?(level: number, why: string): void;
}

/** The capacity of an endpoint, as far as it was found. */
export interface LoadCapacity extends Capacity {
  /** What was searched. */
  searched: "rate" | "concurrency";
  /** The share of requests that must meet every objective. */
  target: number;
  /** At the lowest level that misses it the client was limited: the endpoint may do more. */
  client_limited: boolean;
  /** The folders of the runs, in their order. */
  runs: string[];
}

const DURATION_S = 20;
const PRECISION = 0.05;
const MOST = { rate: 100_000, concurrency: 65_536 };
/** The share of requests that must meet every objective, where nothing else is asked. */
export const CAPACITY_SHARE = 0.95;

/**
 * Searches the highest rate or concurrency at which a load's objectives are met: a load of its own for
 * each level that is tried.
 *
 * @throws {InputError} no objective, several loads, or settings that leave nothing to search.
 * @throws the signal's reason when it is aborted.
 */
export async function findLoadCapacity(
  { runs: loads }: LoadExperiment,
  search: LoadCapacitySearch,
): Promise<LoadCapacity> {
  const { searched, share: target = CAPACITY_SHARE, signal, measure } = search;
  if (loads.length > 1) throw new InputError("--find-capacity: not with a matrix");
  const [{ settings }] = loads;
  if (!settings.slo?.some((text) => parseStatement(text) === null)) {
    throw new InputError("--find-capacity: needs an objective of each request, as --slo ttft:500");
  }
  if (settings.stages !== undefined || settings.trace !== undefined) {
    throw new InputError("--find-capacity: not with --stages or --trace");
  }
  const timed = settings.requests === undefined && settings.duration_s === undefined;
  const runs: string[] = [];
  const limited = new Set<number>();
  const capacity = await findCapacity({
    start: settings[searched] ?? 1,
    most: MOST[searched],
    whole: searched === "concurrency",
    target,
    precision: PRECISION,
    probe: async (level) => {
      const { directory, results } = await measure({
        ...nthLoad(settings, runs.length),
        ...(timed ? { duration_s: DURATION_S } : {}),
        [searched]: level,
      });
      runs.push(directory.path);
      signal.throwIfAborted();
      if (results.verdict.verdict === "client_limited") {
        limited.add(level);
        search.onLimited?.(level, results.verdict.reasons[0]);
      }
      const { share: found, undecided: unknown = 0 } = results.total.goodput!;
      const total = found?.n ?? 0;
      return { good: Math.round((found?.value ?? 0) * total), unknown, total };
    },
    onProbe: (probe) => search.onProbe?.(probe),
  });
  const { lowest_bad } = capacity;
  const client_limited = lowest_bad !== null && limited.has(lowest_bad);
  return { searched, target, ...capacity, client_limited, runs };
}
