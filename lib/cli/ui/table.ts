/** Tables in a terminal. */
import { onOneLine, printable } from "../../text/printable.ts";
import { textWidth } from "../../text/width.ts";
import type { Palette } from "./terminal.ts";

export interface Column {
  title: string;
  align: "left" | "right";
  /** Its texts may be cut in a narrow terminal, because people recognise them. */
  cut?: boolean;
  /** The heading above this column and adjacent ones with the same group. */
  group?: string;
}

/** In a narrow terminal texts are cut to no less than this width. */
const LEAST_TEXT = 8;

/**
 * A table's rows as lines; `null` is a rule. Cells may be coloured. If the terminal is too narrow,
 * the gaps between columns shrink first, then texts that may be cut are cut, and then the table is
 * split into parts below each other, each with the first column.
 */
export function tableLines(
  columns: readonly Column[],
  given: readonly (readonly string[] | null)[],
  paint: Palette,
): string[] {
  const rows = given.map((row) => row?.map((cell) => printable(onOneLine(cell), true)) ?? null);
  const cells = rows.filter((row) => row !== null);
  const widths = columns.map((column, i) =>
    Math.max(textWidth(column.title), ...cells.map((row) => textWidth(row[i])))
  );
  const groups = groupsOf(columns);
  const room = paint.columns ?? Infinity;
  const gap = widthOf(widths, 0, widths.length, 2) > room ? 1 : 2;
  for (const { name, from, to } of groups) {
    const missing = textWidth(name) - widthOf(widths, from, to, gap);
    if (missing > 0) widths[from] += missing;
  }
  cutTo(room, widths, columns, gap);
  const parts = partsOf(widths, groups, gap, room);
  if (parts.length > 1) {
    return parts.flatMap((part, i) => [
      ...(i > 0 ? [""] : []),
      ...tableLines(
        part.map((column) => columns[column]),
        rows.map((row) => row && part.map((column) => row[column])),
        paint,
      ),
    ]);
  }
  const between = " ".repeat(gap);
  const line = (row: readonly string[]) =>
    row.map((cell, i) => pad(cutText(cell, widths[i]), widths[i], columns[i].align))
      .join(between).trimEnd();
  const rule = paint.dim("─".repeat(widthOf(widths, 0, widths.length, gap)));
  const head = paint.bold(line(columns.map((column) => column.title)));
  const above = groups.map(({ name, from, to }) =>
    pad(name, widthOf(widths, from, to, gap), "right")
  );
  return [
    ...(columns.some(({ group }) => group) ? [paint.dim(above.join(between).trimEnd())] : []),
    head,
    rule,
    ...rows.map((row) => row === null ? rule : line(row)),
  ];
}

/** Sequences of columns with the same group; a column without one is alone, under an empty name. */
function groupsOf(columns: readonly Column[]): { name: string; from: number; to: number }[] {
  const groups: { name: string; from: number; to: number }[] = [];
  columns.forEach(({ group: name = "" }, i) => {
    const last = groups.at(-1);
    if (last && name !== "" && last.name === name) last.to = i + 1;
    else groups.push({ name, from: i, to: i + 1 });
  });
  return groups;
}

/** The columns of each part of a table: a group stays in one part if it fits. */
function partsOf(
  widths: readonly number[],
  groups: ReturnType<typeof groupsOf>,
  gap: number,
  room: number,
): number[][] {
  const fits = (part: readonly number[]) =>
    part.reduce((sum, column) => sum + widths[column] + gap, -gap) <= room;
  const parts: number[][] = [[0]];
  const add = (more: readonly number[]) => {
    const last = parts.at(-1)!;
    if (fits([...last, ...more])) last.push(...more);
    else if (fits([0, ...more]) || more.length === 1) {
      // a first column that leaves no room is still combined with each other column
      if (last.length > 1) parts.push([0, ...more]);
      else last.push(...more);
    } else more.forEach((column) => add([column]));
  };
  for (const { from, to } of groups) {
    const own = Array.from({ length: to - from }, (_, i) => from + i).filter((i) => i > 0);
    if (own.length > 0) add(own);
  }
  return parts;
}

/** Shrinks the widest text columns, one step at a time, until everything fits. */
function cutTo(room: number, widths: number[], columns: readonly Column[], gap: number): void {
  for (;;) {
    const excess = widthOf(widths, 0, widths.length, gap) - room;
    const texts = [...widths.keys()].filter((i) => columns[i].cut);
    const widest = texts.reduce((best, i) => widths[i] > (widths[best] ?? 0) ? i : best, -1);
    if (excess <= 0 || widest < 0 || widths[widest] <= LEAST_TEXT) return;
    widths[widest] = Math.max(LEAST_TEXT, widths[widest] - excess);
  }
}

/** Only plain cells are cut: coloured ones are short words and numbers. */
function cutText(cell: string, to: number): string {
  if (textWidth(cell) <= to || cell.includes("\x1b")) return cell;
  let cut = [...cell];
  while (textWidth(cut.join("")) > to - 1) cut = cut.slice(0, -1);
  return `${cut.join("")}…`;
}

function widthOf(widths: readonly number[], from: number, to: number, gap: number): number {
  return widths.slice(from, to).reduce((sum, width) => sum + width + gap, -gap);
}

function pad(cell: string, to: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, to - textWidth(cell)));
  return align === "left" ? cell + space : space + cell;
}
