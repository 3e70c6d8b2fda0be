/** A gate's result in the formats that CI systems read. */
import { type JUnitCase, junitXml } from "../formats/junit.ts";
import { markdownCode, markdownTable } from "../formats/markdown.ts";
import type { GateCheck, GateResult, GateVerdict } from "./gate.ts";

const WORDS: Record<GateVerdict, string> = {
  pass: "passed",
  regression: "REGRESSION",
  underpowered: "cannot tell",
};

/**
 * JUnit XML: a test case for each check, and for each problem that was lost. A lost problem is a failure
 * when the gate found a regression; otherwise chance may explain it, and the test case is skipped.
 */
export function gateJUnit({ checks, flips, verdict, candidate }: GateResult): string {
  const lost = verdict === "regression"
    ? { tag: "failure" as const, message: "solved by the baseline, not by the candidate" }
    : { tag: "skipped" as const, message: "lost, within what chance explains" };
  return junitXml(`dyno gate ${candidate}`, [
    ...checks.map((check) => ({
      classname: "dyno.checks",
      name: check.name,
      outcome: outcome(check),
    })),
    ...flips.lost.map((name) => ({ classname: "dyno.problems", name, outcome: lost })),
  ]);
}

function outcome({ verdict, message }: GateCheck): JUnitCase["outcome"] {
  if (verdict === "pass") return undefined;
  return { tag: verdict === "regression" ? "failure" : "error", message };
}

/** GitHub workflow commands: one line for each check, which GitHub shows next to the change. */
export function gateAnnotations({ checks, flips, verdict }: GateResult): string[] {
  const kinds: Record<GateVerdict, string> = {
    pass: "notice",
    regression: "error",
    underpowered: "warning",
  };
  const lines = checks.map((check) =>
    `::${kinds[check.verdict]} title=${property(`dyno gate: ${WORDS[check.verdict]}`)}::${
      command(check.message)
    }`
  );
  if (flips.lost.length && verdict !== "pass") {
    lines.push(`::${kinds[verdict]} title=dyno gate%3A lost::${command(flips.lost.join(", "))}`);
  }
  return lines;
}

/** Escapes a text: a workflow command ends with its line, and `::` must not begin another one. */
function command(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return command(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

const SHOWN_FLIPS = 50;

/** A summary in Markdown, for $GITHUB_STEP_SUMMARY or a comment. */
export function gateMarkdown({ verdict, baseline, candidate, checks, flips }: GateResult): string {
  const against = baseline === null ? "" : ` against ${markdownCode(baseline)}`;
  const lists = ([["Lost", flips.lost], ["Gained", flips.gained]] as const)
    .filter(([, ids]) => ids.length > 0)
    .flatMap(([title, ids]) => ["", `${title} (${ids.length}): ${idList(ids)}`]);
  return [
    `## dyno gate: ${WORDS[verdict]}`,
    "",
    `${markdownCode(candidate)}${against}`,
    "",
    markdownTable(
      ["check", "verdict", "result"],
      checks.map(({ name, verdict, message }) => [name, WORDS[verdict], message]),
      () => true,
    ).trimEnd(),
    ...lists,
    "",
  ].join("\n");
}

function idList(ids: readonly string[]): string {
  const shown = ids.slice(0, SHOWN_FLIPS).map(markdownCode).join(", ");
  return ids.length > SHOWN_FLIPS ? `${shown} and ${ids.length - SHOWN_FLIPS} more` : shown;
}
