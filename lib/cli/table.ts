/** Tables in a terminal. */
import { textWidth } from "./text_width.ts";
import type { Palette } from "./terminal.ts";

export interface Column {
  title: string;
  align: "left" | "right";
  /** Stands over this column and those beside it of the same group. */
  group?: string;
}

/** A table's rows as lines; `null` is a rule. Cells may be coloured. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[] | null)[],
  paint: Palette,
): string[] {
  const cells = rows.filter((row) => row !== null);
  const widths = columns.map((column, i) =>
    Math.max(textWidth(column.title), ...cells.map((row) => textWidth(row[i])))
  );
  const groups = groupsOf(columns);
  for (const { name, from, to } of groups) {
    const missing = textWidth(name) - widthOf(widths, from, to);
    if (missing > 0) widths[from] += missing;
  }
  const line = (row: readonly string[]) =>
    row.map((cell, i) => pad(cell, widths[i], columns[i].align)).join("  ").trimEnd();
  const rule = paint.dim("─".repeat(widthOf(widths, 0, widths.length)));
  const head = paint.bold(line(columns.map((column) => column.title)));
  const above = groups.map(({ name, from, to }) => pad(name, widthOf(widths, from, to), "right"));
  return [
    ...(columns.some(({ group }) => group) ? [paint.dim(above.join("  ").trimEnd())] : []),
    head,
    rule,
    ...rows.map((row) => row === null ? rule : line(row)),
  ];
}

/** Runs of columns of one group; a column without one is alone, under no name. */
function groupsOf(columns: readonly Column[]): { name: string; from: number; to: number }[] {
  const groups: { name: string; from: number; to: number }[] = [];
  columns.forEach(({ group: name = "" }, i) => {
    const last = groups.at(-1);
    if (last && name !== "" && last.name === name) last.to = i + 1;
    else groups.push({ name, from: i, to: i + 1 });
  });
  return groups;
}

function widthOf(widths: readonly number[], from: number, to: number): number {
  return widths.slice(from, to).reduce((sum, width) => sum + width + 2, -2);
}

function pad(cell: string, to: number, align: "left" | "right"): string {
  const space = " ".repeat(to - textWidth(cell));
  return align === "left" ? cell + space : space + cell;
}
