/** How tables show the figures of runs. */
import { grouped, inDigits } from "../../text/grouped.ts";
import { countFigure } from "../../text/figure.ts";
import type { IndexedRun } from "../../run/index.ts";
import { unknownText } from "../../text/dollars.ts";
import type { Spending, StatedFigures } from "../../run/summary.ts";

/** Local date and time to the minute. */
export function shownTime(unix_s: number | null): string {
  if (unix_s === null) return "–";
  const time = new Date(unix_s * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${
    two(time.getHours())
  }:${two(time.getMinutes())}`;
}

/** A sum of tokens, and the number of requests it does not include. */
export function shownTokens(
  tokens: number | null,
  { requests_of_unknown_tokens: unknown, requests_cut_off }: Spending,
): string {
  if (tokens === null || !unknown) return countFigure(tokens);
  return `${countFigure(tokens)} + ${unknownText(unknown, requests_cut_off)}`;
}

/** A measured figure with one decimal below 100. */
export function shownFigure(value: number | null): string {
  return value !== null && Math.abs(value) < 100 ? value.toFixed(1) : countFigure(value);
}

/** Text on one line, shortened to a width. */
export function shortened(text: string, width: number): string {
  // deno-lint-ignore no-control-regex
  const line = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

/** `10 not judged`; empty if every answer was judged. */
export function notJudged({ not_judged }: Partial<Pick<IndexedRun, "not_judged">>): string {
  return not_judged ? `${countFigure(not_judged)} not judged` : "";
}

/** A run's status if it is not complete, and the number of answers that could not be judged. */
export function statusNote(run: IndexedRun): string {
  const { status, warnings } = run;
  const state = status === "complete" ? (warnings.length ? "warnings" : "") : status;
  return [state, notJudged(run)].filter(Boolean).join(", ");
}

/** Figures that an imported run's program states, by what they describe. */
export function statedLines(stated: StatedFigures | undefined): [string, string][] {
  const groups = new Map<string, string[]>();
  for (const [name, value] of Object.entries(stated?.figures ?? {})) {
    const [, of, statistic, unit] =
      /^(.+?)_(mean|avg|p\d+|median|std|min|max)_?(ms)?$/.exec(name) ??
        [null, name, "", ""];
    const short = Number.isInteger(value) ? grouped(value) : inDigits(value);
    const shown = `${short}${unit ? ` ${unit}` : ""} ${statistic}`.trim();
    groups.set(of!, [...groups.get(of!) ?? [], shown]);
  }
  return [
    ...[...groups].map(([of, shown]): [string, string] => [of, shown.join(", ")]),
    ...(stated?.differs ?? []).map(({ figure, stated, computed }): [string, string] => [
      "differs",
      `${figure}: the file says ${stated}, its items give ${computed}; the file's counts`,
    ]),
  ];
}
