/** A page's section with the levels that a search for capacity tried. */
import { escapeHtml } from "../html.ts";
import { dataTable } from "../table.ts";
import { grouped } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import type { CapacityProbe } from "../../load/capacity.ts";
import type { CapacityObjective } from "../../load/capacity_objectives.ts";

const HEADS = [
  { html: "objective", text: true },
  { html: "runs" },
  { html: "counted" },
  { html: "within it" },
  { html: "95 % interval", kind: "ci" as const },
  { html: "verdict", text: true },
];

/** What a search says of a level, in words. */
interface ProbeTexts {
  level(probe: CapacityProbe): string;
  objective(objective: CapacityObjective): string;
  verdict(probe: CapacityProbe): string;
}

/** The section, HTML. */
export function capacitySection(probes: readonly CapacityProbe[], texts: ProbeTexts): string {
  const rows = probes.toSorted((a, b) => a.level - b.level).map((probe) => {
    const { objective, attempts, share } = probe;
    return {
      head: escapeHtml(texts.level(probe)),
      cells: [
        escapeHtml(texts.objective(objective)),
        String(attempts),
        share ? `${grouped(share.n)} ${escapeHtml(objective.of)}` : "none",
        share ? percentText(share.value) : "–",
        share ? `${percentText(share.low)} to ${percentText(share.high)}` : "–",
        escapeHtml(texts.verdict(probe)),
      ],
    };
  });
  const table = dataTable("Levels", "level", HEADS, rows);
  return `<section><h2>Levels</h2>${table}<p class="note">${NOTE}</p></section>`;
}

const NOTE =
  "The objective is the one that decided the verdict. What was counted is of all runs of " +
  "a level: all requests that were due, also those without an answer.";
