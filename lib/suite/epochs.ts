/** Tests that are asked several times: answers to one are alike, so the unit of its figures is the test. */
import { type Attempts, attemptsShare, meanPassAtK } from "../stats/pass_at_k.ts";
import { type Estimate, shareEstimate } from "../stats/interval.ts";
import type { TestCase } from "../settings/suite.ts";

/** A test that is one of several times that the same is asked. */
export interface RepeatedTest extends TestCase {
  /** The test's id in the suite. */
  problem_id: string;
  /** From 1. */
  epoch: number;
}

/**
 * Each test as often as it is asked, the whole suite before any test a second time. A seed among the
 * parameters grows by 1 with each: with the same one, the answers would be the same.
 *
 * @param epochs 1 leaves the tests as they are.
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

/** What the answers to each test come to, in the usual ways; the unit of intervals is the test. */
export interface EpochStatistics {
  /** The most judged answers that a test has. */
  epochs: number;
  /** Tests with a judged answer. */
  problems: number;
  /** Mean over all answers. */
  mean: Estimate | null;
  /** Share of tests whose answers are right more often than not. */
  majority: Estimate | null;
  /** By k: the chance that at least one of k answers is right; null where a test has fewer. */
  pass_at_k: Record<string, Estimate | null>;
  /** By k: the share of tests with at least k right answers; null where a test has fewer than all. */
  at_least_k: Record<string, Estimate | null>;
}

/** Up to this many epochs, each k is listed. */
const EVERY_K = 10;

/** The statistics of tests that were asked several times; null where none was. @param problems of each, its judged answers. */
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
