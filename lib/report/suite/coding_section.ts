/**
 * The result of a coding run: each mode's success over problems, and a comparison of both modes.
 */
import { shareCell } from "./epochs_section.ts";
import { dollars } from "../../text/dollars.ts";
import { codingStatistics } from "../../coding/summary.ts";
import { dataTable } from "../table.ts";
import type { ResultItem } from "../../suite/results.ts";
import type { CodingOutcome } from "../../run/test_result.ts";

/**
 * The table and, if there are two modes, their comparison; null for a run without coding problems.
 */
export function codingSection(items: readonly ResultItem[]): string | null {
  const outcomes = items.flatMap(({ coding }) => coding ?? []);
  if (outcomes.length === 0) return null;
  const modes = [...new Set(outcomes.map(({ mode }) => mode))];
  const samples = Math.max(...modes.flatMap((mode) => answersByProblem(outcomes, mode)));
  const { by_mode, comparison } = codingStatistics(items, { modes, samples });
  const ks = Object.keys(by_mode[modes[0]]!.pass_at_k).filter((k) => Number(k) > 1);
  const heads = ["success", ...ks.flatMap((k) => [`pass@${k}`, `pass^${k}`])]
    .concat(
      "attempts<br><small>mean</small>",
      "cost<br><small>per success</small>",
      "problems",
      "answers",
    );
  const rows = modes.map((mode) => {
    const own = outcomes.filter((outcome) => outcome.mode === mode);
    const { success_rate, pass_at_k, pass_all_k, cost_per_solved_usd } = by_mode[mode]!;
    const attempts = own.reduce((sum, { iterations }) => sum + iterations, 0) / own.length;
    return {
      head: mode,
      cells: [
        shareCell(success_rate),
        ...ks.flatMap((k) => [shareCell(pass_at_k[k]), shareCell(pass_all_k[k])]),
        attempts.toFixed(1),
        cost_per_solved_usd === null ? "–" : dollars(cost_per_solved_usd),
        String(answersByProblem(outcomes, mode).length),
        String(own.length),
      ],
    };
  });
  const table = dataTable("coding problems", "mode", heads.map((html) => ({ html })), rows);
  return `${table}<p class="note">Small: 95 % intervals, over problems where these have several
answers.</p>${comparison ? compared(comparison) : ""}`;
}

function compared(
  { difference, gained, lost, p }: NonNullable<ReturnType<typeof codingStatistics>["comparison"]>,
): string {
  if (difference === null) return "";
  const points = (share: number) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)}`;
  const { value, low, high } = difference;
  const test = p === null ? "" : `, p = ${p.toPrecision(2)} (exact McNemar)`;
  return `<p>Iterative less zero-shot, by problem: <b>${points(value)} points</b> (95 %: ${
    points(low)
  } to ${points(high)}); ${gained} gained, ${lost} lost${test}.</p>`;
}

/** The number of answers per problem in a mode. */
function answersByProblem(outcomes: readonly CodingOutcome[], mode: string): number[] {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.mode !== mode) continue;
    counts.set(outcome.problem_id, (counts.get(outcome.problem_id) ?? 0) + 1);
  }
  return [...counts.values()];
}
