/** Totals over items, which every reader needs. */
import { exactUsd } from "../text/dollars.ts";
import { NO_LEDGER, type RunItem, type RunSummary } from "../run/summary.ts";
import type { Fields } from "./fields.ts";

/** The part of a summary that follows from the items. */
export type Totals = Pick<
  RunSummary,
  | "items_total"
  | "successful"
  | "failed"
  | "timed_out"
  | "passed"
  | "prompt_tokens"
  | "completion_tokens"
  | "cost_usd"
>;

/** Counts and sums. A sum is unknown if a value of an answered item is. */
export function totalsOf(items: readonly RunItem[]): Totals {
  const answered = items.filter((item) => item.success);
  const judged = items.filter((item) => item.passed !== null);
  return {
    items_total: items.length,
    successful: answered.length,
    failed: items.length - answered.length,
    timed_out: items.filter((item) => item.timed_out).length,
    passed: judged.length ? judged.filter((item) => item.passed).length : null,
    prompt_tokens: sum(answered, (item) => item.prompt_tokens),
    completion_tokens: sum(answered, (item) => item.completion_tokens),
    cost_usd: sum(answered, (item) => item.cost_usd),
  };
}

/**
 * An item of which only the name is known.
 *
 * @param problem_id if other items of the source answer the same problem.
 */
export function unknownItem(item_id: string, name = item_id, problem_id = item_id): RunItem {
  return {
    item_id,
    problem_id,
    mode: null,
    name,
    category: null,
    success: true,
    timed_out: false,
    passed: null,
    score: null,
    targets: null,
    created_hits: null,
    latency_ms: null,
    elapsed_s: null,
    ttft_ms: null,
    prompt_tokens: null,
    completion_tokens: null,
    cost_usd: null,
    experiment_id: null,
    iterations: null,
    error: null,
  };
}

/** The fields of a summary that only loads have, and those that only a ledger provides: unknown. */
export const NO_LOAD = {
  output_tokens_per_s: null,
  ttft_p50_ms: null,
  ttft_p99_ms: null,
  ...NO_LEDGER,
} as const;

/** Makes ids unique: the second `a` becomes `a#2`. */
export class DistinctIds {
  readonly #uses = new Map<string, number>();
  readonly #given = new Set<string>();

  next(id: string): string {
    let uses = (this.#uses.get(id) ?? 0) + 1;
    let distinct = uses === 1 ? id : `${id}#${uses}`;
    while (this.#given.has(distinct)) distinct = `${id}#${++uses}`;
    this.#uses.set(id, uses);
    this.#given.add(distinct);
    return distinct;
  }
}

/**
 * The problem and mode that an answer belongs to, if its id does not say it: for formats without
 * such fields.
 */
export function nestingOf({ item_id, problem_id, mode }: RunItem): Record<string, string> {
  return {
    ...(problem_id === item_id ? {} : { problem_id }),
    ...(mode === null ? {} : { mode }),
  };
}

/** Reads what {@linkcode nestingOf} wrote. */
export function readNesting(entry: Fields): Partial<Pick<RunItem, "problem_id" | "mode">> {
  const problem_id = entry.labelOrNull("problem_id"), mode = entry.labelOrNull("mode");
  return { ...(problem_id === null ? {} : { problem_id }), ...(mode === null ? {} : { mode }) };
}

/**
 * The name of an item where ids need not be unique: without the suffix of {@linkcode DistinctIds}.
 */
export function idInSource({ item_id, name }: RunItem): string {
  return item_id.startsWith(`${name}#`) ? name : item_id;
}

/** Whether an error message reports a timeout, for formats that have no field for it. */
export function saysTimeout(error: string | null): boolean {
  return error !== null && /time(d )?_?out/i.test(error);
}

/** A share between 0 and 1; null for other values. */
export function shareOrNull(value: number | null): number | null {
  return value !== null && value >= 0 && value <= 1 ? value : null;
}

function sum(items: readonly RunItem[], pick: (item: RunItem) => number | null): number | null {
  let total = 0;
  for (const item of items) {
    const value = pick(item);
    if (value === null) return null;
    total += value;
  }
  return items.length ? exactUsd(total) : null;
}
