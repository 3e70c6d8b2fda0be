/** Tables in a terminal. */
import stringWidth from "string-width";
import type { Palette } from "./terminal.ts";

export interface Column {
  title: string;
  align: "left" | "right";
}

/** A table's rows as lines; `null` is a rule. Cells may be coloured. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[] | null)[],
  paint: Palette,
): string[] {
  const cells = rows.filter((row) => row !== null);
  const widths = columns.map((column, i) =>
    Math.max(stringWidth(column.title), ...cells.map((row) => stringWidth(row[i])))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, i) => pad(cell, widths[i], columns[i].align)).join("  ").trimEnd();
  const rule = paint.dim("─".repeat(widths.reduce((sum, w) => sum + w + 2, -2)));
  const head = paint.bold(line(columns.map((column) => column.title)));
  return [head, rule, ...rows.map((row) => row === null ? rule : line(row))];
}

function pad(cell: string, to: number, align: "left" | "right"): string {
  const space = " ".repeat(to - stringWidth(cell));
  return align === "left" ? cell + space : space + cell;
}
