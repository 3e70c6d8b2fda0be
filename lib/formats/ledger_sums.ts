/**
 * The sums of a run's ledger in a file of ours in another program's format, because they do not
 * follow from its items.
 */
import { spentBy } from "../run/ledger_totals.ts";
import type { RunSummary, Spending } from "../run/summary.ts";
import type { Fields } from "./fields.ts";

/** The field, for a run that has a ledger. */
export function ledgerSums(run: RunSummary): { ledger?: { total: Record<string, number | null> } } {
  if (run.requests === null) return {};
  const { requests, requests_cut_off, prompt_tokens, cached_prompt_tokens, cache_write_tokens } =
    run;
  const { completion_tokens, reasoning_tokens, requests_of_unknown_tokens } = run;
  const { input_cost_usd, output_cost_usd, cost_usd, requests_of_unknown_cost } = run;
  return {
    ledger: {
      total: {
        ...{ requests, requests_cut_off, prompt_tokens, cached_prompt_tokens },
        ...{ cache_write_tokens, completion_tokens },
        ...{ reasoning_tokens, requests_of_unknown_tokens, input_cost_usd, output_cost_usd },
        ...{ total_cost_usd: cost_usd, requests_of_unknown_cost },
      },
    },
  };
}

/** The field's content; empty if there is none. @throws {InputError} a sum is not a number. */
export function readLedgerSums(file: Fields): Partial<Spending> {
  const total = file.childOrNull("ledger")?.childOrNull("total");
  if (!total) return {};
  return spentBy((name) => total.amountOrNull(name));
}
