/** Definitions of a report's figures, in the words of docs/metrics.md. */
import { measure } from "../measures/describe.ts";
import { grouped } from "../text/grouped.ts";
import { escapeHtml } from "./html.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { StageResults } from "../load/results.ts";
import type { ResultItem } from "../suite/results.ts";

type Term = readonly [term: string, meaning: string];

/** The definition of a measure, from lib/measures. */
const measured = (...names: string[]): Term[] =>
  names.map((name) => {
    const { term, definition } = measure(name);
    return [term, definition];
  });

/** Terms of suite runs, which begin the table in docs/metrics.md. */
export const DEFINITIONS: readonly Term[] = [
  ...measured("ttft_ms", "tpot_ms", "e2e_ms", "completion_tokens", "pass_rate", "score"),
  [
    "quantiles",
    "nearest rank on all values; the medians' 95 % intervals from order statistics",
  ],
];

/** Terms of load runs: the rest of that table. */
export const LOAD_DEFINITIONS: readonly Term[] = [
  ...measured(
    ...["ttft_intended_ms", "e2e_intended_ms", "gap_ms", "normalized_latency_ms", "lateness_ms"],
    ...["requests_per_s", "output_tokens_per_s", "prompt_tokens_per_s"],
    ...["audio_s_per_s", "images_per_s", "goodput_requests_per_s"],
    "error_rate",
  ),
  [
    "window",
    "the measured part of a stage, without warm-up: for an open loop the stage, whose requests count by their turn; for a closed loop the time in which all its places were taken",
  ],
  [
    "rates",
    "answers, tokens or good requests a second. Closed loop: every request of a stage counts in full, over the time that all together held their places, times the places taken: places / mean time. Open loop: over the stage's time, and longer where the server fell behind",
  ],
  ["closed loop", "a load that keeps a fixed number of requests in flight: --concurrency"],
  [
    "open loop",
    "a load that sends requests at their times, however slow the server is: --rate",
  ],
  [
    "knee",
    "of several levels, the one with the most requests/s for the time that a request takes (requests/s / mean e2e, Kleinrock's power): above it latency grows by more than throughput; not reached where no higher level was tried",
  ],
  [
    "Pareto",
    "a level that no other one beats: none gives more tokens/s both to a user and in all",
  ],
  [
    "verdict",
    "whether the client can be trusted: client_limited when its reading, sending or CPU shaped the figures, cached when the server's prefix cache answered unasked, unknown when nothing shows that it kept up",
  ],
];

/** What a term of load runs means. */
export function meaningOf(term: string): string {
  return LOAD_DEFINITIONS.find(([name]) => name === term)![1];
}

/** Terms that a suite run and a load run share. */
const SHARED: ReadonlySet<string> = new Set(["ttft", "tpot"]);

const OF_THE_REPORT: readonly Term[] = [
  ...measured("output_tokens_per_s"),
  [
    "result",
    "passed and wrong are the judge's words; answered: the test has no judge; not judged: the judge failed; error: the endpoint gave no answer",
  ],
  ["–", "unknown; never 0"],
];

const OF_THE_LOAD_REPORT: readonly Term[] = [
  ...measured("e2e_ms", "completion_tokens", "tokens_per_s_per_user"),
  ["wanted, sent", "requests per second that the arrival process wanted, and that were sent"],
  [
    "quantiles",
    "nearest rank on all values; 95 % intervals from a block bootstrap over time, shares' from Wilson",
  ],
  ["–", "unknown; never 0"],
];

/** Terms of a report on several runs. */
const OF_COMPARED_RUNS: readonly Term[] = [
  ["A, B, …", "the runs, as the top of the page has them; differences are to the first"],
  [
    "right",
    "passed / judged; a test without an answer counts as wrong, one that the judge failed on or that has none is left out",
  ],
  [
    "result",
    "differs: the runs disagree whether the test is right; otherwise the result that all of them had",
  ],
  ["quantiles", "nearest rank on all values; 95 % intervals from order statistics"],
  ...measured("cost_usd"),
  ["–", "unknown; never 0"],
];

/** Terms of a load's report that a report on several loads needs too. */
const COMPARED_LOAD_TERMS: ReadonlySet<string> = new Set(["e2e", "tokens", "quantiles", "–"]);

/** The list of terms of a report on several runs. */
export function comparedDefinitionList(loads: boolean): string {
  const shared = DEFINITIONS.filter(([term]) => SHARED.has(term) || (!loads && term === "e2e"));
  return loads
    ? termList([
      ...shared,
      ...LOAD_DEFINITIONS.filter(([term]) => term === "gap" || term === "window"),
      ...OF_THE_LOAD_REPORT.filter(([term]) => COMPARED_LOAD_TERMS.has(term)),
    ])
    : termList([...shared, ...OF_COMPARED_RUNS]);
}

/** The list of a load run's terms, which also says where its token counts come from. */
export function loadDefinitionList({ token_sources, requests }: StageResults): string {
  const shared = DEFINITIONS.filter(([term]) => SHARED.has(term));
  const sources = Object.entries(token_sources).filter(([, count]) => count > 0)
    .map(([source, count]) => `${grouped(count)} from ${SOURCES[source as TokenSource]}`);
  const note = requests.successful === 0 || sources.length === 0
    ? ""
    : `<p class="note">Token counts of this run: ${sources.join(", ")}.</p>`;
  return termList([...shared, ...LOAD_DEFINITIONS, ...OF_THE_LOAD_REPORT]) + note;
}

const SOURCES: Record<TokenSource, string> = {
  usage: "the server's usage",
  tokenizer: "a tokenizer",
  events: "the number of token events",
};

/** The list of terms, which also says where this run's token counts come from. */
export function definitionList(items: readonly ResultItem[]): string {
  return `${termList([...DEFINITIONS, ...OF_THE_REPORT])}<p class="note">${tokenNote(items)}</p>`;
}

function termList(definitions: readonly Term[]): string {
  const terms = definitions.map(([term, meaning]) =>
    `<dt>${term}</dt><dd>${withCode(meaning)}</dd>`
  );
  return `<dl class="terms">${terms.join("")}</dl>`;
}

function withCode(meaning: string): string {
  return escapeHtml(meaning).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function tokenNote(items: readonly ResultItem[]): string {
  const answered = items.filter((item) => item.success);
  const from = (source: ResultItem["token_source"]) =>
    answered.filter((item) => item.token_source === source).length;
  const events = from("events"), unknown = from(null);
  if (answered.length === 0) return "";
  if (events + unknown === 0) return "All token counts of this run are the server's usage.";
  return `Token counts of this run: ${from("usage")} from the server's usage, ${events} from the ` +
    `number of token events, ${unknown} unknown.`;
}
