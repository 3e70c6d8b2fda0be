/** A page's section with the levels that a search for capacity tried. */
import { escapeHtml } from "../html.ts";
import { dataTable } from "../table.ts";
import { grouped } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import type { CapacityProbe } from "../../load/capacity.ts";

const HEADS = [
  { html: "objective", text: true },
  { html: "runs" },
  { html: "counted" },
  { html: "within it" },
  { html: "95 % interval", kind: "ci" as const },
  { html: "verdict", text: true },
];

/**
 * The section, HTML.
 *
 * @param levelText names a level.
 * @param words the verdicts in words.
 */
export function capacitySection(
  probes: readonly CapacityProbe[],
  levelText: (level: number) => string,
  words: Readonly<Record<CapacityProbe["verdict"], string>>,
): string {
  const rows = probes.toSorted((a, b) => a.level - b.level).map((probe) => {
    const { objective: { text, of }, attempts, share, verdict } = probe;
    return {
      head: escapeHtml(levelText(probe.level)),
      cells: [
        escapeHtml(text),
        String(attempts),
        share ? `${grouped(share.n)} ${escapeHtml(of)}` : "none",
        share ? percentText(share.value) : "–",
        share ? `${percentText(share.low)} to ${percentText(share.high)}` : "–",
        words[verdict],
      ],
    };
  });
  const table = dataTable("Levels", "level", HEADS, rows);
  return `<section><h2>Levels</h2>${table}<p class="note">${NOTE}</p></section>`;
}

const NOTE =
  "The objective is the one that decided the verdict. What was counted is of all runs of " +
  "a level: all requests that were due, also those without an answer.";
