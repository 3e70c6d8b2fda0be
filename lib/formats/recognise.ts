/** Recognises the format of a file from its content. */
import type { SourceForm } from "../run/summary.ts";
import { isSweepMeta, isSweepRunsHeader } from "./agent_sched_sweep.ts";
import { isAiperf, isAiperfHeader, isAiperfRecord } from "./aiperf.ts";
import { isBatchEval, isBatchEvalHeader } from "./batch_eval.ts";
import { isTestBatch, isTestResult } from "./benchmark_test_runner.ts";
import { foreignFiles } from "./folder.ts";
import { csvHeaderOf, fileHead, parseForeignJson, readForeignText } from "./foreign_file.ts";
import { readLines } from "./json_lines.ts";
import { isGuidellm, isGuidellmCsv } from "./guidellm.ts";
import { isInferencePerf } from "./inference_perf.ts";
import { isInspectLog } from "./inspect_ai.ts";
import { isKoderz } from "./koderz.ts";
import { isLmEval, isLmEvalSample } from "./lm_eval.ts";
import { isPromptfoo } from "./promptfoo.ts";
import { isSmiEvent, isSmiMetadata, isSmiPackage, isSmiResults } from "./smi_bench.ts";
import { isSglangBench, isVllmBench } from "./vllm_bench.ts";
import { InputError } from "../errors.ts";
import { isJsonObject } from "../json_fields.ts";

/** Whether a file is a whole run or a part of one. */
export type PartKind = keyof typeof FORMS;

/** The format that each kind of file belongs to. */
const FORMS = {
  dyno: "dyno",
  koderz: "koderz",
  test_batch: "benchmark_test_runner",
  test_result: "benchmark_test_runner",
  batch_eval: "batch_eval",
  batch_eval_csv: "batch_eval",
  smi_results: "smi_bench",
  smi_metadata: "smi_bench",
  smi_events: "smi_bench",
  smi_packages: "smi_bench",
  sweep_meta: "agent_sched_sweep",
  sweep_runs: "agent_sched_sweep",
  vllm: "vllm_bench",
  vllm_lines: "vllm_bench",
  guidellm: "guidellm",
  guidellm_csv: "guidellm",
  aiperf: "aiperf",
  aiperf_csv: "aiperf",
  aiperf_records: "aiperf",
  inspect: "inspect_ai",
  inspect_eval: "inspect_ai",
  sglang: "sglang_bench",
  sglang_lines: "sglang_bench",
  lm_eval: "lm_eval",
  lm_eval_samples: "lm_eval",
  promptfoo: "promptfoo",
  inference_perf: "inference_perf",
} as const satisfies Record<string, SourceForm>;

/** A file with a known format; `value` is its JSON if it was read as a whole. */
export interface Part {
  kind: PartKind;
  value: unknown;
}

const OWN_METADATA = "/run_metadata.json";

/** In this order: the first match counts. */
const WHOLE: readonly (readonly [PartKind, (value: unknown) => boolean])[] = [
  ["dyno", isDynoMetadata],
  ["inspect", isInspectLog],
  ["guidellm", isGuidellm],
  ["vllm", isVllmBench],
  ["sglang", isSglangBench],
  ["inference_perf", isInferencePerf],
  ["lm_eval", isLmEval],
  ["promptfoo", isPromptfoo],
  ["aiperf", isAiperf],
  ["test_result", isTestResult],
  ["test_batch", isTestBatch],
  ["smi_results", isSmiResults],
  ["koderz", isKoderz],
  ["sweep_meta", isSweepMeta],
  ["smi_metadata", isSmiMetadata],
  ["batch_eval", isBatchEval],
];

/** In JSON lines, by the first line. */
const LINES: readonly (readonly [PartKind, (value: unknown) => boolean])[] = [
  ["aiperf_records", isAiperfRecord],
  ["smi_events", isSmiEvent],
  ["smi_packages", isSmiPackage],
  ["vllm_lines", isVllmBench],
  ["sglang_lines", isSglangBench],
  ["lm_eval_samples", isLmEvalSample],
];

/**
 * The format of a file, or of a folder whose files all have one format; null if it is unknown, the
 * file is broken, or the folder has files in several formats.
 *
 * @throws {InputError} there is no such file or folder.
 */
export async function recognise(path: string): Promise<SourceForm | null> {
  const { files } = await foreignFiles(path, () => {});
  // A dyno run may contain files in other formats, so its metadata is checked first.
  files.sort((a, b) => Number(b.endsWith(OWN_METADATA)) - Number(a.endsWith(OWN_METADATA)));
  let form: SourceForm | null = null;
  for (const file of files) {
    const part = await partOf(file).catch(ignoreInput);
    if (!part) continue;
    if (form !== null && form !== FORMS[part.kind]) return null;
    form = FORMS[part.kind];
    if (form === "dyno") return form;
  }
  return form;
}

/**
 * The kind of a file; null if it is unknown.
 *
 * @throws {InputError} it is JSON that is malformed, nested too deeply or too large.
 */
export async function partOf(path: string): Promise<Part | null> {
  const { text, whole } = await fileHead(path);
  if (text.startsWith("PK\x03\x04")) {
    return /\.eval$/i.test(path) ? { kind: "inspect_eval", value: undefined } : null;
  }
  const first = text.trimStart()[0];
  if (first !== "{" && first !== "[") return await csvPart(path, text);
  const end = text.indexOf("\n");
  const line = end < 0 ? (whole ? text : null) : text.slice(0, end);
  const opening = line === null ? undefined : parsedOr(line);
  for (const [kind, fits] of LINES) {
    if (opening !== undefined && fits(opening)) return { kind, value: undefined };
  }
  const all = whole ? text : await readForeignText(path);
  let value: unknown;
  try {
    value = parseForeignJson(path, all);
  } catch (error) {
    const line = parsedOr(all.slice(0, Math.max(0, all.indexOf("\n"))));
    const lines = line !== undefined && LINES.find(([, fits]) => fits(line));
    if (lines) return { kind: lines[0], value: undefined };
    throw error;
  }
  const found = WHOLE.find(([, fits]) => fits(value));
  return found ? { kind: found[0], value } : null;
}

/** The results that vLLM or SGLang appended to a file, one per line. */
export async function* vllmLines(path: string): AsyncGenerator<{ value: unknown; line: number }> {
  for await (const { line: text, number } of readLines(path)) {
    yield { value: parseForeignJson(`${path}, line ${number}`, text), line: number };
  }
}

/** Returns null for an invalid file; throws any other error. */
function ignoreInput(error: unknown): null {
  if (error instanceof InputError) return null;
  throw error;
}

async function csvPart(path: string, head: string): Promise<Part | null> {
  if (isGuidellmCsv(head)) return { kind: "guidellm_csv", value: undefined };
  if (!/^[^\n]*(llm_model|run_id)|^\ufeff?"?Metric"?,/.test(head)) return null;
  const names = await csvHeaderOf(path);
  if (isAiperfHeader(names)) return { kind: "aiperf_csv", value: undefined };
  if (isBatchEvalHeader(names)) return { kind: "batch_eval_csv", value: undefined };
  return isSweepRunsHeader(names) ? { kind: "sweep_runs", value: undefined } : null;
}

function isDynoMetadata(value: unknown): boolean {
  return isJsonObject(value) && isJsonObject(value.software) && "dyno" in value.software;
}

function parsedOr(line: string): unknown {
  try {
    return parseForeignJson("", line);
  } catch (error) {
    ignoreInput(error);
    return undefined;
  }
}
