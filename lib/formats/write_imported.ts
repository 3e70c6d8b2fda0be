/** Writes another program's run as a run directory. */
import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { sealedFile } from "../seal.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { safeFileName } from "../run/file_names.ts";
import { FIGURES, importedItem, type ImportRecord, unmappedPath } from "../run/imported.ts";
import { asObject, isJsonObject, type JsonObject } from "../json_fields.ts";
import { dynoVersion } from "../run/metadata.ts";
import { makeFolder, notWritten, syncFolder, writeAll, writeFileAtomic } from "../write.ts";
import { readLines } from "./json_lines.ts";
import { unmappedNames } from "./unmapped_names.ts";
import type { ReadRun, RunSummary } from "../run/summary.ts";

/** Names that have another meaning in a folder of runs. */
const TAKEN = /^(archive$|benchmark_results$|latest|index\.sqlite|import\.lock)/i;

/** A checksum of everything that was read of a run, except its location. */
export function checksumOf(
  { summary, items, unmapped, stated, seed, score_measure }: ReadRun,
): string {
  const { path: _, ...rest } = summary;
  return createHash("sha256").update(
    JSON.stringify([rest, items, unmapped, stated, seed, score_measure]),
  ).digest(
    "hex",
  );
}

/** A folder name that no other run under `root` has. */
export function freeName(
  { run_id, source_form }: RunSummary,
  taken: (name: string) => boolean,
): string {
  const safe = safeFileName(run_id);
  const name = TAKEN.test(safe) ? `${source_form}_${safe}` : safe;
  if (!taken(name)) return name;
  let n = 2;
  while (taken(`${name}_${n}`)) n++;
  return `${name}_${n}`;
}

/** Where a run is written before it gets its name; the index ignores this folder. */
function draftPath(root: string, name: string): string {
  return join(root, `.import_${name}`);
}

/**
 * Writes a new run: first as a draft, which is then renamed, so that it appears completely or not
 * at all.
 *
 * @throws {InputError} the folder is not writable.
 */
export async function writeImported(
  root: string,
  name: string,
  run: ReadRun,
  record: Omit<ImportRecord, "unmapped">,
): Promise<void> {
  const draft = draftPath(root, name);
  try {
    rmSync(draft, { recursive: true, force: true });
    makeFolder(draft);
    await writeFiles(draft, name, run, record, run.summary.tags);
    renameSync(draft, join(root, name));
    syncFolder(root);
  } catch (error) {
    try {
      rmSync(draft, { recursive: true, force: true });
    } catch { /* the next import removes it */ }
    throw notWritten(join(root, name), error);
  }
}

/**
 * Rewrites a run that was imported before. The metadata, which say what exists, are written last.
 */
export async function rewriteImported(
  path: string,
  run: ReadRun,
  record: Omit<ImportRecord, "unmapped">,
  tags: readonly string[],
): Promise<void> {
  await writeFiles(path, basename(path), run, record, tags);
}

async function writeFiles(
  path: string,
  run_id: string,
  { summary, items, unmapped, stated, seed, score_measure }: ReadRun,
  record: Omit<ImportRecord, "unmapped">,
  tags: readonly string[],
): Promise<void> {
  const directory = runDirectoryAt(path);
  const { kind, benchmark, model, status } = summary;
  const events = record.files.find((file) => basename(file.path) === "events.jsonl");
  if (events && existsSync(events.path)) await copyEvents(events.path, directory.journal);
  const rest = masked(unmapped);
  writeFileAtomic(unmappedPath(path), `${JSON.stringify(rest, null, 2)}\n`);
  const scores = items.flatMap(({ score }) => score ?? []);
  const results = {
    schema_version: 2,
    run_id,
    kind,
    benchmark,
    model,
    status,
    complete: status === "complete",
    aggregate: {
      avg_hit_rate: stated?.figures.avg_hit_rate ??
        (scores.length ? scores.reduce((a, b) => a + b, 0) / scores.length : null),
      max_hit_rate: stated?.figures.max_hit_rate ??
        scores.reduce<number | null>((a, b) => Math.max(a ?? b, b), null),
      errors: stated?.figures.errors ?? summary.failed,
      total_prompt_tokens: summary.prompt_tokens,
      total_completion_tokens: summary.completion_tokens,
      total_cost_usd: summary.cost_usd,
    },
    figures: Object.fromEntries(FIGURES.map((name) => [name, summary[name]])),
    ...(stated ? { stated } : {}),
    ...(score_measure ? { score_measure } : {}),
    items: items.map(importedItem),
  };
  // not synced: the next import notices what a power cut destroys, and writes it again
  writeFileAtomic(directory.results, `${JSON.stringify(results)}\n`, { sync: false });
  const metadata = {
    schema_version: 1,
    run_id,
    kind,
    benchmark,
    agent: summary.agent,
    model,
    mode: summary.mode,
    seed: seed ?? null,
    tags,
    started_at_unix_seconds: summary.started_at_unix_seconds,
    software: { dyno: dynoVersion },
    imported: { ...record, unmapped: unmappedNames(unmapped) },
  };
  writeFileAtomic(directory.metadata, sealedFile(metadata));
}

/** Copies the complete events of another program's journal, with secrets masked. */
async function copyEvents(from: string, to: string): Promise<void> {
  const draft = `${to}.tmp`;
  const fd = openSync(draft, "w");
  try {
    for await (const { line: text } of readLines(from)) {
      const event = eventOf(text);
      if (event !== null) writeAll(fd, `${JSON.stringify(masked(event))}\n`);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, to);
}

function eventOf(text: string): JsonObject | null {
  try {
    const value = asObject(JSON.parse(text));
    return typeof value?.event === "string" ? value : null;
  } catch {
    return null;
  }
}

const SECRET =
  /^(x[-_])?(authorization|api[-_]?key|(access|auth|bearer)[-_]?token|client[-_]?secret|secret|cookie|password|hf[-_]?token)$/i;
const SECRET_FLAG = /^--?([\w-]+)(=?)(.*)$/s;
const MASK = "***";

/**
 * A copy in which texts under names such as `api_key`, or after such flags, are replaced by `***`.
 */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((entry, i) => hidden(entry, value[i - 1]) ?? masked(entry));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      typeof entry === "string" && entry !== "" && SECRET.test(key) ? MASK : masked(entry),
    ]),
  );
}

/** For command lines: masks `--api-key=VALUE`, and the VALUE after `--api-key`. */
function hidden(entry: unknown, previous: unknown): string | null {
  if (typeof entry !== "string") return null;
  const [, name = "", equals] = SECRET_FLAG.exec(entry) ?? [];
  if (equals && SECRET.test(name)) return `--${name}=${MASK}`;
  const flag = typeof previous === "string" ? SECRET_FLAG.exec(previous) : null;
  return flag && !flag[2] && SECRET.test(flag[1]) && !entry.startsWith("-") ? MASK : null;
}
