/** The top of a report: what ran, where, and its outcome in a few figures. */
import { figure, short } from "../../text/figure.ts";
import { UNCHECKED } from "../../endpoint/tls.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";
import { grouped } from "../../text/grouped.ts";
import {
  bannerOf,
  hostText,
  runCostText,
  softwareText,
  startText,
  type Tile,
  tileList,
} from "../banner.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { output, ratedOf } from "../../suite/aggregate.ts";
import type { RunMetadata } from "../../run/metadata.ts";
import type { Estimate } from "../../stats/interval.ts";
import { isOfTwoModes, type SuiteResults } from "../../suite/results.ts";

/** The banner: what ran, whether it is complete, and the facts of the run. */
export function banner(title: string, metadata: RunMetadata, results: SuiteResults): string {
  return bannerOf({
    kind: "suite",
    title,
    complete: results.complete,
    notes: interruption(results, metadata.run_id),
    facts: runFacts(metadata, results),
  });
}

function interruption({ complete, missing }: SuiteResults, run_id: string): string {
  if (complete) return "";
  const tests = `${counted(missing, "test")} ${missing === 1 ? "is" : "are"} missing`;
  return `<p class="warn">The run was interrupted: ${tests}. Continue with <code>--resume ${
    escapeHtml(run_id)
  }</code>; the figures below are of the tests that were finished.</p>\n`;
}

function runFacts(metadata: RunMetadata, results: SuiteResults): [string, string][] {
  const { config } = metadata;
  const api = (config.api_configuration ?? {}) as Partial<APIConfiguration>;
  const facts: [string, string | undefined][] = [
    ["suite", cutText(results.benchmark, 200)],
    ["model", cutText(results.model, 200)],
    ["endpoint", api.endpoint && cutText(api.endpoint, 300)],
    ["TLS", api.tls?.insecure ? `INSECURE: ${UNCHECKED}` : undefined],
    ["cost", runCostText(results.ledger)],
    ["run", metadata.run_id],
    ["started", startText(metadata)],
    ["transport", `${results.transport}${config.workers ? `, workers ${config.workers}` : ""}`],
    ["host", hostText(metadata)],
    ["software", softwareText(metadata)],
  ];
  return facts.flatMap(([name, value]) => value ? [[name, value]] : []);
}

/** The run in eight figures. */
export function tiles(results: SuiteResults): string {
  return tileList([...scoreTiles(results), ...latencyTiles(results), ...outcomeTiles(results)]);
}

function scoreTiles({ aggregate, statistics, items }: SuiteResults): Tile[] {
  const { pass_rate, hit_rate } = statistics;
  if (isOfTwoModes(items)) {
    return [{ name: "pass rate", value: "–", more: "by mode: see the table of modes" }];
  }
  const judged = aggregate.evaluated === 0;
  return [
    {
      name: "pass rate",
      value: pass_rate ? (100 * pass_rate.value).toFixed(1) : "–",
      unit: "%",
      more: judged
        ? "no answer was judged"
        : `${interval(pass_rate, (share) => (100 * share).toFixed(1))}; ${aggregate.passed} of ${
          ratedOf(aggregate)
        }${aggregate.not_judged ? `; ${aggregate.not_judged} not judged` : ""}`,
    },
    {
      name: "mean score",
      value: figure(aggregate.avg_hit_rate, 2),
      more: judged ? "no answer was judged" : interval(hit_rate, (value) => value.toFixed(2)),
    },
  ];
}

function latencyTiles({ statistics }: SuiteResults): Tile[] {
  const { ttft_ms, tpot_ms, e2e_ms } = statistics;
  return [
    { name: "ttft, median", value: figure(ttft_ms?.p50, 1), unit: "ms" },
    { name: "ttft, p99", value: figure(ttft_ms?.p99, 1), unit: "ms" },
    { name: "tpot, median", value: figure(tpot_ms?.p50, 2), unit: "ms" },
    { name: "e2e, median", value: short(e2e_ms && e2e_ms.p50 / 1000), unit: "s" },
  ].map((tile, i) => ({ ...tile, more: latencyNote([ttft_ms, ttft_ms, tpot_ms, e2e_ms][i]?.n) }));
}

function latencyNote(n: number | undefined): string {
  return n === undefined ? "not measured" : `of ${counted(n, "answer")}`;
}

function outcomeTiles({ aggregate, items }: SuiteResults): Tile[] {
  const { tokens, busy_s } = output(items);
  const known = tokens !== null && busy_s > 0;
  const classes = Object.entries(aggregate.errors_by_class);
  return [
    {
      name: "output tokens/s",
      value: known ? figure(tokens / busy_s, 1) : "–",
      more: known
        ? `${counted(tokens, "token")} in ${busy_s.toFixed(1)} s`
        : "not all tokens are known",
    },
    {
      name: "errors",
      value: grouped(aggregate.errors),
      more: classes.map(([name, count]) => `${count} ${name}`).join(", ") ||
        `of ${counted(aggregate.tests, "test")}`,
    },
  ];
}

/** An interval in words. */
function interval(estimate: Estimate | null, show: (value: number) => string): string {
  return estimate ? `95 %: ${show(estimate.low)} to ${show(estimate.high)}` : "no interval";
}
