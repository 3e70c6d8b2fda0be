/** What analyze tells of a run, item by item, and what a run is compared with itself. */
import { countsOf } from "./case.ts";
import { byProblem, rightness } from "./items_reader.ts";
import type { Case, Findings } from "./case.ts";
import type { Item } from "./items_reader.ts";
import type { Json } from "./reader.ts";

/** Counts, and every item's figures. */
export function checkAnalysis(one: Case, told: Json, found: Findings): void {
  const { items, load } = one;
  const counts = countsOf(one);
  found.same(one, "analyze", [told.total_packages, told.successful, told.failed], [
    ...[counts.total, counts.successful, counts.total - counts.successful],
  ]);
  const stats: Json[] = told.per_package_stats;
  if (load) {
    found.same(one, "analyze: requests", stats.length, load.records.length);
    for (const entry of stats) {
      const record = load.records.find(({ request }) => String(request) === entry.package_id);
      found.same(one, `analyze: request ${entry.package_id}`, [
        ...[entry.prompt_tokens, entry.completion_tokens, entry.elapsed_seconds],
      ], [
        ...[record?.prompt_tokens, record?.completion_tokens],
        record?.t_sent_ns == null ? null : (record.t_end_ns - record.t_sent_ns) / 1e9,
      ]);
    }
    return;
  }
  found.same(one, "analyze: problems", told.problems, new Set(items.map((i) => i.problem)).size);
  found.same(one, "analyze: timed out", told.timed_out, items.filter((i) => i.timed_out).length);
  found.same(one, "analyze: not judged", told.not_judged, items.filter((i) => i.unjudged).length);
  for (const item of items) {
    const entry = stats.find(({ package_id }) => package_id === item.test_id);
    found.same(
      one,
      `analyze: ${item.test_id}`,
      entry && [
        ...[entry.item_id, entry.problem_id, entry.mode ?? "", entry.passed, entry.hit_rate],
        ...[entry.prompt_tokens, entry.completion_tokens, entry.cost_usd, entry.elapsed_seconds],
        ...[entry.ttft_ms, entry.timed_out],
      ],
      [
        ...[item.test_id, item.problem, item.mode, item.passed, item.score],
        ...[item.prompt, item.completion, item.usd, item.elapsed_s, item.ttft_ms, item.timed_out],
      ],
    );
  }
  const failing = items.filter((i) => !i.success || i.passed === false || i.unjudged);
  found.same(
    one,
    "analyze: failing",
    told.failing.toSorted(),
    failing.map((i) => i.test_id).sort(),
  );
  const most = (of: (item: Item) => number | null) =>
    Math.max(0, ...items.flatMap((item) => of(item) ?? []));
  const first = (ids: string[]) => items.find(({ test_id }) => test_id === ids[0]);
  found.same(
    one,
    "analyze: slowest",
    first(told.slowest)?.elapsed_s ?? 0,
    most((i) => i.elapsed_s),
  );
  found.same(one, "analyze: dearest", first(told.most_expensive)?.usd ?? 0, most((i) => i.usd));
}

/** The counts, as people read them. */
export function checkAnalysisText(one: Case, told: string, found: Findings): void {
  const [, items, answered, without] =
    /^([\d,]+) [^:]*: ([\d,]+) answered, ([\d,]+) without an answer/.exec(told) ?? [];
  const { total, successful } = countsOf(one);
  found.same(one, "analyze in words", [items, answered, without].map(Number), [
    ...[total, successful, total - successful],
  ]);
}

/** A run compared with itself: its own values, and no difference in any. */
export function checkCompared(one: Case, told: Json, found: Findings): void {
  const { load, items } = one;
  const [comparison] = told.summary.comparisons;
  const metrics: Json[] = comparison.metrics;
  if (load) {
    found.same(
      one,
      "compare: requests",
      comparison.requests,
      [1, 1].map(() => load.requests.successful + load.requests.failed),
    );
    const right: Record<string, number | null | undefined> = {
      ...{ requests_per_s: load.requests_per_s, error_rate: load.error_rate },
      ...{ output_tokens_per_s: load.output_tokens_per_s },
    };
    for (const name of ["ttft", "tpot", "e2e"]) {
      right[`${name}_p50_ms`] = load.metrics[`${name}_ms`]?.p50;
      right[`${name}_p99_ms`] = load.metrics[`${name}_ms`]?.p99;
    }
    for (const [metric, value] of Object.entries(right)) {
      const entry = metrics.find((each) => each.metric === metric);
      if (value == null && !entry) continue;
      found.same(one, `compare: ${metric}`, [entry?.first, entry?.second], [value, value]);
      if (entry?.difference) {
        found.same(one, `compare: ${metric} differs`, [entry.difference.value, entry.differs], [
          0,
          false,
        ]);
      }
    }
    return;
  }
  const answered = (of: (item: Item) => number | null) => (item: Item) =>
    item.success ? of(item) : null;
  const values: Record<string, (item: Item) => number | null> = {
    pass_rate: items.some(({ passed }) => passed !== null) ? rightness : () => null,
    answer_rate: ({ success }) => Number(success),
    score: ({ score }) => score,
    cost_usd: ({ usd }) => usd,
    latency_ms: answered(({ e2e_ms }) => e2e_ms),
    ttft_ms: answered(({ ttft_ms }) => ttft_ms),
    completion_tokens: answered(({ completion }) => completion),
  };
  found.same(one, "compare: flips", comparison.flips, { gained: [], lost: [] });
  for (const [metric, valueOf] of Object.entries(values)) {
    const entry = metrics.find((each) => each.metric === metric);
    const { n, answers, mean } = byProblem(items, valueOf);
    if (n < 2 && !entry) continue;
    found.same(
      one,
      `compare: ${metric}`,
      entry && [
        ...[
          entry.items,
          entry.answers,
          entry.first,
          entry.second,
          entry.difference?.value ?? 0,
          entry.p,
        ],
      ],
      [n, [answers, answers], mean, mean, 0, 1],
    );
  }
}
