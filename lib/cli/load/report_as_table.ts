/** Compares another tool's figures with ours, in a terminal. */
import { tableLines } from "../ui/table.ts";
import type { Brief, ReportRow, ReportTool } from "../../load/report_as.ts";
import type { Palette } from "../ui/terminal.ts";

/** The table, with a line for each definition that differs. */
export function reportAsTable(
  tool: ReportTool,
  rows: readonly ReportRow[],
  paint: Palette,
): string[] {
  const columns = [
    { title: `${tool}, ms`, align: "left" as const },
    ...["mean", "p50", "p99", "ours: mean", "p50", "p99"].map((title) => ({
      title,
      align: "right" as const,
    })),
  ];
  const lines = tableLines(
    columns,
    rows.map(({ name, theirs, ours }) => [name, ...cells(theirs), ...cells(ours)]),
    paint,
  );
  const notes = rows.filter(({ differs }) => differs)
    .map(({ name, differs }) => paint.dim(`${name}: ${differs}`));
  return [...lines, ...notes];
}

function cells(brief: Brief | null): string[] {
  if (brief === null) return ["–", "–", "–"];
  return [brief.mean, brief.p50, brief.p99].map((value) => value.toFixed(value < 10 ? 2 : 1));
}
