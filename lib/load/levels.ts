/** Loads at several levels of concurrency or rate: reads levels and compares the figures of each. */
import { InputError } from "../errors.ts";
import { nthLoad } from "../settings/load_experiment.ts";
import { mean } from "../stats/quantile.ts";
import type { LoadExperiment } from "../settings/load_experiment.ts";
import type { LoadResults } from "./results.ts";

const MOST_LEVELS = 1000;

/**
 * Reads levels: `8`, `1,2,4,8`, `1..16*2` (each twice the one before), `10..50+10`, or a list of
 * these.
 *
 * @param whole whether levels must be whole numbers.
 * @throws {string} what was expected, worded for the error of a flag.
 */
export function parseLevels(text: string, whole: boolean): number[] {
  const levels = text.split(",").flatMap((part) => levelsOf(part.trim()));
  const kind = whole ? "whole numbers, at least 1" : "numbers above 0";
  if (/^inf/i.test(text)) {
    throw `${kind}; for as many as the server can do, give --concurrency alone`;
  }
  if (levels.length === 0 || levels.some((level) => !(level > 0) || (whole && level % 1 !== 0))) {
    throw `${kind}, as 8, 1,2,4,8, 1..16*2 or 10..50+10`;
  }
  return levels;
}

function levelsOf(part: string): number[] {
  const range = /^([\d.]+)\.\.([\d.]+)([*+])([\d.]+)$/.exec(part);
  if (!range) return [part === "" ? NaN : Number(part)];
  const [from, to, step] = [Number(range[1]), Number(range[2]), Number(range[4])];
  const times = range[3] === "*";
  if (!(from > 0 && to >= from && step > (times ? 1 : 0))) return [NaN];
  const levels: number[] = [];
  for (let i = 0; levels.length < MOST_LEVELS; i++) {
    // from the step's number, as a running sum of decimals would drift
    const level = Number((times ? from * step ** i : from + i * step).toPrecision(12));
    if (level > to) break;
    levels.push(level);
  }
  return levels;
}

/**
 * Returns each load of an experiment at each combination of levels.
 *
 * @throws {InputError} the experiment itself varies a level.
 */
export function atLevels(
  experiment: LoadExperiment,
  levels: Readonly<Partial<Record<"concurrency" | "rate", readonly number[]>>>,
): LoadExperiment {
  const { runs } = experiment;
  let all = runs;
  for (const setting of ["concurrency", "rate"] as const) {
    const own = levels[setting];
    if (own === undefined) continue;
    if (runs.some(({ varied }) => setting in varied)) {
      throw new InputError(`--${setting}: the file varies it in its matrix; leave one of them out`);
    }
    all = all.flatMap(({ settings, varied }) =>
      own.map((level) => ({
        settings: { ...settings, [setting]: level },
        varied: { ...varied, [setting]: level },
      }))
    );
  }
  return {
    ...experiment,
    runs: all.map((run, i) => ({ ...run, settings: nthLoad(run.settings, i) })),
  };
}

/** The figures of a load at one level, over all of its runs; null where unknown. */
export interface LevelFigures {
  /** What sets it apart, such as `concurrency 8`. */
  name: string;
  requests_per_s: number | null;
  output_tokens_per_s: number | null;
  /** Per GPU that serves the endpoint. */
  tokens_per_s_per_gpu: number | null;
  /** Median of a run; the mean over runs. */
  tokens_per_s_per_user: number | null;
  e2e_mean_ms: number | null;
  /** Whether no other level has more tokens/s both per user and in total. */
  pareto: boolean;
  /**
   * Whether its requests/s per time of a request is the highest of all levels. Null where it is, but no
   * higher level was tried: the knee may be above it.
   */
  knee: boolean | null;
}

/** A load at one level, with the results of its runs. */
export interface Level {
  /** What sets it apart, such as `concurrency 8`. */
  name: string;
  /** Requests in flight or a second; null where the loads differ in something else. */
  level: number | null;
  /** Its runs; of those in which nothing was answered, no figure is known. */
  runs: readonly Pick<LoadResults, "total">[];
}

/** What a level is marked as in a table: `knee, Pareto`. */
export function levelMarks({ knee, pareto }: LevelFigures): string {
  return [
    ...(knee === null ? ["knee not reached"] : knee ? ["knee"] : []),
    ...(pareto ? ["Pareto"] : []),
  ].join(", ");
}

/**
 * Returns the figures of levels. The knee is the level with the highest power, requests/s divided
 * by the mean time of a request (L. Kleinrock, Power and deterministic rules of thumb, ICC 1979):
 * above it latency grows by more than throughput does.
 *
 * @param gpus how many serve the endpoint; null where unknown.
 */
export function levelFigures(
  points: readonly Level[],
  gpus: number | null,
): LevelFigures[] {
  const figures = points.map(({ name, runs }) => {
    const of = (value: (total: LoadResults["total"]) => number | null | undefined) => {
      const known = runs.filter(({ total }) => total.requests.successful > 0)
        .flatMap(({ total }) => value(total) ?? []);
      return known.length ? mean(known) : null;
    };
    const output_tokens_per_s = of((total) => total.output_tokens_per_s);
    return {
      name,
      requests_per_s: of((total) => total.requests_per_s),
      output_tokens_per_s,
      tokens_per_s_per_gpu: gpus === null || output_tokens_per_s === null
        ? null
        : output_tokens_per_s / gpus,
      tokens_per_s_per_user: of((total) => total.metrics.tokens_per_s_per_user?.p50),
      e2e_mean_ms: of((total) => total.metrics.e2e_ms?.mean),
    };
  });
  const powers = figures.map(({ requests_per_s, e2e_mean_ms }) =>
    requests_per_s === null || !e2e_mean_ms ? -Infinity : requests_per_s / e2e_mean_ms
  );
  const most = Math.max(...powers);
  const at = most > 0 ? powers.indexOf(most) : -1;
  const own = points[at]?.level ?? null;
  const reached = own === null || points.some(({ level }) => level !== null && level > own);
  return figures.map((each, i) => ({
    ...each,
    pareto: isPareto(each, figures),
    knee: i === at && (reached || null),
  }));
}

type Speeds = Pick<LevelFigures, "output_tokens_per_s" | "tokens_per_s_per_user">;

/**
 * Whether no other point has at least as much of both speeds and more of one; false where a speed
 * is unknown.
 */
export function isPareto(each: Speeds, all: readonly Speeds[]): boolean {
  const { output_tokens_per_s: whole, tokens_per_s_per_user: user } = each;
  if (whole === null || user === null) return false;
  return !all.some((other) => {
    const [more, faster] = [other.output_tokens_per_s, other.tokens_per_s_per_user];
    if (more === null || faster === null) return false;
    return more >= whole && faster >= user && (more > whole || faster > user);
  });
}
