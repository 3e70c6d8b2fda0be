/**
 * Objectives in the form in which a capacity search judges them: a share of requests that must meet
 * a limit.
 */
import { InputError } from "../errors.ts";
import { measureNamed } from "../measures/measures.ts";
import { sloText } from "./slo.ts";
import { objectivesIn, statementText } from "./statement.ts";
import type { LoadRun } from "./conclude_run.ts";

/** Default share of the requests that must meet the per-request objectives. */
export const CAPACITY_SHARE = 0.95;

/** What a level is judged by: the share of its requests, or of their gaps, within the limits. */
export interface CapacityObjective {
  /** The limits, such as `ttft ≤ 500 ms and tpot ≤ 50 ms`. */
  text: string;
  /** What is counted: `requests` or `token gaps`. */
  of: string;
  /** The share that must be within the limits. */
  share: number;
}

/** The result of one objective at one level. */
export interface ProbeOutcome {
  objective: CapacityObjective;
  /** How many met it. */
  good: number;
  /** How many may or may not have met it: this is unknown. Default 0. */
  unknown?: number;
  /** How many there were, of all requests whose time had come. */
  total: number;
}

/**
 * Returns the objectives. All per-request objectives are judged by one share. A limit on a quantile
 * requires that its share of the requests is within the limit: p99(ttft)<80ms is ttft:80 with a
 * share of 0.99.
 */
export function capacityObjectives(
  texts: readonly string[],
  given: number | undefined,
): CapacityObjective[] {
  const { slos, statements } = objectivesIn(texts);
  if (slos.length + statements.length === 0) {
    throw new InputError(
      "--find-capacity: needs an objective, as --slo 'p99(ttft)<500ms' or --slo ttft:500",
    );
  }
  if (slos.length === 0 && given !== undefined) {
    throw new InputError(
      `--capacity-share ${given}: is for objectives of each request, as --slo ttft:500; ` +
        `${statementText(statements[0])} has its own share`,
    );
  }
  const share = given ?? CAPACITY_SHARE;
  if (share >= 1) {
    throw new InputError(
      `--capacity-share ${share}: no number of requests shows that none will ever miss; expected ` +
        "less than 1, such as 0.99",
    );
  }
  const ofRequests = { text: slos.map(sloText).join(" and "), of: "requests", share };
  return [
    ...(slos.length > 0 ? [ofRequests] : []),
    ...statements.map(({ measure, quantile, limit_ms }) => {
      const { term, of } = measureNamed(measure)!.measure;
      return { text: `${term} ≤ ${limit_ms} ms`, of: `${of}s`, share: quantile };
    }),
  ];
}

/** Judges a run by each objective. A request without an answer misses all of them. */
export function outcomesOf(
  { total: { goodput, requests }, statements = [] }: LoadRun["results"],
  objectives: readonly CapacityObjective[],
): ProbeOutcome[] {
  const ofRun = statements.map(({ within, known, unknown }) => {
    const { successful, failed, unfinished, unsent } = requests;
    const values = known + unknown, missing = failed + unfinished + unsent;
    if (values === 0) return { good: 0, unknown: successful, total: successful + missing };
    const total = Math.round(values * (1 + missing / successful));
    return { good: within, unknown, total };
  });
  const ofEach = goodput === null ? [] : [{
    good: Math.round((goodput.share?.value ?? 0) * (goodput.share?.n ?? 0)),
    unknown: goodput.undecided ?? 0,
    total: goodput.share?.n ?? 0,
  }];
  return [...ofEach, ...ofRun].map((outcome, i) => ({ ...outcome, objective: objectives[i] }));
}
