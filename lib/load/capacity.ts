/** The highest load that still meets the objectives: bracketed, then bisected. */
import { shareEstimate } from "../stats/interval.ts";
import type { Estimate } from "../stats/interval.ts";

/** What a probe at one level found. */
export interface ProbeOutcome {
  /** Requests that met every objective. */
  good: number;
  /** Requests whose turn had come. */
  total: number;
}

export interface CapacityProbe {
  level: number;
  /** Attempts that were put together. */
  attempts: number;
  share: Estimate | null;
  /** Whether the level meets the target: "unsure" when the interval of the share holds the target. */
  verdict: "good" | "bad" | "unsure";
}

export interface Capacity {
  /** The highest level that surely meets the target; null when not even the lowest does. */
  highest_good: number | null;
  /** The lowest level that surely misses it; null when none did. */
  lowest_bad: number | null;
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
  let good = 0;
  let total = 0;
  for (let attempts = 1;; attempts++) {
    const outcome = await probe(level);
    good += outcome.good;
    total += outcome.total;
    const share = shareEstimate(good, total);
    const verdict = share === null
      ? "bad"
      : share.low >= target
      ? "good"
      : share.high < target
      ? "bad"
      : "unsure";
    if (verdict !== "unsure" || attempts === MOST_ATTEMPTS) {
      return { level, attempts, share, verdict };
    }
  }
}
