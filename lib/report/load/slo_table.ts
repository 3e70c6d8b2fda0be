/** How many requests missed each service-level objective. */
import { grouped } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { judgedText } from "../../load/statement.ts";
import { sloText } from "../../load/slo.ts";
import { cutText, escapeHtml } from "../html.ts";
import { digitsFor, intervalText } from "./load_figures.ts";
import { short } from "../../text/figure.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { LoadResults, StageResults } from "../../load/results.ts";

/**
 * A row for each objective, one for all of them, and the goodput; by stage if there are several.
 */
export function sloTable(results: LoadResults): string {
  const said = (results.statements ?? []).map((statement) =>
    `<li dir="auto">${escapeHtml(cutText(judgedText(statement), 300))}</li>`
  );
  const whole = said.length
    ? `<h3>Of the run as a whole</h3><ul class="notes">${said.join("")}</ul>`
    : "";
  return (results.slos.length > 0 ? requestTable(results) : "") + whole;
}

function requestTable({ slos, stages, total }: LoadResults): string {
  const columns = stages.length > 1 ? [...stages, total] : [total];
  const heads = columns.map((_, i) => ({
    html: stages.length < 2
      ? "missed by"
      : i === stages.length
      ? "all stages"
      : `stage ${i + 1}<br><small>${escapeHtml(cutText(stages[i].name, 40))}</small>`,
  }));
  const row = (head: string, cell: (stage: StageResults) => string, all = false): TableRow => ({
    head,
    cells: columns.map(cell),
    all,
  });
  const rows = [
    ...slos.map((slo) => {
      const text = sloText(slo);
      return row(escapeHtml(text), (stage) => missed(stage, text));
    }),
    row("met by", ({ goodput }) => {
      const share = goodput?.share;
      return share
        ? percentText(share.value) +
          small(`${percentText(share.low)} to ${percentText(share.high)}`)
        : "–";
    }),
    row("goodput, requests/s", ({ goodput }) => {
      const rate = goodput?.requests_per_s;
      return rate
        ? short(rate.value) + small(intervalText(rate, digitsFor(rate.value)).replace("95 %: ", ""))
        : "–";
    }),
    row("goodput, output tokens/s", ({ goodput }) => short(goodput?.output_tokens_per_s)),
  ];
  return dataTable("service-level objectives", "objective", heads, rows) +
    `<p class="note">A request may miss several objectives. Met by: the share that met every one, of
all requests that were due; a failed, unfinished or unsent one met none, and one whose time is
not known (a tpot of one token event, say) did not meet that one. Small: 95 % intervals.</p>`;
}

function missed({ goodput, requests }: StageResults, text: string): string {
  const count = goodput?.missed[text];
  if (count === undefined) return "–";
  const { successful, failed, unfinished, unsent } = requests;
  const due = successful + failed + unfinished + unsent;
  const unknown = goodput?.unknown?.[text] ?? 0;
  const parts = [
    due ? percentText(count / due) : "",
    unknown ? `unknown of ${grouped(unknown)}` : "",
  ];
  return grouped(count) + small(parts.filter((part) => part !== "").join("; "));
}

function small(text: string): string {
  return `<small class="interval">${text}</small>`;
}
