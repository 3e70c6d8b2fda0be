/** The results of a dyno job: the figures of its results.json as columns of runs.csv. */
import { readdirSync, readFileSync } from "node:fs";
import { isRunId } from "../run/run_id.ts";
import type { LoadResults } from "../load/results.ts";
import type { SuiteResults } from "../suite/results.ts";
import type { Cell } from "../formats/csv.ts";

/** The figures of the run in a job's out folder; null if there are none. */
export function jobFigures(out_dir: string): Record<string, Cell> | null {
  try {
    const [folder] = readdirSync(out_dir).filter(isRunId);
    const results: LoadResults | SuiteResults = JSON.parse(
      readFileSync(`${out_dir}/${folder}/results.json`, "utf8"),
    );
    return results.kind === "load" ? loadFigures(results) : suiteFigures(results);
  } catch {
    return null; // missing, incomplete, or of another form
  }
}

function loadFigures({ total, verdict }: LoadResults): Record<string, Cell> {
  const { ttft_ms, gap_ms, e2e_ms } = total.metrics;
  return {
    requests: total.requests.sent,
    errors: total.requests.failed,
    requests_per_s: total.requests_per_s,
    output_tokens_per_s: total.output_tokens_per_s,
    ttft_p50_ms: ttft_ms?.p50 ?? null,
    ttft_p99_ms: ttft_ms?.p99 ?? null,
    gap_p50_ms: gap_ms?.p50 ?? null,
    gap_p99_ms: gap_ms?.p99 ?? null,
    e2e_p50_ms: e2e_ms?.p50 ?? null,
    goodput_share: total.goodput?.share?.value ?? null,
    verdict: verdict.verdict,
  };
}

function suiteFigures({ aggregate, statistics }: SuiteResults): Record<string, Cell> {
  const { total_prompt_tokens: input, total_completion_tokens: output } = aggregate;
  return {
    tests: aggregate.tests,
    successful: aggregate.successful,
    passed: aggregate.passed,
    pass_rate: statistics.pass_rate?.value ?? null,
    ttft_p50_ms: statistics.ttft_ms?.p50 ?? null,
    tokens: input === null || output === null ? null : input + output,
  };
}
