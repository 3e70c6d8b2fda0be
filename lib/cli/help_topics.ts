/** dyno help TOPIC: the terms in the output of commands. */
import { MEASURES } from "../measures/measures.ts";
import type { Measure } from "../measures/measure.ts";
import { DURATION_FORM } from "../text/duration.ts";
import { wrapText } from "../text/width.ts";
import { writtenForms } from "./schema.ts";

const WIDTH = 100;
const NAME = 24;

/** A term and what it means, in lines of at most 100 columns. */
function entry(term: string, meaning: string): string[] {
  const [first, ...rest] = wrapText(meaning, WIDTH - NAME - 4);
  const below = rest.map((line) => " ".repeat(NAME + 4) + line);
  return term.length > NAME
    ? [`  ${term}`, " ".repeat(NAME + 4) + first, ...below]
    : [`  ${term.padEnd(NAME)}  ${first}`, ...below];
}

/** A quantity: its name, what it is, and when it is unknown. */
function measureEntry({ name, definition, formula, needs }: Measure): string[] {
  const also = formula === null || definition.includes(formula) ? "" : ` (${formula})`;
  const told = `${definition}${also}; unknown without ${needs}`;
  return entry(name, told.replaceAll("`", ""));
}

function metrics(): string[] {
  return [
    "Every quantity that dyno measures. A name with its unit (ttft_ms) is that of files and --json.",
    "p50 and p99 are quantiles: half, and 99 of 100, are at most that. [a, b] is a 95 % interval.",
    "– is unknown, which is never 0.",
    "",
    ...MEASURES.flatMap(measureEntry),
    "",
    "One of them alone: dyno help ttft.",
    "goodput counts only the requests that met every --slo: see dyno help slo. docs/metrics.md has more.",
  ];
}

const slo = [
  "An objective (--slo, repeated for several) is of each request, or of the run as a whole.",
  "",
  ...entry("--slo ttft:500", "of each request: its ttft is at most 500 ms"),
  ...entry("--slo tpot:50", "its mean time between tokens is at most 50 ms"),
  ...entry("--slo gap_p99:100", "99 of 100 of its gaps between tokens are at most 100 ms"),
  ...entry("--slo e2e:2s", "the whole answer takes at most 2 s"),
  ...entry("--slo 'p99(ttft)<300ms'", "of the run: the 99 % quantile of ttft is below 300 ms"),
  ...entry("--slo ttft_p99:300", "the same in short"),
  "",
  "Objectives of each request give goodput (the requests a second that met all of them) and the share",
  "that did. What is unknown meets none. Objectives of the run are met, not met, or there were not",
  "enough requests to decide: the interval of the quantile holds the limit.",
  "",
  "The highest load that still meets them: dyno load --find-capacity rate --slo ttft:500",
];

const verdict = [
  "Each load says whether its figures are the endpoint's, or partly those of the measuring client.",
  "",
  ...entry("CLIENT TRUSTED", "what the client adds is small against what it measures"),
  ...entry(
    "CLIENT LIMITED",
    "it was late to send or to read, its process stood still, or it was out of CPU: the endpoint may " +
      "be better than the figures; use a faster or less busy host, or a lower load",
  ),
  ...entry("CACHED", "the server's prefix cache answered in place of the model"),
  ...entry("CLIENT UNKNOWN", "nothing shows whether it kept up; dyno calibrate measures the host"),
  "",
  "The reasons stand below it. --require-trusted makes any other verdict exit code 1.",
];

function files(): string[] {
  const forms = Object.entries(writtenForms);
  return [
    "Files that you write are JSON, or YAML by their names (.yaml, .yml); problems are JSON lines, a",
    "request template is JSON:",
    "",
    ...forms.flatMap(([name, { title }]) => entry(name, `${title}: dyno schema ${name}`)),
    "",
    "Paths in a file are seen from that file's folder, paths on the command line from yours. Programs of",
    "a suite run in the suite's folder, those of a sweep in the folder where you call dyno.",
    "",
    "A run leaves a folder, runs/bench_…:",
    "",
    ...entry("run_metadata.json", "what ran, where, since when, with which settings"),
    ...entry("events.jsonl", "everything as it happened; the rest is made of it"),
    ...entry("results.json", "the figures, with intervals"),
    ...entry("items/", "a suite's answers, and how each was judged"),
    ...entry("samples.bin", "hardware samples, described by samples.json"),
    ...entry("report/index.html", "the report; it opens without a network"),
  ];
}

const units = [
  `A time is ${DURATION_FORM}.`,
  "",
  ...entry("without a unit", "seconds in settings and flags; milliseconds in --slo"),
  ...entry("ms, s, m, h, d", "milliseconds, seconds, minutes, hours, days; also us and min"),
  "",
  "In files and --json the unit ends the name:",
  "",
  ...entry("_ms, _s", "milliseconds, seconds"),
  ...entry("_ns", "nanoseconds of the monotonic clock"),
  ...entry("_bytes, _usd", "bytes, US dollars"),
  ...entry("_j, _w, _c", "joules, watts, degrees Celsius"),
  ...entry("rate, share", "0 to 1 in files; shown in percent"),
  "",
  "null is unknown, never 0.",
];

/** The texts by the topics' names. */
export const topics: Record<string, () => string[]> = {
  metrics,
  slo: () => slo,
  verdict: () => verdict,
  files,
  units: () => units,
};

/**
 * What a word of the output means: the quantities that have it in their name, such as ttft, or as
 * another name, such as ITL; empty where it is in none.
 */
export function wordHelp(word: string): string[] {
  const parts = (name: string) => `_${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}_`;
  const wanted = parts(word);
  const meant = MEASURES.filter(({ name, term, alias }) =>
    [name, term ?? "", alias ?? ""].some((each) => parts(each).includes(wanted))
  );
  if (meant.length === 0) return [];
  return [...meant.flatMap(measureEntry), "", "All of them: dyno help metrics."];
}
