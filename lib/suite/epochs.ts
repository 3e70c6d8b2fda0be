/**
 * Tests that are asked several times. Answers to one test are similar, so the unit of statistics is the
 * test.
 */
import { type Attempts, attemptsShare, meanPassAtK } from "../stats/pass_at_k.ts";
import { type Estimate, shareEstimate } from "../stats/interval.ts";
import type { TestCase } from "../settings/suite.ts";

/** One of the times that a test is asked. */
export interface RepeatedTest extends TestCase {
  /** The test's id in the suite. */
  problem_id: string;
  /** Which time, from 1. */
  epoch: number;
}

/**
 * Repeats each test; the whole suite is asked before any test is asked again. A seed in the parameters
 * grows by 1 each time, because the same seed would give the same answers.
 *
 * @param epochs how often; 1 leaves the tests unchanged.
 */
export function repeated(tests: readonly TestCase[], epochs: number): readonly TestCase[] {
  if (epochs === 1) return tests;
  return Array.from({ length: epochs }, (_, i) => tests.map((test) => epochOf(test, i + 1))).flat();
}

function epochOf(test: TestCase, epoch: number): RepeatedTest {
  const seed = test.parameters?.seed;
  return {
    ...test,
    id: `${test.id} #${epoch}`,
    name: `${test.name} #${epoch}`,
    problem_id: test.id,
    epoch,
    ...(typeof seed === "number"
      ? { parameters: { ...test.parameters, seed: seed + epoch - 1 } }
      : {}),
  };
}

/** The usual statistics of tests that were asked several times; the unit of intervals is the test. */
export interface EpochStatistics {
  /** The largest number of judged answers of one test. */
  epochs: number;
  /** Tests with a judged answer. */
  problems: number;
  /** Mean over all answers. */
  mean: Estimate | null;
  /** Share of tests with more right than wrong answers. */
  majority: Estimate | null;
  /**
   * By k: the chance that at least one of k answers is right; null when a test has fewer than k answers.
   */
  pass_at_k: Record<string, Estimate | null>;
  /** By k: the share of tests with at least k right answers; null when a test lacks some of its answers. */
  at_least_k: Record<string, Estimate | null>;
}

/** Up to this many epochs, each k is listed. */
const EVERY_K = 10;

/**
 * The statistics of tests that were asked several times; null when none was.
 *
 * @param problems the counts of judged answers of each test.
 */
export function epochStatistics(problems: readonly Attempts[]): EpochStatistics | null {
  const epochs = problems.reduce((most, { n }) => Math.max(most, n), 0);
  if (epochs < 2) return null;
  const ks = Array.from({ length: epochs }, (_, i) => i + 1)
    .filter((k) => epochs <= EVERY_K || k === epochs || Number.isInteger(Math.log2(k)));
  const whole = problems.every(({ n }) => n === epochs);
  const share = (holds: (attempts: Attempts) => boolean) =>
    shareEstimate(problems.filter(holds).length, problems.length);
  const byK = (of: (k: number) => Estimate | null) =>
    Object.fromEntries(ks.map((k) => [String(k), of(k)]));
  return {
    epochs,
    problems: problems.length,
    mean: attemptsShare(problems),
    majority: share(({ n, c }) => c > n / 2),
    pass_at_k: byK((k) => meanPassAtK(problems, k)),
    at_least_k: byK((k) => whole ? share(({ c }) => c >= k) : null),
  };
}
