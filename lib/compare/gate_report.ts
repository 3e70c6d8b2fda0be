/** A gate's result in the forms that CI systems read. */
import type { GateCheck, GateResult, GateVerdict } from "./gate.ts";

const WORDS: Record<GateVerdict, string> = {
  pass: "passed",
  regression: "REGRESSION",
  underpowered: "cannot tell",
};

/**
 * JUnit XML: a test case for each check, and for each problem that was lost. A lost problem is a
 * failure where the gate found a regression; else it is within what chance explains, and skipped.
 */
export function gateJUnit({ checks, flips, verdict, candidate }: GateResult): string {
  const cases = [
    ...checks.map((check) => testCase("checks", check.name, outcome(check))),
    ...flips.lost.map((id) =>
      testCase(
        "problems",
        id,
        verdict === "regression"
          ? `<failure message="solved by the baseline, not by the candidate"/>`
          : `<skipped message="lost, within what chance explains"/>`,
      )
    ),
  ];
  const count = (tag: string) => cases.filter((text) => text.includes(`<${tag} `)).length;
  const head = `name="dyno gate ${escaped(candidate)}" tests="${cases.length}" failures="${
    count("failure")
  }" errors="${count("error")}" skipped="${count("skipped")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    `  <testsuite ${head}>`,
    ...cases.map((text) => `    ${text}`),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function outcome({ verdict, message }: GateCheck): string {
  if (verdict === "pass") return "";
  const tag = verdict === "regression" ? "failure" : "error";
  return `<${tag} message="${escaped(message)}"/>`;
}

function testCase(classname: string, name: string, inner: string): string {
  const head = `<testcase classname="dyno.${classname}" name="${escaped(name)}"`;
  return inner ? `${head}>${inner}</testcase>` : `${head}/>`;
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd") // what XML 1.0 cannot hold
    .replace(/[&<>"]/g, (letter) => entities[letter])
    .replace(/[\n\r\t]/g, " ");
}

/** GitHub workflow commands: one line for each check, which GitHub shows with the change. */
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

/** A workflow command's text ends with its line; and `::` must not start another. */
function command(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return command(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

const SHOWN_FLIPS = 50;

/** A summary in Markdown, for $GITHUB_STEP_SUMMARY or a comment. */
export function gateMarkdown({ verdict, baseline, candidate, checks, flips }: GateResult): string {
  const against = baseline === null ? "" : ` against ${code(baseline)}`;
  const lists = ([["Lost", flips.lost], ["Gained", flips.gained]] as const)
    .filter(([, ids]) => ids.length > 0)
    .flatMap(([title, ids]) => ["", `${title} (${ids.length}): ${idList(ids)}`]);
  return [
    `## dyno gate: ${WORDS[verdict]}`,
    "",
    `${code(candidate)}${against}`,
    "",
    "| check | verdict | result |",
    "| --- | --- | --- |",
    ...checks.map(({ name, verdict, message }) =>
      `| ${cell(name)} | ${WORDS[verdict]} | ${cell(message)} |`
    ),
    ...lists,
    "",
  ].join("\n");
}

function idList(ids: readonly string[]): string {
  const shown = ids.slice(0, SHOWN_FLIPS).map(code).join(", ");
  return ids.length > SHOWN_FLIPS ? `${shown} and ${ids.length - SHOWN_FLIPS} more` : shown;
}

function code(text: string): string {
  return `\`${text.replace(/[\r\n`]+/g, "'")}\``;
}

/** Text in a table cell, in which Markdown reads nothing. */
export function cell(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/[\\|`*_<>[\]]/g, "\\$&");
}
