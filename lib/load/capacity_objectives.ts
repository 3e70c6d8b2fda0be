/** Objectives as a search for capacity holds a level against them: each a share of requests. */
import { InputError } from "../errors.ts";
import { measureNamed } from "../measures/measures.ts";
import { sloText } from "./slo.ts";
import { objectivesIn, statementText } from "./statement.ts";
import type { LoadRun } from "./conclude_run.ts";

/** The share of requests that must meet the objectives of each, where nothing else is asked. */
export const CAPACITY_SHARE = 0.95;

/** What a level is held against: that a share of its requests, or of their gaps, keeps to limits. */
export interface CapacityObjective {
  /** `ttft ≤ 500 ms and tpot ≤ 50 ms`. */
  text: string;
  /** What the share is of: `requests`, `token gaps`. */
  of: string;
  /** The share that must keep to them. */
  share: number;
}

/** What a probe at one level found of one objective. */
export interface ProbeOutcome {
  objective: CapacityObjective;
  /** Requests that met it. */
  good: number;
  /** Requests of which it is not known whether they met it. Default 0. */
  unknown?: number;
  /** Requests whose turn had come. */
  total: number;
}

/**
 * The objectives of each request are held against one share; that a quantile is at most a limit says
 * that its share of requests keeps to it: p99(ttft)<80ms is ttft:80 with a share of 0.99.
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

/** What a run says of each objective. A request without an answer is one whose values all miss. */
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
