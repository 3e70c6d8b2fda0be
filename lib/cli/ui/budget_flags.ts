/** Flags of what a run may cost: its budget and the prices. */
import { dollars } from "../../text/dollars.ts";
import { InputError } from "../../errors.ts";
import { Budget } from "../../run/budget.ts";
import { number } from "./flags.ts";
import { pricesFlag } from "../runs/prices.ts";
import type { BudgetLimits } from "../../run/budget.ts";
import type { PriceTable } from "../../run/prices.ts";
import type { CommandContext } from "./command.ts";
import type { Values } from "./flags.ts";

export const budgetFlags = {
  "budget-usd": number("USD", "stop before this is spent; warns at 80 %", { min: 1e-9 }),
  "budget-tokens": number("N", "stop before so many tokens are used, in and out", {
    min: 1,
    whole: true,
  }),
  ...pricesFlag,
};

/** The limits that were given. */
export function budgetOf(values: Values<typeof budgetFlags>): BudgetLimits {
  return { usd: values["budget-usd"] ?? null, tokens: values["budget-tokens"] ?? null };
}

/** A budget that warns the person at 80 %, and the callback URL. */
export function warningBudget(
  limits: BudgetLimits,
  { terminal, callbacks }: CommandContext,
): Budget {
  return new Budget(limits, (line) => {
    terminal.warn(line);
    callbacks?.alert(line);
  });
}

/** @throws {InputError} a budget of dollars, and a model whose price nobody knows. */
export function checkPriced({ usd }: BudgetLimits, model: string, prices: PriceTable): void {
  if (usd === null || prices.priceOf(model) !== null) return;
  throw new InputError(
    `--budget-usd: ${prices.name} has no price for "${model}"; give a table that has one with ` +
      "--prices FILE, or --budget-tokens",
  );
}

/** What a person is told of a budget that has ended a run. */
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
