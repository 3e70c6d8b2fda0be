/** The server's own metrics over the measured windows. */
import { grouped } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { cutText, escapeHtml } from "../html.ts";
import { fixed } from "./load_figures.ts";
import { short } from "../../text/figure.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { LoadResults } from "../../load/results.ts";

/** The summary of the server's /metrics; one line if there were none. */
export function serverSection({ server }: LoadResults): string {
  if (!server) return `<p class="note">The server's own metrics were not read.</p>`;
  const { summary, readings, name } = server;
  const spread = (
    mean: number | null,
    max: number | null,
    show: (value: number) => string,
  ) => [mean, max].map((value) => value === null ? "–" : show(value));
  const single = (value: number | null, show: (value: number) => string) => [
    value === null ? "–" : show(value),
    "",
  ];
  const rows: TableRow[] = [
    { head: "requests running", cells: spread(summary.running_mean, summary.running_max, short) },
    { head: "requests waiting", cells: spread(summary.waiting_mean, summary.waiting_max, short) },
    {
      head: "KV cache in use",
      cells: spread(summary.kv_cache_usage_mean, summary.kv_cache_usage_max, percentText),
    },
    { head: "hits of the prefix cache", cells: single(summary.prefix_cache_hit_rate, percentText) },
    {
      head: "time in the queue, ms",
      cells: single(summary.queue_time_mean_ms, short),
    },
    { head: "preemptions", cells: single(summary.preemptions, (value) => fixed(value, 0)) },
    { head: "prompt tokens", cells: single(summary.prompt_tokens, (value) => fixed(value, 0)) },
    {
      head: "generated tokens",
      cells: single(summary.generation_tokens, (value) => fixed(value, 0)),
    },
    ...(summary.draft_acceptance === undefined ? [] : [{
      head: "drafted tokens accepted",
      cells: single(summary.draft_acceptance, percentText),
    }]),
    ...(summary.accepted_length === undefined ? [] : [{
      head: "tokens a step (speculative decoding)",
      cells: single(summary.accepted_length, (value) => fixed(value, 2)),
    }]),
  ];
  const heads = [{ html: "mean or sum" }, { html: "at most" }];
  return dataTable("the server's own metrics", "metric", heads, rows) +
    `<p class="note" dir="auto">${escapeHtml(cutText(name, 100))}: its /metrics, read ${
      grouped(readings.length)
    } times; the curves are above.</p>`;
}
