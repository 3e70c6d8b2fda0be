/** Reads one run as a row of runs.csv, whatever the state of its folder. */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Cell, parseCsv } from "../formats/csv.ts";
import { METRICS, SWITCHES, TIER_METRICS } from "./columns.ts";
import { argumentText, type Exact } from "./exact_json.ts";
import { isJobCommand } from "./job.ts";
import { jobFigures } from "./job_figures.ts";
import { readMeta, type RunMeta } from "./meta.ts";
import { runPathsOf, type SweepTree } from "./tree.ts";
import { isJsonObject } from "../json_fields.ts";
import { energiesOver } from "../hardware/energy.ts";
import { performanceOver } from "../hardware/performance.ts";
import { messageOf } from "../errors.ts";
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import type { FoundColumns, HOST_FIGURES } from "./columns.ts";
import type { PlannedRun } from "./plan.ts";

/** Cells by column; a missing cell is unknown. */
export type RunRow = Record<string, Cell>;

/** A row while it is filled: its cells, the run's problems, and the columns of all rows. */
interface RowReading {
  row: RunRow;
  faults: string[];
  found: FoundColumns;
}

/**
 * Reads a run. Anything missing or broken becomes an empty cell and a sentence in `warning`.
 *
 * @param planned the run's settings, if the sweep file still has them.
 */
export function runRow(
  tree: SweepTree,
  run_id: string,
  planned: PlannedRun | null,
  found: FoundColumns,
): RunRow {
  const paths = runPathsOf(tree, run_id);
  const row: RunRow = { run_id, run_dir: paths.folder, exit_code: null };
  const faults: string[] = [];
  const reading = { row, faults, found };
  const there = existsSync(paths.folder);
  const meta = there ? readMeta(paths.meta) : null;
  if (!there) faults.push("not run");
  else if (meta === null) {
    faults.push(
      existsSync(paths.meta) ? "meta.json is broken" : "no meta.json: the run was cut off",
    );
  }
  addSettings(reading, meta, planned);
  if (meta !== null) addEnd(reading, meta);
  const failed = meta !== null && meta.exit_code !== 0;
  if (there) {
    const must = meta !== null && !failed && isSimulator(meta);
    addSummary(reading, paths.summary, must);
    addTiers(reading, paths.tiers, must);
    if (isJobCommand(meta?.cmd)) addFigures(reading, jobFigures(paths.out), !failed);
  }
  if (there) addHost(reading, paths.folder);
  row.warning = faults.length ? faults.join("; ").replace(/\s+/g, " ") : null;
  return row;
}

function addSettings(
  { row, found }: RowReading,
  meta: RunMeta | null,
  planned: PlannedRun | null,
): void {
  const params = objectOf(meta?.params) ?? planned?.params ?? {};
  for (const [name, value] of Object.entries(params)) {
    found.addParameter(name);
    row[name] = parameterCell(value);
  }
  row.ablation_name = meta ? cellOf(meta.ablation_name) : planned?.ablation.name ?? null;
  const listed = meta?.ablation_flags ?? planned?.ablation.flags;
  const flags = Array.isArray(listed) ? listed.map(String) : null;
  row.ablation_flags = flags?.join(" ") ?? null;
  for (const name of SWITCHES) {
    if (Object.hasOwn(row, name) && typeof row[name] !== "boolean") continue; // another program's parameter
    row[name] = flags === null
      ? null
      : flags.some((flag) => flag.replace(/^-+/, "").replaceAll("-", "_") === name) ||
        row[name] === true;
  }
}

function addEnd({ row, faults }: RowReading, meta: RunMeta): void {
  const names = [
    "exit_code",
    "wall_time_s",
    "start_time_unix_s",
    "end_time_unix_s",
    "timed_out",
    "peak_memory_bytes",
    "cpu_time_s",
  ] as const;
  for (const name of names) row[name] = cellOf(meta[name]);
  if (meta.timed_out) faults.push("timed out");
  else if (meta.signal) faults.push(`ended by ${meta.signal}`);
  else if (meta.error) faults.push(`not started: ${meta.error}`);
  else if (meta.exit_code !== 0) faults.push(`exit code ${meta.exit_code ?? "unknown"}`);
}

function addSummary({ row, faults, found }: RowReading, path: string, must: boolean): void {
  const table = tableAt(path);
  if (table === null) {
    if (must) faults.push("no out/summary.csv");
    return;
  }
  const [head, values] = table;
  if (values === undefined || values.length !== head.length || table.length !== 2) {
    faults.push("out/summary.csv is broken: expected a head and one row of its length");
    return;
  }
  const taken = new Set<string>();
  head.forEach((given, i) => {
    if (!taken.has(given) && String(row[given] ?? "") === values[i]) return; // it repeats its parameter
    const name = freeName(given, taken, row);
    if (taken.has(given)) faults.push(`out/summary.csv: two columns ${given}: one is ${name}`);
    taken.add(name);
    found.addMetric(name);
    const text = values[i].trim();
    if (METRICS.includes(name) && !isNumber(text)) {
      faults.push(`out/summary.csv: ${name} is not a number`);
      row[name] = null;
    } else row[name] = text || null;
  });
}

/**
 * Whether a cell holds a number. The cell keeps its digits, because a double may not hold all of
 * them.
 */
function isNumber(text: string): boolean {
  return text !== "" && !Number.isNaN(Number(text));
}

/**
 * The name for a column: measured_NAME if a parameter has that name, NAME_2 if it is the second of
 * its name.
 */
function freeName(given: string, taken: ReadonlySet<string>, row: RunRow): string {
  const name = Object.hasOwn(row, given) && !taken.has(given) ? `measured_${given}` : given;
  let free = name;
  for (let count = 2; Object.hasOwn(row, free); count++) free = `${name}_${count}`;
  return free;
}

/** Adds figures; one with a parameter's name, such as requests, becomes measured_requests. */
function addFigures(
  { row, faults, found }: RowReading,
  figures: Record<string, Cell> | null,
  must: boolean,
): void {
  if (figures === null) {
    if (must) faults.push("no results.json under out");
    return;
  }
  for (const [figure, value] of Object.entries(figures)) {
    const name = Object.hasOwn(row, figure) ? `measured_${figure}` : figure;
    found.addMetric(name);
    row[name] = value;
  }
}

function addHost({ row, faults, found }: RowReading, folder: string): void {
  try {
    for (const [name, value] of Object.entries(hostFigures(folder) ?? {})) {
      if (value === null || Object.hasOwn(row, name)) continue; // a parameter of the same name is kept
      found.addHost(name);
      row[name] = value;
    }
  } catch (error) {
    faults.push(messageOf(error));
  }
}

function addTiers({ row, faults, found }: RowReading, path: string, must: boolean): void {
  const table = tableAt(path);
  if (table === null) {
    if (must) faults.push("no out/tiers.csv");
    return;
  }
  const [head, ...rows] = table;
  const at = (name: string) => head.indexOf(name);
  const places = TIER_METRICS.map(at);
  if (at("provider") < 0 || at("tier_id") < 0 || places.every((place) => place < 0)) {
    faults.push("out/tiers.csv is broken: expected provider, tier_id and metrics");
    return;
  }
  for (const values of rows) {
    const tier = `${values[at("provider")]}_tier${values[at("tier_id")]}`;
    if (!/^[\w.-]+_tier\d+$/.test(tier)) {
      faults.push("out/tiers.csv has a broken row");
      continue;
    }
    found.addTier(tier);
    TIER_METRICS.forEach((metric, i) => {
      const text = values[places[i]]?.trim() ?? "";
      if (isNumber(text)) row[`${tier}_${metric}`] = text;
    });
  }
}

/** The rows of a small table; null if there is none. */
function tableAt(path: string): string[][] | null {
  try {
    const rows = parseCsv(path, readFileSync(path, "utf8"));
    return rows.length > 0 ? rows : [[]];
  } catch {
    return null;
  }
}

/** Only the simulator must write its tables; other programs are free to. */
function isSimulator({ cmd }: RunMeta): boolean {
  return Array.isArray(cmd) && basename(String(cmd[0])) === "agent_sched_sim";
}

function objectOf(value: unknown): Record<string, Exact> | null {
  return isJsonObject(value) ? value as Record<string, Exact> : null;
}

/** A parameter as it was written: 1.0 is not 1, and a large seed keeps all its digits. */
function parameterCell(value: Exact): Cell {
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  return argumentText(value);
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "object") return JSON.stringify(value);
  return value as Cell;
}

type HostFigure = typeof HOST_FIGURES[number];

/**
 * Means over a run's hardware samples for the whole host; null if it was not sampled. A figure that
 * the host does not report is null.
 *
 * @throws if the samples cannot be read.
 */
function hostFigures(folder: string): Record<HostFigure, number | null> | null {
  const [samples] = readSamples(folder);
  if (samples === undefined) return null;
  const series = seriesFrom(samples);
  if (series.length < 2) return null;
  const [from_ns, to_ns] = [series.t_ns(0), series.t_ns(series.length - 1)];
  const means = performanceOver(series, from_ns, to_ns);
  const energies = energiesOver(series, from_ns, to_ns);
  const joules = (device: RegExp) => {
    const each = energies.filter((energy) => device.test(energy.device));
    return each.length > 0 ? each.reduce((sum, { energy_j }) => sum + energy_j, 0) : null;
  };
  return {
    host_cpu_usage_percent: means.cpu_usage_percent,
    host_memory_used_gb: means.memory_used_gb,
    host_cpu_energy_j: joules(/^rapl\.package/),
    host_gpu_usage_percent: means.gpu_usage_percent,
    host_gpu_memory_used_gb: means.gpu_memory_used_gb,
    host_gpu_power_watts: means.gpu_power_watts,
    host_gpu_energy_j: joules(/^gpu/),
  };
}
