/** Reads the two sides of a gate, and runs the checks on them. */
import { existsSync, statSync } from "node:fs";
import { extname } from "node:path";
import { noSuchFile } from "../text/no_such_file.ts";
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { isKoderz, readKoderz } from "../formats/koderz.ts";
import { type ComparedRun, flipsOf, PAIRED_METRICS } from "./compare.ts";
import { isLoadMetric, LOAD_METRIC_NAMES } from "./compare_load.ts";
import { checkJudged, checkLimit, checkLoad, checkPaired, checkWhole, gateResult } from "./gate.ts";
import { checkKind, limitValue } from "./gate_limits.ts";
import { areLoads } from "./one_kind.ts";
import { readJsonFile } from "../settings/json_file.ts";
import { resolveRun } from "../run/find_run.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { sampleOfBaseline } from "./load_baseline.ts";
import { type LoadSample, loadSampleOf } from "./load_sample.ts";
import type { GateCheck, GateResult, Tolerance } from "./gate.ts";
import type { RunIndex } from "../run/index.ts";
import type { PriceTable } from "../run/prices.ts";

/** A run as a side of the gate. */
export interface GateSide {
  /** The run, with its items; a load's are in `load`. */
  run: ComparedRun;
  /** The sample by which a load is compared; null for a suite. */
  load: LoadSample | null;
  /** The prices of tokens. */
  prices: PriceTable;
  /** What is wrong with its files, one line each. */
  warnings: string[];
}

/** The conditions of a gate. */
export interface GateQuestions {
  /** The metrics; undefined for the default metrics of the kind of run. */
  metrics?: { name: string; tolerance: Tolerance }[];
  /** How much worse a metric may get, by default. */
  defaults: (metric: string) => Tolerance;
  /** Limits for the candidate's own values. */
  limits: { metric: string; bound: "min" | "max"; limit: number }[];
}

/**
 * Reads a run by its name, or an exported one from a file.
 *
 * @throws {InputError} there is no such run, or the file has none.
 */
export async function readGateSide(
  index: RunIndex,
  given: string,
  prices: PriceTable,
): Promise<GateSide> {
  if (existsSync(given) && statSync(given).isFile()) {
    const { value } = await readJsonFile(given);
    const [run, ...more] = isKoderz(value) ? readKoderz(given, value) : [];
    if (run === undefined || more.length > 0) {
      throw new InputError(
        `${given}: holds ${
          run ? "several runs" : "no exported run"
        }; make one with dyno runs export RUN --format json --out FILE`,
      );
    }
    const price = prices.priceOf(run.summary.model);
    const load = run.summary.kind === "load"
      ? sampleOfBaseline(given, run.summary.run_id, value)
      : null;
    return { run: { ...run, price }, load, prices, warnings: [] };
  }
  const path = await foundRun(index, given);
  const { warnings, ...run } = await readRunDirectory(path, { items: false });
  const load = run.summary.kind === "load" ? await loadSampleOf(run.summary) : null;
  return { run: { ...run, price: prices.priceOf(run.summary.model) }, load, prices, warnings };
}

/** @throws {InputError} there is no such run, or, for the name of a file, no such file. */
async function foundRun(index: RunIndex, given: string): Promise<string> {
  try {
    return await resolveRun(index, given);
  } catch (error) {
    if (error instanceof InputError && extname(given) !== "" && !existsSync(given)) {
      throw new InputError(noSuchFile(given, "file or run"));
    }
    throw error;
  }
}

/**
 * Runs all checks.
 *
 * @throws {InputError} the sides are of different kinds, or have nothing in common; a metric is of the
 * other kind of run.
 */
export function runGate(
  baseline: GateSide | null,
  candidate: GateSide,
  { metrics, defaults, limits }: GateQuestions,
): GateResult {
  const checks: GateCheck[] = [];
  let flips: GateResult["flips"] | undefined;
  const asked = limits.map(({ metric }) => metric);
  limits.forEach(({ bound, metric }) => checkKind(bound, metric, candidate.load !== null));
  if (baseline !== null) {
    areLoads([baseline.run, candidate.run]);
    const chosen = metrics ??
      defaultMetrics(baseline, candidate).map((name) => ({ name, tolerance: defaults(name) }));
    asked.push(...chosen.map(({ name }) => name));
    if (baseline.load !== null) {
      for (const { name, tolerance } of chosen) {
        if (!isLoadMetric(name)) {
          throw new InputError(`--metric: "${name}" is none of ${LOAD_METRIC_NAMES}`);
        }
        checks.push(checkLoad(baseline.load, candidate.load!, name, tolerance));
      }
    } else {
      checks.push(...suiteChecks(baseline.run, candidate.run, chosen));
      flips = flipsOf(baseline.run, candidate.run);
    }
  }
  for (const side of [baseline, candidate]) {
    const unjudged = side && checkJudged(side.run, asked);
    if (unjudged) checks.unshift(unjudged);
  }
  for (const { metric, bound, limit } of limits) {
    const value = limitValue(candidate.run, candidate.load, metric, candidate.prices);
    checks.push(checkLimit(metric, value, bound, limit));
  }
  const ids = [baseline?.run.summary.run_id ?? null, candidate.run.summary.run_id] as const;
  return gateResult(ids[0], ids[1], checks, flips);
}

function suiteChecks(
  baseline: ComparedRun,
  candidate: ComparedRun,
  chosen: readonly { name: string; tolerance: Tolerance }[],
): GateCheck[] {
  const there = new Set(candidate.items.map(({ item_id }) => item_id));
  if (!baseline.items.some(({ item_id }) => there.has(item_id))) {
    throw new InputError(
      `${baseline.summary.run_id} (${baseline.summary.benchmark}) and ` +
        `${candidate.summary.run_id} (${candidate.summary.benchmark}) have no problem in common; ` +
        "give two runs of one suite",
    );
  }
  const whole = checkWhole(baseline, candidate);
  const paired = chosen.map(({ name, tolerance }) =>
    checkPaired(baseline, candidate, known(name, PAIRED_METRICS), tolerance)
  );
  return whole === null ? paired : [whole, ...paired];
}

function defaultMetrics(baseline: GateSide, candidate: GateSide): string[] {
  if (baseline.load !== null) return ["ttft_p50_ms", "output_tokens_per_s"];
  const judged = [baseline, candidate].every(({ run }) =>
    run.items.some(({ passed }) => passed !== null)
  );
  return [judged ? "pass_rate" : "answer_rate"];
}

function known<Name extends string>(given: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === given);
  if (found !== undefined) return found;
  throw new InputError(
    `--metric: "${given}" is none of ${names.join(", ")}${didYouMean(given, names)}`,
  );
}
