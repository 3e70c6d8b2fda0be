/** Runs of other programs as run directories: the parts that dyno's own runs lack. */
import { join } from "node:path";
import { asObject, booleanAt, numberAt, objectAt, objectsIn, textAt } from "../json_fields.ts";
import { plainText } from "./plain_file.ts";
import type { JsonObject } from "../json_fields.ts";
import type { RunItem, RunSummary, SourceForm, StatedFigures } from "./summary.ts";

/** The field `imported` in the run_metadata.json of another program's run. */
export interface ImportRecord {
  form: SourceForm;
  /** The run's name in the source; the folder's name is a safe and unique form of it. */
  run_id: string;
  /** The file or folder that it was imported from. */
  path: string;
  files: { path: string; size_bytes: number; sha256: string }[];
  /** A hash of all that was read of the run: the same run imported from elsewhere has the same hash. */
  run_sha256: string;
  imported_at_unix_seconds: number;
  /** Fields that have no equivalent in dyno; they are in unmapped.json. */
  unmapped: string[];
}

/** The forms of other programs that can be imported. */
export const FOREIGN_FORMS = [
  "smi_bench",
  "koderz",
  "benchmark_test_runner",
  "batch_eval",
  "agent_sched_sweep",
  "vllm_bench",
  "guidellm",
  "aiperf",
  "inspect_ai",
  "sglang_bench",
  "lm_eval",
  "promptfoo",
  "inference_perf",
] as const satisfies readonly SourceForm[];

/** Figures of a run that its items do not have; results.json has them as `figures`. */
export const FIGURES = [
  "duration_s",
  "items_total",
  "successful",
  "failed",
  "timed_out",
  "passed",
  "requests",
  "requests_cut_off",
  "prompt_tokens",
  "cached_prompt_tokens",
  "cache_write_tokens",
  "completion_tokens",
  "reasoning_tokens",
  "requests_of_unknown_tokens",
  "cost_usd",
  "input_cost_usd",
  "output_cost_usd",
  "requests_of_unknown_cost",
  "output_tokens_per_s",
  "ttft_p50_ms",
  "ttft_p99_ms",
] as const satisfies readonly (keyof RunSummary)[];

/** Returns the path of the file for fields without an equivalent, as they were in the source. */
export function unmappedPath(path: string): string {
  return join(path, "unmapped.json");
}

/** Reads the file at {@linkcode unmappedPath}; empty where it is missing or damaged. */
export function readUnmapped(path: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(plainText(unmappedPath(path)))) ?? {};
  } catch {
    return {};
  }
}

/** Returns how a run was imported; null for dyno's own runs. */
export function importRecord(metadata: JsonObject | null): ImportRecord | null {
  const record = objectAt(metadata, "imported");
  const form = FOREIGN_FORMS.find((form) => form === record?.form);
  if (form === undefined) return null;
  return {
    form,
    run_id: textAt(record, "run_id") ?? "unknown",
    path: textAt(record, "path") ?? "unknown",
    files: objectsIn(record?.files).map((file) => ({
      path: textAt(file, "path") ?? "unknown",
      size_bytes: numberAt(file, "size_bytes") ?? 0,
      sha256: textAt(file, "sha256") ?? "",
    })),
    run_sha256: textAt(record, "run_sha256") ?? "",
    imported_at_unix_seconds: numberAt(record, "imported_at_unix_seconds") ?? 0,
    unmapped: Array.isArray(record?.unmapped) ? record.unmapped.map(String) : [],
  };
}

/** Reads the import record of the run at `path`; null where there is none. */
export function readImportRecord(path: string): ImportRecord | null {
  try {
    const text = plainText(join(path, "run_metadata.json"));
    return importRecord(asObject(JSON.parse(text)));
  } catch {
    return null;
  }
}

/** Returns the figures and the status from the results.json of an imported run. */
export function importedFigures(results: JsonObject): Partial<RunSummary> {
  const told = asObject(results.figures);
  const figures: Record<string, number | null> = {};
  for (const name of FIGURES) {
    const count = name === "items_total" || name === "successful" || name === "failed" ||
      name === "timed_out";
    figures[name] = numberAt(told, name) ?? (count ? 0 : null);
  }
  const failed = textAt(results, "status") === "failed";
  return {
    ...figures,
    status: failed ? "failed" : booleanAt(results, "complete") ? "complete" : "incomplete",
  };
}

/**
 * Returns the {@linkcode statedFigures} of the run at `path`; undefined where it is dyno's own, or
 * damaged.
 */
export function readStated(path: string): StatedFigures | undefined {
  try {
    return statedFigures(asObject(JSON.parse(plainText(join(path, "results.json")))));
  } catch {
    return undefined;
  }
}

/**
 * Returns the figures of the whole run that the source of an imported run states, from its
 * results.json.
 */
export function statedFigures(results: JsonObject | null): StatedFigures | undefined {
  const stated = objectAt(results, "stated");
  if (stated === null) return undefined;
  const figures = asObject(stated.figures) ?? {};
  return {
    figures: Object.fromEntries(
      Object.keys(figures).flatMap((name) => {
        const value = numberAt(figures, name);
        return value === null ? [] : [[name, value]];
      }),
    ),
    differs: objectsIn(stated.differs).flatMap((entry) => {
      const figure = textAt(entry, "figure"), value = numberAt(entry, "stated");
      if (figure === null || value === null) return [];
      return [{ figure, stated: value, computed: numberAt(entry, "computed") }];
    }),
  };
}

/** Returns an item in the form for results.json of an imported run. */
export function importedItem(item: RunItem): JsonObject {
  const { item_id, name, score, targets, created_hits, latency_ms, elapsed_s, ...rest } = item;
  const judged = score !== null || targets !== null || created_hits !== null;
  return {
    package_id: item_id,
    test_name: name,
    score: judged ? { targets, created_hits, hit_rate: score } : null,
    e2e_ms: latency_ms,
    elapsed_seconds: elapsed_s,
    ...rest,
  };
}
