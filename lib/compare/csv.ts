/** CSV that spreadsheets read as what it is. */
import { guarded } from "../run/formula.ts";

/**
 * A row of RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front;
 * numbers stay as they are. Null is an empty cell.
 */
export function csvRow(values: readonly unknown[]): string {
  return values.map(cellOf).join(",") + "\r\n";
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = guarded(text);
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
