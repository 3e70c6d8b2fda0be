/** The data of a run that only certain formats contain, read from the run's own files. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runDirectoryAt } from "../run/directory.ts";
import { readImportRecord, readUnmapped } from "../run/imported.ts";
import {
  asObject,
  type JsonObject,
  objectAt,
  objectsIn,
  parsedObject,
  textAt,
} from "../json_fields.ts";
import { plainText } from "../run/plain_file.ts";
import { readLines } from "./json_lines.ts";
import type { ReadRun, SourceForm } from "../run/summary.ts";
import type { ExportableRun } from "./exported_file.ts";

/**
 * Events that smi-bench's logs have; the rest of our journal has no equivalent in other programs.
 */
const SMI_EVENTS = new Set([
  "run_started",
  "agent_effective_config",
  "package_started",
  "package_finished",
  "checkpoint_written",
  "checkpoint_resume_skip",
  "llm_request_error",
  "llm_response",
  "llm_content_extraction_error",
  "llm_json_parse_error",
  "llm_json_parsed",
  "run_finished",
]);

/** Fields that results of single tests have but a run's items do not. */
const TEST_FIELDS = [
  "response_text",
  "reasoning_text",
  "reasoning_score",
  "reasoning_type",
  "timestamp",
  "tokens_per_second",
  "finish_reason",
  "api_response",
  "performance_metrics",
  "evaluation_result",
];

/**
 * A run prepared for a format: an imported run of that format with its original id and unmapped
 * data, or one of dyno's own runs with data from its files in the format's terms.
 */
export async function exportable(form: SourceForm, run: ReadRun): Promise<ExportableRun> {
  const { path, source_form } = run.summary;
  if (source_form === "dyno") return await ownRun(form, run);
  const record = readImportRecord(path);
  if (record?.form !== form) return run;
  const { journal } = runDirectoryAt(path);
  return {
    ...run,
    summary: { ...run.summary, run_id: record.run_id },
    unmapped: readUnmapped(path),
    ...(form === "smi_bench" && existsSync(journal) ? { events: await eventsOf(journal) } : {}),
  };
}

async function ownRun(form: SourceForm, run: ReadRun): Promise<ExportableRun> {
  const directory = runDirectoryAt(run.summary.path);
  const metadata = jsonAt(directory.metadata) ?? {};
  if (form === "koderz") {
    const coding = objectAt(metadata, "config", "coding");
    if (coding === null) return run;
    const { temperature, seed } = objectAt(coding, "parameters") ?? {};
    const { problems: problem_range, max_iterations } = coding;
    const dataset = textAt(objectAt(metadata, "config"), "suite_path");
    const config = { problem_range, max_iterations, dataset, temperature, seed };
    return { ...run, unmapped: { config: known(config) } };
  }
  if (form === "smi_bench") {
    const { software: _, schema_version: __, ...rest } = metadata;
    const events = existsSync(directory.journal) ? await eventsOf(directory.journal) : [];
    return { ...run, unmapped: { metadata: rest }, events };
  }
  if (form === "benchmark_test_runner") {
    const stems = new Map(
      objectsIn(jsonAt(directory.results)?.items).map((item) => [
        textAt(item, "test_id") ?? "",
        textAt(item, "file_stem"),
      ]),
    );
    const results = run.items.map(({ item_id }) => {
      const stem = stems.get(item_id) ?? null;
      const result = stem && jsonAt(join(directory.items, `${stem}_result.json`));
      if (!result) return {};
      return known(Object.fromEntries(TEST_FIELDS.map((name) => [name, result[name]])));
    });
    return { ...run, unmapped: { results } };
  }
  return run;
}

/** The events that smi-bench's readers know, without the texts of answers. */
async function eventsOf(journal: string): Promise<JsonObject[]> {
  const events: JsonObject[] = [];
  for await (const { line } of readLines(journal)) {
    const event = parsedObject(line);
    if (!SMI_EVENTS.has(String(event?.event))) continue;
    const { result: _, item_id: __, ...rest } = event!; // a journal's item_id is a hash
    events.push(rest);
  }
  return events;
}

function jsonAt(path: string): JsonObject | null {
  try {
    return asObject(JSON.parse(plainText(path)));
  } catch {
    return null; // missing or damaged: the reader of the run has reported it
  }
}

function known(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
