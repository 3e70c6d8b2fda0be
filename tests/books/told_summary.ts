/** summary.json of a coding run, and the lines at its end. */
import { isUntold } from "./case.ts";
import { mean } from "./items_reader.ts";
import { sumOfEntries } from "./reader.ts";
import type { Case, Findings } from "./case.ts";
import type { Item } from "./items_reader.ts";
import type { Json } from "./reader.ts";

/** Of each mode its items, those that were judged or did not come, and those that are right. */
function partsOf({ items }: Case): { mode: string; own: Item[]; rated: number; passed: number }[] {
  return [...Map.groupBy(items, ({ mode }) => mode)].map(([mode, own]) => ({
    mode,
    own,
    rated: own.filter(({ unjudged }) => !unjudged).length,
    passed: own.filter(({ passed }) => passed).length,
  }));
}

/** The summary, as summary.json and --json have it. */
export function checkSummary(one: Case, summary: Json, found: Findings): void {
  const { truth } = one;
  found.sums(one, "summary.ledger", summary.ledger.total);
  found.same(one, "summary: seconds", summary.duration_seconds.toFixed(3), one.seconds.toFixed(3));
  const told: Record<string, Json> = summary.summary
    ? { [summary.mode]: summary }
    : { "zero-shot": summary.zero_shot, "iterative": summary.iterative };
  for (const { mode, own, rated, passed } of partsOf(one)) {
    const stats = told[mode]?.summary;
    if (!stats) {
      found.add(one, "modes of the summary", Object.keys(told), mode);
      continue;
    }
    const known = own.flatMap(({ usd }) => usd ?? []);
    const usd = known.length
      ? Number(known.reduce((sum, each) => sum + each, 0).toFixed(12))
      : null;
    const unknown = own.reduce((sum, { unpriced }) => sum + unpriced, 0);
    found.same(one, `${mode}`, [
      ...[stats.total_problems, stats.total_answers, stats.unjudged, stats.successes],
      ...[stats.success_rate, stats.avg_iterations],
      ...[stats.total_cost, stats.requests_of_unknown_cost],
    ], [
      new Set(own.filter(({ unjudged }) => !unjudged).map(({ problem }) => problem)).size,
      ...[rated, own.length - rated, passed],
      ...[100 * passed / rated, mean(own.map(({ iterations }) => iterations!))],
      ...(summary.comparison ? [usd, unknown] : [truth.usd, truth.unpriced]),
    ]);
  }
  if (summary.summary && !isUntold(truth)) {
    const { total_input_tokens, total_output_tokens } = summary.summary;
    found.same(one, "summary: tokens", [total_input_tokens, total_output_tokens], [
      ...[truth.prompt, truth.completion],
    ]);
  }
  const all = sumOfEntries(
    one.journal.flatMap(({ event, entry }) => event === "request_booked" ? [entry] : []),
    one.run.prices,
  );
  found.same(one, "the journal's ledger", [all.usd, all.unpriced], [
    ...[truth.usd, truth.unpriced - truth.cut_off],
  ]);
}

/** What is printed at the end. */
export function checkCodingLines(one: Case, found: Findings): void {
  const text = one.run.lines.join("\n");
  const parts = partsOf(one);
  found.usd(one, "closing line", /total cost: ([^,\n]*)/i.exec(text)?.[1], one.truth);
  for (const { mode, own, rated, passed } of parts) {
    const rate = 100 * passed / rated;
    if (one.run.kind !== "comparative") {
      const successes = /Successes: (\d+).*?\(([\d.]+)%\)/.exec(text);
      found.same(one, "Successes", Number(successes?.[1]), passed);
      found.prints(one, "Successes %", successes?.[2], rate);
      const iterations = /Avg Iterations per \w+: ([\d.]+)/.exec(text)?.[1];
      found.prints(one, "Avg Iterations", iterations, mean(own.map((item) => item.iterations!)));
      continue;
    }
    const name = mode === "zero-shot" ? "Zero-Shot" : "Iterative";
    const row = new RegExp(`${name} +\\| +([\\d.]+)% \\( *(\\d+)/ *(\\d+)\\)`).exec(text);
    found.same(one, `${mode} row`, row?.slice(1), [
      ...[rate.toFixed(1), String(passed), String(rated)],
    ]);
  }
}
