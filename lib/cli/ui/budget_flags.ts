/** Flags for what a run may cost: its budget and the prices. */
import { dollars } from "../../text/dollars.ts";
import { InputError } from "../../errors.ts";
import { Budget, type BudgetLimits } from "../../run/budget.ts";
import { budgetSettings } from "../../settings/suite_run.ts";
import { flagsOf } from "./setting_flags.ts";
import { pricesFlag } from "../runs/prices.ts";
import type { z } from "zod";
import type { PriceTable } from "../../run/prices.ts";
import type { CommandContext } from "./command.ts";

export const budgetFlags = {
  ...flagsOf(budgetSettings),
  ...pricesFlag,
};

/** The limits from the flags. */
export function budgetOf(
  { budget_usd, budget_tokens }: z.infer<typeof budgetSettings>,
): BudgetLimits {
  return { usd: budget_usd ?? null, tokens: budget_tokens ?? null };
}

/** A budget that warns the person and the callback URL at 80 %. */
export function warningBudget(
  limits: BudgetLimits,
  { terminal, callbacks }: CommandContext,
): Budget {
  return new Budget(limits, (line) => {
    terminal.warn(line);
    callbacks?.alert(line);
  });
}

/** @throws {InputError} a budget in dollars for a model whose price is unknown. */
export function checkPriced({ usd }: BudgetLimits, model: string, prices: PriceTable): void {
  if (usd === null || prices.priceOf(model) !== null) return;
  throw new InputError(
    `--budget-usd: ${prices.name} has no price for "${model}"; give a table that has one with ` +
      "--prices FILE, or --budget-tokens",
  );
}

/** The notice that a budget has ended a run. */
export function budgetEnd(
  { limits, spent, refused }: Pick<Budget, "limits" | "spent" | "refused">,
): string {
  const parts = [
    ...(limits.usd === null ? [] : [`${dollars(spent.usd)} of $${limits.usd}`]),
    ...(limits.tokens === null ? [] : [`${spent.tokens} of ${limits.tokens} tokens`]),
  ];
  const needs = [
    ...(limits.usd === null || !refused?.usd ? [] : [dollars(refused.usd)]),
    ...(limits.tokens === null || !refused?.tokens ? [] : [`${refused.tokens} tokens`]),
  ];
  const may = needs.length ? `, and the next request may take ${needs.join(", ")}` : "";
  return `the budget has no room for another request: ${parts.join(", ")} spent${may}`;
}
