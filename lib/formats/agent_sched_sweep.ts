/** The sweep of agent_sched_sim: `bench_runs/<name>/runs/<run>/meta.json` with `out/*.csv`. */
import { basename, dirname } from "node:path";
import type { ReadRun, RunItem } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { csvRowsOf } from "./foreign_file.ts";
import { keep, KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { DistinctIds, NO_LOAD, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

const STARTS = ["start_time_unix_s", "start_unix_s", "start_time", "start", "started_at"];
const ENDS = ["end_time_unix_s", "end_unix_s", "end_time", "end", "ended_at"];
const MOST_ROWS = 1_000_000;

/** Whether a parsed file describes a run of the sweep. */
export function isSweepMeta(value: unknown): boolean {
  return isJsonObject(value) && "exit_code" in value && "wall_time_s" in value &&
    ("cmd" in value || "command" in value || "params" in value) && !("packages" in value);
}

/** Whether the names in a CSV file's first row are those of the sweep's merged `runs.csv`. */
export function isSweepRunsHeader(names: readonly string[]): boolean {
  return ["run_id", "policy", "exit_code", "wall_time_s"].every((name) => names.includes(name));
}

/** The files of one run of a sweep; the CSV files may be missing. */
export interface SweepFiles {
  meta: { path: string; value: unknown };
  summary: string | null;
  tiers: string | null;
  workflows: string | null;
}

/**
 * Reads a run of a sweep: its policy becomes the agent, its ablation the mode, the simulator the
 * model. Simulated costs are not dollars, so they stay unmapped.
 */
export async function readSweepRun(files: SweepFiles): Promise<ReadRun> {
  const { path } = files.meta;
  const meta = new Fields(path, files.meta.value);
  const folder = dirname(path);
  const inRuns = basename(dirname(folder)) === "runs";
  const run = readRun(path, meta, {
    run_id: meta.labelOrNull("run_id") ?? basename(folder),
    benchmark: meta.textOrNull("exp_name") ?? meta.textOrNull("experiment") ??
      (inRuns ? basename(dirname(dirname(folder))) : "sweep"),
  });
  const rows = files.summary === null ? [] : await rowsOf(files.summary);
  const workflows = files.workflows === null ? [] : await workflowsOf(files.workflows);
  if (workflows.length > 0) {
    run.items = workflows;
    Object.assign(run.summary, totalsOf(workflows));
  }
  if (run.summary.status === "complete" && rows.length === 0) run.summary.status = "incomplete";
  if (rows.length > 0) {
    run.unmapped.metrics = numbersIn(rows[0]);
    const tables = files.workflows === null ? [] : await rowsOf(files.workflows);
    Object.assign(run, statedBy(rows[0], tables.map(numbersIn)).found());
    const rests = tables.map((row) => {
      const { workflow_id: _, makespan_ms: __, ...rest } = numbersIn(row);
      return rest;
    });
    if (rests.length > 0) run.unmapped.workflows = keep(rests, KEEP_SMALL);
  }
  if (files.tiers !== null) {
    run.unmapped.tiers = keep((await rowsOf(files.tiers)).map(numbersIn), KEEP_SMALL);
  }
  return run;
}

/** Reads the sweep's merged table: each row becomes a run. */
export async function readSweepRuns(path: string): Promise<ReadRun[]> {
  const runs: ReadRun[] = [];
  const above = dirname(path);
  const benchmark = basename(above) === "aggregate" ? basename(dirname(above)) : "sweep";
  let row = 1;
  for await (const values of csvRowsOf(path)) {
    const fields = new Fields(path, values, `row ${++row}`, "csv");
    const run = readRun(path, fields, { run_id: fields.label("run_id"), benchmark });
    run.unmapped = numbersIn(run.unmapped);
    Object.assign(run, statedBy(run.unmapped, []).found());
    runs.push(run);
  }
  return runs;
}

function readRun(
  path: string,
  meta: Fields,
  names: { run_id: string; benchmark: string },
): ReadRun {
  const params = isJsonObject(meta.peek("params")) ? meta.child("params") : meta;
  const exit_code = meta.numberOrNull("exit_code");
  const started = firstTime(meta, STARTS), ended = firstTime(meta, ENDS);
  const total = params.countOrNull("workflows") ?? 0;
  const ended_well = exit_code === 0;
  return {
    summary: {
      ...names,
      path,
      source_form: "agent_sched_sweep",
      kind: "sweep",
      mode: ablationOf(meta),
      model: simulatorOf(meta.peek("cmd") ?? meta.peek("command")),
      agent: params.textOrNull("policy") ?? meta.textOrNull("policy"),
      status: ended_well ? "complete" : exit_code === null ? "incomplete" : "failed",
      started_at_unix_seconds: started,
      duration_s: meta.amountOrNull("wall_time_s") ??
        (started !== null && ended !== null && ended >= started ? ended - started : null),
      items_total: total,
      successful: ended_well ? total : 0,
      failed: ended_well || exit_code === null ? 0 : total,
      timed_out: 0,
      passed: null,
      prompt_tokens: null,
      completion_tokens: null,
      cost_usd: null,
      ...NO_LOAD,
      tags: [],
    },
    items: [],
    unmapped: meta.rest(),
  };
}

/** The figures that the simulator states for a run, compared with those of its workflows. */
function statedBy(
  metrics: Record<string, unknown>,
  workflows: readonly Record<string, unknown>[],
): Stated {
  const stated = new Stated();
  for (const [prefix, column, unit] of [["makespan", "makespan_ms", "_ms"], ["cost", "cost", ""]]) {
    const values = workflows.flatMap((row) => typeof row[column] === "number" ? [row[column]] : []);
    const sorted = values.length === workflows.length ? values.sort((a, b) => a - b) : [];
    const n = sorted.length;
    for (const name of ["mean", "p50", "p95", "p99"]) {
      const figure = `${prefix}_${name}${unit}`;
      const value = numbersIn(metrics)[figure];
      if (typeof value !== "number") continue;
      const q = Number(name.slice(1)) / 100;
      const computed = n === 0
        ? null
        : name === "mean"
        ? sorted.reduce((a, b) => a + b, 0) / n
        : sorted[Math.floor(q * n)];
      stated.keep(figure, value);
      stated.check(figure, value, computed);
    }
  }
  return stated;
}

function firstTime(meta: Fields, names: readonly string[]): number | null {
  const name = names.find((name) => meta.has(name) && meta.peek(name) !== "");
  return name === undefined ? null : meta.timeOrNull(name);
}

function ablationOf(meta: Fields): string | null {
  if (isJsonObject(meta.peek("ablation"))) return meta.child("ablation").textOrNull("name");
  return (meta.textOrNull("ablation_name") ?? meta.textOrNull("ablation")) || null;
}

/** The program's name, without a path that belongs to another machine. */
function simulatorOf(command: unknown): string {
  const first = Array.isArray(command) ? command[0] : command;
  const program = typeof first === "string" ? first.trim().split(/\s+/)[0] : "";
  return program.split(/[\\/]/).pop() || "agent_sched_sim";
}

async function workflowsOf(path: string): Promise<RunItem[]> {
  const ids = new DistinctIds();
  return (await rowsOf(path)).map((values, i): RunItem => {
    const row = new Fields(path, values, `row ${i + 2}`, "csv");
    const key = ["workflow_id", "id", "workflow"].find((key) => row.has(key));
    const id = key === undefined ? String(i) : row.label(key);
    return {
      ...unknownItem(ids.next(id), id),
      latency_ms: row.amountOrNull("makespan_ms") ?? row.amountOrNull("latency_ms"),
    };
  });
}

async function rowsOf(path: string): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for await (const row of csvRowsOf(path)) {
    if (rows.push(row) >= MOST_ROWS) break;
  }
  return rows;
}

/** Converts the texts of a row that are numbers. */
function numbersIn(row: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(objectOr(row)).filter(([key]) => key !== "__proto__").map(([key, value]) => {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : NaN;
      return [key, Number.isFinite(number) ? number : value];
    }),
  );
}
