/** Figures as tables show them; a dash is an unknown figure. */
import { grouped } from "./grouped.ts";

type Known = number | null | undefined;

/** A figure formatted by `text`, or a dash. */
export function known(value: Known, text: (value: number) => string): string {
  return value === null || value === undefined ? "–" : text(value);
}

/** A figure with this many decimals. */
export function figure(value: Known, digits: number): string {
  return known(value, (value) => value.toFixed(digits));
}

/** About four digits, for columns: no decimals from 1,000 on, two decimals below 100. */
export function columnFigure(value: Known): string {
  return known(value, (value) => {
    const size = Math.abs(value);
    return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : 2);
  });
}

/** A count, with commas between thousands. */
export function countFigure(value: Known): string {
  return known(value, (value) => grouped(Math.round(value)));
}

/** Three or four significant digits, with thousands separated; a dash if unknown. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return grouped(Math.round(value));
  if (size === 0) return "0";
  return figure(
    value,
    size >= 100 ? 1 : size >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size))),
  );
}
