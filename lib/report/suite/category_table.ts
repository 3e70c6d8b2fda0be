/** The table by category, with the intervals of the pass rates drawn. */
import { figure, short } from "../../text/figure.ts";
import { cutText, escapeHtml } from "../html.ts";
import { percentText } from "../../text/percent.ts";
import { ratedOf } from "../../suite/aggregate.ts";
import { awayText } from "../../suite/away.ts";
import { dataTable, type Head, type TableRow } from "../table.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { CategorySummary, SuiteResults } from "../../suite/results.ts";

const MOST_ROWS = 200;

const HEADS = [
  ["ttft p50", "ms"],
  ["ttft p99", "ms"],
  ["tpot p50", "ms"],
  ["e2e p50", "s"],
  ["errors", ""],
];
const RATE_HEADS: Head[] = [
  { html: "passed" },
  { html: "pass rate" },
  {
    html: "95 % interval<br><small><span>0</span><span>50</span><span>100 %</span></small>",
    kind: "ci",
    label: "95 % interval, from 0 to 100 %",
  },
];
const JUDGED_HEADS = [["score", ""], ...HEADS];

/** A row for each category and one for all; if there are very many, the first 200. */
export function categoryTable({ categories, ...results }: SuiteResults): string {
  const summaries = categories.map(({ category, ...rest }) => ({ name: category, ...rest }));
  return summaryTable("category", "categories", summaries, results);
}

/**
 * A row for each of several endpoints, a note on those that became unavailable, and a row for all.
 */
export function endpointTable({ endpoints = [], ...results }: SuiteResults): string {
  const summaries = endpoints.map(({ endpoint, ...rest }) => ({ name: endpoint, ...rest }));
  const lost = endpoints.flatMap((each) =>
    awayText({ ...each, endpoint: cutText(each.endpoint, 300) }) ?? []
  ).map((text) => `<p class="warn">${escapeHtml(text)}.</p>`);
  return summaryTable("endpoint", "endpoints", summaries, results) + lost.join("");
}

/** A part of a run's tests. */
type Summary = Pick<CategorySummary, "aggregate" | "statistics"> & { name: string };

function summaryTable(
  what: string,
  several: string,
  summaries: readonly Summary[],
  { aggregate, statistics }: Pick<CategorySummary, "aggregate" | "statistics">,
): string {
  if (summaries.length === 0) return `<p class="note">No test was finished.</p>`;
  const judged = aggregate.evaluated > 0;
  const shown = summaries.slice(0, MOST_ROWS);
  const all: Summary = { name: "all", aggregate, statistics };
  const rows = [...shown.map((each) => row(each, judged)), { ...row(all, judged), all: true }];
  const heads = (judged ? JUDGED_HEADS : HEADS).map(([title, unit]) => ({
    html: `${title}${unit && `<br><small>${unit}</small>`}`,
  }));
  const left = summaries.length - shown.length;
  return dataTable(
    `results by ${what}`,
    what,
    [...(judged ? RATE_HEADS : [{ html: "tests" }]), ...heads],
    rows,
  ) + (left > 0 ? `<p class="note">${left} more ${several} are in results.json.</p>` : "");
}

function row({ name, aggregate, statistics }: Summary, judged: boolean): TableRow {
  const { pass_rate, ttft_ms, tpot_ms, e2e_ms } = statistics;
  const passed = aggregate.evaluated ? `${aggregate.passed} / ${ratedOf(aggregate)}` : "–";
  const rate = pass_rate ? percentText(pass_rate.value) : "–";
  return {
    head: escapeHtml(cutText(name, 80)),
    cells: [
      ...(judged
        ? [passed, rate, whiskers(pass_rate), figure(aggregate.avg_hit_rate, 2)]
        : [String(aggregate.tests)]),
      figure(ttft_ms?.p50, 1),
      figure(ttft_ms?.p99, 1),
      figure(tpot_ms?.p50, 2),
      short(e2e_ms && e2e_ms.p50 / 1000),
      String(aggregate.errors),
    ],
  };
}

/** A dot with its interval, on a line from 0 to 100 %. */
function whiskers(estimate: Estimate | null): string {
  if (!estimate) return "–";
  const { value, low, high } = estimate;
  const at = (share: number) => `${(100 * share).toFixed(2)}%`;
  const label = `${percentText(low)} to ${percentText(high)}`;
  const ticks = [0, 0.5, 1].map((share) =>
    `<line class="grid" x1="${at(share)}" x2="${at(share)}" y1="0" y2="20"/>`
  );
  const ends = [low, high].map((share) =>
    `<line x1="${at(share)}" x2="${at(share)}" y1="7" y2="13"/>`
  );
  return `<svg class="ci" role="img" aria-label="${label}"><title>${label}</title>${
    ticks.join("")
  }` +
    `<line x1="${at(low)}" x2="${at(high)}" y1="10" y2="10"/>${ends.join("")}<circle cx="${
      at(value)
    }" cy="10" r="4"/></svg>`;
}
