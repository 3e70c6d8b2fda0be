/** Runs and their items as rows of a table, for the programs that read tables. */
import { readRunDirectory } from "../run/read_run.ts";
import { itemCost, priceRun } from "./cost.ts";
import type { IndexedRun } from "../run/index.ts";
import type { PriceTable } from "../run/prices.ts";
import type { Row, RowColumn, RowTable } from "../formats/parquet.ts";

const of = (type: RowColumn["type"], ...names: string[]) => names.map((name) => ({ name, type }));

const ITEM_COLUMNS: readonly RowColumn[] = [
  ...of("text", "run_id", "model", "item_id", "problem_id", "mode", "name", "category"),
  ...of("flag", "success", "timed_out"),
  ...of("count", "prompt_tokens", "completion_tokens"),
  ...of("number", "cost_usd"),
  ...of("text", "error"),
  ...of("flag", "passed"),
  ...of("number", "score", "targets", "created_hits", "latency_ms", "ttft_ms"),
  ...of("text", "experiment_id"),
  ...of("count", "iterations"),
];

const RUN_COLUMNS: readonly RowColumn[] = [
  ...of("text", "run_id", "source_form", "kind", "benchmark", "mode", "model", "agent", "status"),
  ...of("number", "started_at_unix_seconds", "duration_s"),
  ...of("count", "items_total", "successful", "failed", "timed_out", "passed"),
  ...of("count", "prompt_tokens", "completion_tokens"),
  ...of("number", "cost_usd", "output_tokens_per_s", "ttft_p50_ms", "ttft_p99_ms", "avg_hit_rate"),
  ...of("count", "judged"),
  ...of("text", "path", "tags"),
];

/** A row a run; `tags` apart by spaces. */
export function runRows(runs: readonly IndexedRun[], prices: PriceTable): RowTable {
  const rows = runs.map((run) => {
    const { total_cost_usd } = priceRun(run, prices).cost;
    const values = { ...run, cost_usd: total_cost_usd, tags: run.tags.join(" ") };
    return rowOf(RUN_COLUMNS, values);
  });
  return { columns: RUN_COLUMNS, rows };
}

/** A row an item. @param warn is told what is wrong with the files of a run. */
export async function itemRows(
  runs: readonly IndexedRun[],
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<RowTable> {
  const rows: Row[] = [];
  for (const { run_id, model, path } of runs) {
    const { items, warnings } = await readRunDirectory(path);
    warnings.forEach(warn);
    const price = prices.priceOf(model);
    for (const item of items) {
      const values = { run_id, model, ...item, cost_usd: itemCost(item, price) };
      rows.push(rowOf(ITEM_COLUMNS, values));
    }
  }
  return { columns: ITEM_COLUMNS, rows };
}

function rowOf(columns: readonly RowColumn[], values: object): Row {
  const given = values as Row;
  return Object.fromEntries(columns.map(({ name }) => [name, given[name] ?? null]));
}
