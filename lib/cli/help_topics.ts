/** dyno help TOPIC: the terms in the output of commands. */
import { MEASURES } from "../measures/measures.ts";
import { DEFINITIONS, LOAD_DEFINITIONS } from "../report/definitions.ts";
import type { Measure } from "../measures/measure.ts";
import { DURATION_FORM } from "../text/duration.ts";
import { wrapText } from "../text/width.ts";
import { writtenForms } from "./schema.ts";
import { nameOf } from "./ui/flags.ts";
import type { Commands } from "./ui/command.ts";

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

/** A quantity: its name, its definition, and when it is unknown. */
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
  ...entry(
    "--slo e2e_intended:2s",
    "the same from when the request was due: waiting for its turn counts; so does ttft_intended",
  ),
  ...entry("--slo 'p99(ttft)<300ms'", "of the run: the 99 % quantile of ttft is below 300 ms"),
  ...entry("--slo ttft_p99:300", "the same in short"),
  "",
  "Objectives of each request give goodput (the requests a second that met all of them) and the share",
  "that did. What is unknown meets none. Objectives of the run are met, not met, or there were not",
  "enough requests to decide: the interval of the quantile holds the limit.",
  "",
  "The highest load that still meets them: dyno load --find-capacity rate --slo 'p99(ttft)<500ms'",
  "There p99(ttft)<500ms asks that 99 % of requests have a ttft of at most 500 ms; ttft:500 asks it of",
  "95 %, or of --capacity-share. A request that fails has missed.",
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
  "The reasons are listed below it. --require-trusted makes any other verdict exit code 1.",
];

function files(): string[] {
  const forms = Object.entries(writtenForms);
  return [
    "Files that you write are JSON, or YAML by their names (.yaml, .yml); problems are JSON lines, a",
    "request template is JSON:",
    "",
    ...forms.flatMap(([name, { title }]) => entry(name, `${title}: dyno schema ${name}`)),
    "",
    "Paths in a file are relative to its folder, paths on the command line to yours. The programs of",
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
  "A rate (--rate) is a plain number of requests a second; output writes 10/s. For several loads, each",
  "at its own rate or concurrency:",
  "",
  ...entry("1,2,4,8", "a list"),
  ...entry("1..16*2", "each twice the one before: 1, 2, 4, 8, 16"),
  ...entry("10..50+10", "each 10 more: 10, 20, 30, 40, 50"),
  ...entry("rate=2..8:1m", "in --stages: from 2 to 8 requests a second within a minute"),
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

/** The texts, by the name of their topic. */
export const topics: Record<string, () => string[]> = {
  metrics,
  slo: () => slo,
  verdict: () => verdict,
  files,
  units: () => units,
};

/** Usual names in the field for things that have another name here. */
const OTHER_WORDS = new Map([["percentile", "quantiles"], ["throughput", "per_s"], [
  "frontier",
  "pareto",
]]);

/**
 * Explains a word of the output: the quantities that have it in their name, such as ttft, or as
 * another name, such as ITL, and the terms of reports, such as rates; empty if nothing has it.
 */
export function wordHelp(given: string): string[] {
  if (given === "") return []; // every name has that
  const word = OTHER_WORDS.get(given.toLowerCase().replace(/s$/, "")) ?? given;
  const parts = (name: string) => `_${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")}_`;
  const wanted = parts(word), one = parts(word.replace(/s$/, ""));
  const has = (...names: string[]) =>
    names.some((name) => parts(name).includes(wanted) || parts(name.replace(/s$/, "")) === one);
  const meant = MEASURES.filter(({ name, term, alias }) => has(name, term, alias ?? ""));
  const known = new Set(MEASURES.map(({ term }) => term));
  const terms = [...DEFINITIONS, ...LOAD_DEFINITIONS].filter(([term]) =>
    !known.has(term) && has(term)
  );
  if (meant.length + terms.length === 0) return [];
  return [
    ...meant.flatMap(measureEntry),
    ...terms.flatMap(([term, meaning]) => entry(term, meaning)),
    "",
    "All quantities: dyno help metrics.",
  ];
}

/** The words that {@linkcode wordHelp} finds exactly. */
export function wordsKnown(): string[] {
  return MEASURES.flatMap(({ term, alias }) => alias === null ? [term] : [term, alias]);
}

/** Pages of the documentation about one subject. */
const PAGES = [
  "accuracy",
  "batches",
  "benchmarks",
  "capacity",
  "coding",
  "configuration",
  "dashboard",
  "datasets",
  "evaluators",
  "formats",
  "gate-in-ci",
  "getting-started",
  "gpu",
  "history",
  "library",
  "load",
  "metrics",
  "migrating",
  "mock",
  "permissions",
  "prometheus",
  "reliability",
  "run-directory",
  "sampling-and-energy",
  "security",
  "server",
  "shards",
  "simulator",
  "slurm",
  "statistics",
  "suites",
  "sweeps",
  "troubleshooting",
  "upload",
  "workloads",
];

const MOST_MENTIONS = 12;

/**
 * Where a word without a topic occurs: evaluators, files, commands, flags and pages; `rates` also
 * finds `rate`. Empty if it does not occur.
 */
export async function mentionsOf(word: string, commands: Commands): Promise<string[]> {
  const stem = word.toLowerCase().replace(/^-+/, "").replace(/(?<=...)s$/, "");
  if (!/^[a-z][\w-]+$/.test(stem)) return [];
  const known = new RegExp(`(?<![a-z0-9])${stem}`, "i");
  const { evaluatorNames } = await import("../suite/evaluate.ts");
  const evaluators = evaluatorNames.filter((name) => known.test(name));
  const pages = PAGES.filter((page) => known.test(page));
  const found = [
    ...evaluators.map((
      name,
    ) => [`evaluator ${name}`, "judges a suite's answers: docs/evaluators.md"]),
    ...Object.entries(writtenForms).filter(([name]) => known.test(name))
      .map(([name, { title }]) => [`dyno schema ${name}`, title]),
    ...await commandsWith(known, "dyno", commands),
  ];
  if (found.length + pages.length === 0) return [];
  const left = found.length - MOST_MENTIONS;
  return [
    `No topic "${word}".${found.length > 0 ? " What has it:" : ""}`,
    ...(found.length > 0 ? [""] : []),
    ...found.slice(0, MOST_MENTIONS).flatMap(([name, meaning]) => entry(name, meaning)),
    ...(left > 0 ? [`  and ${left} more flags; dyno COMMAND --help has all of a command`] : []),
    ...(pages.length > 0
      ? ["", `Pages: ${pages.map((page) => `docs/${page}.md`).join(", ")}`]
      : []),
  ];
}

/**
 * Commands with the word in their name or summary, and flags with it in their name, each with its
 * description.
 */
async function commandsWith(
  known: RegExp,
  group: string,
  commands: Commands,
): Promise<string[][]> {
  const found: string[][] = [];
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const { command } = await load();
    const called = `${group} ${name}`;
    if (known.test(`${name} ${summary}`)) found.push([called, summary]);
    for (const [key, flag] of Object.entries(command.flags ?? {})) {
      const flagName = nameOf(key, flag);
      if (known.test(`${flagName} ${flag.help}`)) {
        found.push([`${called} --${flagName}`, flag.help]);
      }
    }
    found.push(...await commandsWith(known, called, command.subcommands ?? {}));
  }
  return found;
}
