/** The cost of runs, from their tokens and a table of prices. */
import { exactUsd } from "../text/dollars.ts";
import { foldJournal } from "../run/fold.ts";
import { Ledger } from "../run/ledger.ts";
import { costOfTokens, countsOfUsage, mayBeTiered } from "../run/ledger_entry.ts";
import { runDirectoryAt } from "../run/directory.ts";
import type { Fold } from "../run/fold.ts";
import type { LedgerEntry, PriceRow, TokenCounts } from "../run/ledger_entry.ts";
import type { Price, PriceTable } from "../run/prices.ts";
import type { RunItem, RunSummary } from "../run/summary.ts";

/** The cost of a run, with the keys that users' scripts read, in order. Null is unknown. */
export interface RunCost {
  run_id: string;
  model: string;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  total_tokens: number | null;
  input_cost_usd: number | null;
  output_cost_usd: number | null;
  total_cost_usd: number | null;
  /** The prompt tokens that were in the server's cache. */
  cached_prompt_tokens: number | null;
  /** Requests that are not in the sums of dollars; null when this was not recorded. */
  requests_of_unknown_cost: number | null;
  /** Those of them that may have been in flight when dyno was killed. */
  requests_cut_off: number | null;
}

/** A cost, and what to check when it is unknown. */
export interface PricedRun {
  cost: RunCost;
  /** For each model that was asked; empty when the cost was recorded with the run. */
  prices: Price[];
  problem: string | null;
}

/**
 * Prices a run. A cost recorded with it is used, unless the run is to be priced again. Tokens have the
 * price of the model that was asked, which may be a reviewer or a judge.
 *
 * @param entries the run's requests; without them, a price with tiers is unknown where a tier may
 * have been reached.
 */
export function priceRun(
  run: RunSummary,
  prices: PriceTable,
  { again = false, entries = [] as readonly LedgerEntry[] } = {},
): PricedRun {
  const { run_id, model, prompt_tokens, completion_tokens, cached_prompt_tokens } = run;
  const known = prompt_tokens !== null && completion_tokens !== null;
  const of = (dollars: Dollars, requests_of_unknown_cost: number | null): RunCost => ({
    run_id,
    model,
    prompt_tokens,
    completion_tokens,
    total_tokens: known ? prompt_tokens + completion_tokens : null,
    input_cost_usd: dollars.input_cost_usd,
    output_cost_usd: dollars.output_cost_usd,
    total_cost_usd: dollars.cost_usd,
    cached_prompt_tokens,
    requests_of_unknown_cost,
    requests_cut_off: run.requests_cut_off,
  });
  if (run.cost_usd !== null && !again) {
    return { cost: of(run, run.requests_of_unknown_cost), prices: [], problem: null };
  }
  const parts = partsOf(run).map(({ asked, ...part }) => {
    const price = prices.priceOf(asked);
    const own = entries.filter((entry) => (entry.model ?? run.model) === asked);
    const dollars = own.length > 0
      ? sumOf(own.map((entry) => costOfTokens(entry, price)))
      : costOfSums(part.tokens, part.requests, price);
    return { ...part, asked, price, dollars };
  });
  const unknown = parts.map(({ dollars, requests, untold, cut_off }) =>
    dollars.cost_usd !== null || requests === null ? untold : requests + cut_off
  );
  const cost = of(
    sumOf(parts.map(({ dollars }) => dollars)),
    unknown.reduce((sum, each) => sum === null || each === null ? null : sum + each, 0),
  );
  const missing = new Set(parts.flatMap(({ price, asked }) => price === null ? [asked] : []));
  const tiered = parts.find(({ price, dollars }) => price?.tiers && dollars.cost_usd === null);
  const problem = !known
    ? tokensMissing(run)
    : missing.size === 0
    ? tiered === undefined ? null : sizesMissing(tiered.asked)
    : [...missing].map((asked) => priceMissing(asked, prices)).join("; ");
  return { cost, prices: parts.flatMap(({ price }) => price ?? []), problem };
}

/** {@linkcode priceRun}, reading the run's requests where the size of each one's prompt counts. */
export async function priceRunByRequest(
  run: RunSummary,
  prices: PriceTable,
  options: { again: boolean },
): Promise<PricedRun> {
  const priced = priceRun(run, prices, options);
  const tiered = priced.prices.some(({ tiers }) => tiers !== undefined);
  if (!tiered || run.source_form !== "dyno") return priced;
  const entries: LedgerEntry[] = [];
  const collected: Fold<"run", Ledger> = {
    kind: "run",
    begin: () => new Ledger((entry) => entries.push(entry)),
    take: (ledger, event) => ledger.take(event),
  };
  try {
    await foldJournal(runDirectoryAt(run.path).journal, collected);
  } catch {
    return priced; // without a journal, its sums are all there is
  }
  return priceRun(run, prices, { ...options, entries });
}

/**
 * Returns the cost of the tokens of several requests, USD. Unknown where one of the prompts may have
 * reached a tier of the price, as sums do not tell.
 *
 * @param requests how many; null where unknown.
 */
export function costOfSums(
  tokens: TokenCounts,
  requests: number | null,
  price: PriceRow | null,
): Dollars {
  const unclear = price !== null && requests !== 1 && mayBeTiered(price, tokens.prompt_tokens ?? 0);
  return costOfTokens(tokens, unclear ? null : price);
}

/** What each model was asked; for a run that did not record this, everything counts for its own model. */
function partsOf(run: RunSummary) {
  const { by_model, model, requests, requests_of_unknown_tokens } = run;
  if (by_model == null || Object.keys(by_model).length === 0) {
    const cut_off = run.requests_cut_off ?? 0;
    return [{ asked: model, tokens: run, requests, untold: requests_of_unknown_tokens, cut_off }];
  }
  return Object.entries(by_model).map(([name, tokens]) => ({
    asked: name === "" ? model : name,
    tokens,
    requests: tokens.requests,
    untold: tokens.requests_of_unknown_tokens,
    cut_off: tokens.requests_cut_off,
  }));
}

/** The sums of the known values. */
function sumOf(parts: readonly Dollars[]): Dollars {
  const sum = (name: keyof Dollars) => {
    const told = parts.flatMap((part) => part[name] ?? []);
    return told.length ? exactUsd(told.reduce((all, each) => all + each, 0)) : null;
  };
  return {
    input_cost_usd: sum("input_cost_usd"),
    output_cost_usd: sum("output_cost_usd"),
    cost_usd: sum("cost_usd"),
  };
}

type Dollars = Pick<RunSummary, "input_cost_usd" | "output_cost_usd" | "cost_usd">;

/** Why a model has no price, and what to do. */
export function priceMissing(model: string, prices: PriceTable): string {
  return `cost unknown: ${prices.name} has no price for model "${model}"; add a row for it to a ` +
    `copy of experiments/prices.json and give that with --prices FILE`;
}

/** Why a price with tiers cannot be applied to sums. */
function sizesMissing(model: string): string {
  return `cost unknown: the price of "${model}" depends on the size of each prompt, and the run has ` +
    `only sums of tokens`;
}

/** Why a run has no token counts, and what to check. */
export function tokensMissing({ run_id, successful, agent, source_form }: RunSummary): string {
  if (successful === 0) return `${run_id}: token counts missing: no item was answered`;
  if (source_form === "agent_sched_sweep") {
    return `${run_id}: token counts missing: a simulated run has none`;
  }
  if (source_form !== "dyno") {
    return `${run_id}: token counts missing: what was imported from ${source_form} has none for ` +
      `some answers; check that it records usage (smi-bench: with --agent real-openai-compatible), ` +
      `and import again`;
  }
  return `${run_id}: token counts missing: some answers came without "usage"` +
    `${agent ? ` (agent ${agent})` : ""}; check that the endpoint sends it, for streams with ` +
    `stream_options.include_usage (providers.json can turn that off)`;
}

/** The cost of an item, USD; null when its tokens or the price are unknown. */
export function itemCost(item: RunItem, price: Price | null): number | null {
  const told = countsOfUsage(item, null);
  return item.cost_usd ?? costOfSums(told, item.iterations, price).cost_usd;
}

/** The ways to group the costs of runs. */
export const COST_GROUPS = ["day", "model", "suite"] as const;

/** A sum over runs. `total_cost_usd` covers those whose cost is known; null when none is. */
export interface CostTotal {
  group: string;
  runs: number;
  /** Runs of unknown cost. */
  runs_of_unknown_cost: number;
  /** Requests that are not in `total_cost_usd`, for the runs that recorded it. */
  requests_of_unknown_cost: number;
  /** See {@linkcode RunCost}. */
  requests_cut_off: number;
  prompt_tokens: number;
  completion_tokens: number;
  total_cost_usd: number | null;
}

/** Adds up costs by local day, by model or by suite, ordered by the groups' names. */
export function totalCosts(
  priced: readonly { run: RunSummary; cost: RunCost }[],
  by: typeof COST_GROUPS[number],
): CostTotal[] {
  const totals = new Map<string, CostTotal>();
  for (const { run, cost } of priced) {
    const group = by === "day"
      ? localDay(run.started_at_unix_seconds)
      : by === "model"
      ? run.model
      : run.benchmark;
    const total = totals.get(group) ?? {
      group,
      runs: 0,
      runs_of_unknown_cost: 0,
      requests_of_unknown_cost: 0,
      requests_cut_off: 0,
      prompt_tokens: 0,
      completion_tokens: 0,
      total_cost_usd: null,
    };
    totals.set(group, total);
    total.runs++;
    total.prompt_tokens += cost.prompt_tokens ?? 0;
    total.completion_tokens += cost.completion_tokens ?? 0;
    total.requests_of_unknown_cost += cost.requests_of_unknown_cost ?? 0;
    total.requests_cut_off += cost.requests_cut_off ?? 0;
    if (cost.total_cost_usd === null) total.runs_of_unknown_cost++;
    else total.total_cost_usd = exactUsd((total.total_cost_usd ?? 0) + cost.total_cost_usd);
  }
  return [...totals.values()].sort((a, b) => a.group.localeCompare(b.group));
}

/** The local date of a time, YYYY-MM-DD. */
export function localDay(unix_s: number | null): string {
  if (unix_s === null) return "unknown";
  const time = new Date(unix_s * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
