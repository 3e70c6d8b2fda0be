/** Makes a suite of coding problems: a test for each problem, mode and sample. */
import { itemId } from "../settings/item_id.ts";
import type { Problem } from "./problems/problem.ts";
import type { LoadedSuite } from "../settings/load_suite.ts";
import type { TestCase } from "../settings/suite.ts";
import type { CodingOutcome } from "../run/test_result.ts";

/** One answer per problem, or attempts that see the error of the one before. */
export type Mode = CodingOutcome["mode"];

/** Settings of a coding run's tests. */
export interface CodingSettings {
  /** One mode, or both to compare them. */
  modes: readonly Mode[];
  /** Attempts at a problem in iterative mode. */
  max_iterations: number;
  /** Answers to each problem. */
  samples: number;
  /** Sampling parameters of every request. */
  parameters: Record<string, unknown>;
  /** Limits of each program. */
  test_timeout_s: number;
  /** Memory limit of each program, bytes. */
  memory_bytes: number;
  /** A second model that reviews after every this many failed attempts; null for none. */
  checkpoint: { model: string; every: number } | null;
  /** Ends a problem after this many attempts that are no better than each other; null for no such limit. */
  stop_on_plateau: number | null;
}

/** A test of a coding suite, with its problem. */
export interface CodingTest extends TestCase {
  coding: {
    problem: Problem;
    mode: Mode;
    sample: number;
    /** A hash of the problem, the model and the mode: the same in every run with the same settings. */
    fingerprint: string;
  };
}

/** The suite of some problems. @param path the file that they are from. */
export function codingSuite(
  name: string,
  path: string,
  problems: readonly Problem[],
  settings: CodingSettings,
  model: string,
): LoadedSuite {
  const tests = problems.flatMap((problem) =>
    Array.from(
      { length: settings.samples },
      (_, sample) => settings.modes.map((mode) => testOf(problem, mode, sample, settings, model)),
    ).flat()
  );
  const suite = { test_suite_id: name, tests };
  return { path, directory: ".", suite, text: JSON.stringify(suite) };
}

function testOf(
  problem: Problem,
  mode: Mode,
  sample: number,
  settings: CodingSettings,
  model: string,
): CodingTest {
  const { parameters, max_iterations, test_timeout_s, memory_bytes, checkpoint } = settings;
  const { stop_on_plateau } = settings;
  const limits = { test_timeout_s, memory_bytes };
  const rounds = mode === "iterative" ? { max_iterations, checkpoint, stop_on_plateau } : {};
  const what = { problem, mode, sample, model, parameters, limits, ...rounds };
  const suffix = settings.samples > 1 ? ` #${sample + 1}` : "";
  return {
    id: `${problem.problem_id} ${mode}${suffix}`,
    name: `${problem.problem_id} ${problem.entry_point}${suffix}`,
    category: mode,
    prompt: problem.prompt,
    parameters: seeded(parameters, sample),
    coding: { problem, mode, sample, fingerprint: itemId(what) },
  };
}

/** An experiment's id: unique to its run, and the same after a resume. */
export function experimentId(run_id: string, { coding }: CodingTest): string {
  return `exp_${itemId([run_id, coding.fingerprint]).slice(0, 12)}`;
}

/** Several samples with the same seed would be the same sample. */
function seeded(parameters: Record<string, unknown>, sample: number): Record<string, unknown> {
  const { seed } = parameters;
  return typeof seed === "number" ? { ...parameters, seed: seed + sample } : parameters;
}
