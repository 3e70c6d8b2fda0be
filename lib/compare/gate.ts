/**
 * A gate: decides whether a candidate passes, is worse, or cannot be told from the baseline with these
 * runs.
 */
import { pairedProblems } from "../stats/power.ts";
import { FEWEST_PAIRS } from "../stats/sign_flips.ts";
import { type ComparedRun, compareMetric, type PairedMetric } from "./compare.ts";
import { compareLoadMetric } from "./compare_load.ts";
import { InputError } from "../errors.ts";
import { describeDelta, describeValue, isHigherBetter } from "../measures/describe.ts";
import { isUnjudged } from "../run/problems.ts";
import type { Estimate } from "../stats/interval.ts";
import type { LoadSample } from "./load_sample.ts";

/** "underpowered": too few items to tell a regression of the allowed size from chance. */
export type GateVerdict = "pass" | "regression" | "underpowered";

/** How much worse a value may be: a difference, or a share of the baseline's value. */
export interface Tolerance {
  /** In the metric's own unit, or a share (0.05 for 5 %) when relative. */
  amount: number;
  /** Whether `amount` is a share of the baseline's value. */
  relative: boolean;
}

/**
 * Reads `5pp` (percentage points, for shares), `5%` (of the baseline's value) or a plain number in the
 * metric's own unit.
 *
 * @throws {InputError} anything else.
 */
export function parseTolerance(flag: string, text: string): Tolerance {
  const found = /^(\d+(?:\.\d+)?)\s*(pp|%)?$/.exec(text.trim());
  if (found === null) {
    throw new InputError(
      `--${flag}: "${text}" is not valid; expected 5pp (percentage points), 5% (of the ` +
        `baseline's value) or a number in the metric's unit`,
    );
  }
  const number = Number(found[1]);
  if (found[2] === "%") return { amount: number / 100, relative: true };
  return { amount: found[2] === "pp" ? number / 100 : number, relative: false };
}

/** One check of a gate. */
export interface GateCheck {
  /** The metric and the condition. */
  name: string;
  /** The verdict of this check alone. */
  verdict: GateVerdict;
  /** The baseline's value; null when the check needs none. */
  baseline: number | null;
  /** The candidate's value; null when it is unknown. */
  candidate: number | null;
  /** candidate − baseline. */
  difference: Estimate | null;
  /** The worst allowed difference, or the worst allowed value. */
  allowed: number;
  /** Two-sided p-value; null when the check is not a test, or uses its interval. */
  p: number | null;
  /** Problems or requests that were compared. */
  items: number;
  /** How many would be enough to decide; null when these are. */
  items_needed: number | null;
  /** One line for a person. */
  message: string;
}

/** A gate's decision and the reasons. */
export interface GateResult {
  /** The worst of the checks' verdicts. */
  verdict: GateVerdict;
  /** Id of the baseline run; null when only absolute limits are checked. */
  baseline: string | null;
  /** Id of the candidate run. */
  candidate: string;
  /** In the order of the conditions. */
  checks: GateCheck[];
  /** Ids of the problems whose outcome changed. */
  flips: { gained: string[]; lost: string[] };
}

const ALPHA = 0.05;

/**
 * Combines all checks: a single regression makes the gate one, and an underpowered check prevents a pass.
 */
export function gateResult(
  baseline: string | null,
  candidate: string,
  checks: GateCheck[],
  flips: GateResult["flips"] = { gained: [], lost: [] },
): GateResult {
  const worst = (["regression", "underpowered"] as const).find((verdict) =>
    checks.some((check) => check.verdict === verdict)
  );
  return { verdict: worst ?? "pass", baseline, candidate, checks, flips };
}

/**
 * Checks, problem by problem, whether a suite's candidate is worse than its baseline by more than the
 * tolerance. Regression: it is worse by more than that, and significantly worse (5 %, two-sided). Pass:
 * the 95 % interval excludes anything worse than the tolerance. Otherwise underpowered.
 */
export function checkPaired(
  baseline: ComparedRun,
  candidate: ComparedRun,
  metric: PairedMetric,
  tolerance: Tolerance,
): GateCheck {
  const found = compareMetric(baseline, candidate, metric);
  if (metric === "score" && baseline.score_measure !== candidate.score_measure) {
    return unknown(metric, tolerance.amount, "the runs' scores are different measures");
  }
  if (found === null) return unknown(metric, tolerance.amount, "fewer than two problems in common");
  const { first, second, difference, p, items } = found;
  const allowed = allowedOf(first, tolerance);
  return judged({ metric, of: "problems", first, second, difference, p, allowed, items });
}

/** The same for a load's metric; a difference is significant when its interval excludes 0. */
export function checkLoad(
  baseline: LoadSample,
  candidate: LoadSample,
  metric: string,
  tolerance: Tolerance,
): GateCheck {
  const found = compareLoadMetric(baseline, candidate, metric);
  if (found === null) return unknown(metric, tolerance.amount, "a run has no value of it");
  const { first, second, difference } = found;
  const items = Math.min(baseline.requests, candidate.requests);
  const allowed = allowedOf(first, tolerance);
  return judged({ metric, of: "requests", first, second, difference, p: null, allowed, items });
}

/** Checks whether a value keeps to a limit. Null is unknown, and does not pass. */
export function checkLimit(
  metric: string,
  value: number | null,
  bound: "min" | "max",
  limit: number,
): GateCheck {
  const name = `${metric} ${bound === "min" ? "≥" : "≤"} ${describeValue(metric, limit)}`;
  const kept = value !== null && (bound === "min" ? value >= limit : value <= limit);
  const shown = value === null ? "unknown" : describeValue(metric, value);
  return {
    name,
    verdict: value === null ? "underpowered" : kept ? "pass" : "regression",
    baseline: null,
    candidate: value,
    difference: null,
    allowed: limit,
    p: null,
    items: 0,
    items_needed: null,
    message: `${metric} is ${shown}, ${bound === "min" ? "at least" : "at most"} ${
      describeValue(metric, limit)
    } wanted`,
  };
}

/** Checks that the candidate has all problems of the baseline; null when it does. */
export function checkWhole(baseline: ComparedRun, candidate: ComparedRun): GateCheck | null {
  const problems = (run: ComparedRun) => new Set(run.items.map(({ problem_id }) => problem_id));
  const there = problems(candidate);
  const missing = [...problems(baseline)].filter((problem) => !there.has(problem));
  if (missing.length === 0) return null;
  const all = problems(baseline).size;
  const named = missing.slice(0, 3).join(", ") + (missing.length > 3 ? ", …" : "");
  return {
    ...incomplete("all problems of the baseline", all - missing.length, all),
    baseline: all,
    message:
      `${missing.length} of ${all} problems are not in the candidate (${candidate.summary.status}): ${named}`,
  };
}

/** Whether a metric depends on judged answers: it means little when some could not be judged. */
export function restsOnJudgements(metric: string): boolean {
  return ["pass_rate", "score", "avg_hit_rate"].includes(metric);
}

/** Checks, for a metric of judged answers, that all answers of a run were judged; null when they were. */
export function checkJudged(run: ComparedRun, metrics: readonly string[]): GateCheck | null {
  const left = run.items.filter(isUnjudged);
  if (left.length === 0 || !metrics.some(restsOnJudgements)) return null;
  const all = run.items.length;
  return {
    ...incomplete("all answers judged", all - left.length, all),
    message: `${left.length} of ${all} answers of ${run.summary.run_id} were not judged: ${
      left[0].error
    }; fix the evaluator and run again`,
  };
}

/** A check that only reports a count out of a total. */
function incomplete(name: string, items: number, items_needed: number): Omit<GateCheck, "message"> {
  return {
    name,
    verdict: "underpowered",
    baseline: null,
    candidate: items,
    difference: null,
    allowed: 0,
    p: null,
    items,
    items_needed,
  };
}

function allowedOf(baseline: number, { amount, relative }: Tolerance): number {
  return relative ? Math.abs(baseline) * amount : amount;
}

interface Measured {
  metric: string;
  /** The unit of comparison. */
  of: "problems" | "requests";
  first: number;
  second: number;
  difference: Estimate | null;
  p: number | null;
  allowed: number;
  items: number;
}

function judged({ metric, of, first, second, difference, p, allowed, items }: Measured): GateCheck {
  const sign = isHigherBetter(metric) ? -1 : 1;
  const worse = sign * (second - first);
  // the bounds of the worsening, from the interval
  const most = difference && (sign < 0 ? -difference.low : difference.high);
  const least = difference && (sign < 0 ? -difference.high : difference.low);
  const significant = p === null ? least !== null && least > 0 : p < ALPHA;
  const verdict = worse > allowed && significant
    ? "regression"
    : most !== null && most <= allowed
    ? "pass"
    : "underpowered";
  const needed = verdict === "underpowered" ? itemsNeeded(difference, allowed, items) : null;
  const direction = isHigherBetter(metric) ? "drop" : "rise";
  return {
    name: `${metric}: ${direction} of at most ${describeDelta(metric, allowed)}`,
    verdict,
    baseline: first,
    candidate: second,
    difference,
    allowed: sign * allowed,
    p,
    items,
    items_needed: needed,
    message: [
      `${metric} ${describeValue(metric, first)} → ${describeValue(metric, second)}`,
      difference
        ? ` (95 %: ${describeDelta(metric, difference.low, true)} to ${
          describeDelta(metric, difference.high, true)
        }${p === null ? "" : `, p = ${p.toPrecision(2)}`})`
        : ` (${items} ${of} are too few for an interval${
          of === "problems" ? `: ${FEWEST_PAIRS} at least` : ""
        })`,
      verdict === "underpowered" && worse > allowed
        ? `; worse than allowed, but ${items} ${of} are too few to rule out chance${
          needed ? `; about ${needed} tell a ${direction} of ${describeDelta(metric, allowed)}` : ""
        }`
        : verdict === "underpowered"
        ? `; ${items} ${of} cannot rule out a ${direction} of ` +
          `${describeDelta(metric, allowed)}${needed ? `, about ${needed} would` : ""}`
        : "",
    ].join(""),
  };
}

/** How many items would have shown a change of `allowed` with a power of 80 %; null when `allowed` is 0. */
function itemsNeeded(
  difference: Estimate | null,
  allowed: number,
  items: number,
): number | null {
  if (allowed <= 0) return null;
  if (difference?.method === "adjusted wald") {
    // from the interval's width, because no flip among a few problems does not mean that none ever
    // flips
    const half = (difference.high - difference.low) / 2;
    const discordance = (half / 1.96) ** 2 * (items + 2);
    const fitting = Math.min(1, Math.max(allowed, discordance));
    return Math.max(items + 1, pairedProblems(Math.min(allowed, fitting), fitting));
  }
  if (difference === null || difference.high === difference.low) return null;
  // the width shrinks with the root of n; (z of 95 % + z of 80 %) / z of 95 % is for the power
  const half = (difference.high - difference.low) / 2;
  return Math.max(items + 1, Math.ceil(items * (half * 2.8 / 1.96 / allowed) ** 2));
}

function unknown(metric: string, allowed: number, why: string): GateCheck {
  return {
    name: metric,
    verdict: "underpowered",
    baseline: null,
    candidate: null,
    difference: null,
    allowed,
    p: null,
    items: 0,
    items_needed: null,
    message: `${metric}: cannot be compared: ${why}`,
  };
}
