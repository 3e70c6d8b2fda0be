/** The files that a run writes for people and tools, all derived from the journal. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { checksumText } from "../seal.ts";
import { promptText } from "../endpoint/question.ts";
import { uniqueFileNames } from "../run/file_names.ts";
import { compactTime } from "../run/run_id.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";
import type { TestCase } from "../settings/suite.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { RunMetadata } from "../run/metadata.ts";
import type { ExecutionProgress } from "./progress.ts";
import type { SuiteResults } from "./results.ts";
import type { TestResult } from "../run/test_result.ts";

/** Writes `{test_name}_completion.txt` and `{test_name}_result.json` for each test. */
export class ItemFiles {
  readonly #folder: string;
  readonly #stems = new Map<string, string>();
  readonly #tests = new Map<string, TestCase>();

  /**
   * @param tests all tests of the suite, so that file names do not depend on the selection.
   * @throws {InputError} the folder cannot be created.
   */
  constructor(directory: RunDirectory, tests: readonly TestCase[]) {
    this.#folder = directory.items;
    makeFolder(this.#folder);
    const names = uniqueFileNames(tests);
    tests.forEach((test, i) => {
      this.#stems.set(test.id, names[i]);
      this.#tests.set(test.id, test);
    });
  }

  /** The common beginning of the names of a test's files. */
  stem(test_id: string): string {
    return this.#stems.get(test_id)!;
  }

  /** Whether a test's files exist. */
  exist(test_id: string): boolean {
    const stem = this.stem(test_id);
    return existsSync(join(this.#folder, `${stem}_completion.txt`)) &&
      existsSync(join(this.#folder, `${stem}_result.json`));
  }

  /**
   * Writes a test's files without fsync, because the journal has everything.
   *
   * @throws {InputError} the file cannot be written, for example because the disk is full.
   */
  write(result: TestResult): void {
    const path = join(this.#folder, this.stem(result.test_id));
    const { item_id: item_hash, test_id: item_id } = result;
    const named = { schema_version: 1, ...result, item_id, item_hash };
    const json = JSON.stringify(named, null, 2) + "\n";
    writeFileAtomic(`${path}_result.json`, json, { sync: false });
    const text = completionText(this.#tests.get(result.test_id)!, result);
    writeFileAtomic(`${path}_completion.txt`, text, { sync: false });
  }
}

/** PROMPT, COMPLETION and METRICS for a person to read. */
function completionText(test: TestCase, result: TestResult): string {
  const thinking = result.reasoning_text ? section("REASONING", result.reasoning_text) : "";
  return section("PROMPT", promptText(test)) + thinking +
    section(
      "COMPLETION",
      result.success ? result.response_text : `[no answer] ${result.response_text}`,
    ) +
    section("METRICS", metricLines(result).join("\n"));
}

function section(title: string, text: string): string {
  return `${title}\n${"=".repeat(title.length)}\n${text}\n\n`;
}

function metricLines(result: TestResult): string[] {
  const evaluation = result.evaluation_result;
  const judged = evaluation && "detail" in evaluation
    ? `${evaluation.passed ? "passed" : "failed"} (${evaluation.evaluator}): ${evaluation.detail}`
    : evaluation?.error ?? "none";
  const hardware = result.performance_metrics;
  const lines: [string, string | number | null | undefined][] = [
    ["test_id", result.test_id],
    ["test_name", result.test_name],
    ["category", result.category],
    ["timestamp", result.timestamp],
    ["success", String(result.success)],
    ["error", result.error_message ?? "none"],
    ["attempts", result.attempts],
    ["execution_time_s", rounded(result.execution_time)],
    ["ttft_ms", rounded(result.timing?.ttft_ms)],
    ["tpot_ms", rounded(result.timing?.tpot_ms)],
    ["prompt_tokens", result.prompt_tokens],
    ["completion_tokens", result.completion_tokens],
    ["token_source", result.token_source],
    ["tokens_per_second", rounded(result.tokens_per_second)],
    ["finish_reason", result.finish_reason],
    ["evaluation", judged],
    ["reasoning_score", rounded(result.reasoning_score)],
    ["reasoning_type", result.reasoning_type],
    ["cpu_usage_percent", rounded(hardware?.cpu_usage_percent)],
    ["memory_used_gb", rounded(hardware?.memory_used_gb)],
    ["gpu_usage_percent", rounded(hardware?.gpu_usage_percent)],
  ];
  return lines.map(([name, value]) => `${name}: ${value ?? "unknown"}`);
}

function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value.toPrecision(6));
}

/** Writes results.json; returns its checksum, for the journal. */
export function writeResults(directory: RunDirectory, results: SuiteResults): string {
  let crc = 0;
  const summed = function* () {
    for (const part of jsonParts(results)) {
      crc = crc32(part, crc);
      yield part;
    }
  };
  writeFileAtomic(directory.results, summed());
  return checksumText(crc);
}

/** Writes `batch_results_{timestamp}.json`, the summary of more than one result. */
export function writeBatchResults(
  directory: RunDirectory,
  metadata: RunMetadata,
  progress: ExecutionProgress,
  results: SuiteResults,
): void {
  if (results.items.length < 2) return;
  const timestamp = compactTime(new Date(metadata.started_at_unix_seconds * 1000));
  const { items, ...summary } = results;
  const batch = {
    timestamp: new Date(metadata.started_at_unix_seconds * 1000).toISOString(),
    ...summary,
    execution_progress: progress,
    config: metadata.config,
    items,
  };
  writeFileAtomic(join(directory.path, `batch_results_${timestamp}.json`), jsonParts(batch));
}

/** JSON with one item per line, in parts, so that a large run is never a single string. */
function* jsonParts({ items, ...rest }: { items: readonly unknown[] } & object): Generator<string> {
  yield JSON.stringify(rest, null, 2).replace(/\n\}$/, "") + ',\n  "items": [\n';
  for (let i = 0; i < items.length; i++) {
    yield `    ${JSON.stringify(items[i])}${i + 1 < items.length ? "," : ""}\n`;
  }
  yield "  ]\n}\n";
}
