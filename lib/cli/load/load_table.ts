/** A load run's results in a terminal: the stages, the verdict on the client, intervals, notes. */
import { costText } from "../../text/dollars.ts";
import { sloText } from "../../load/slo.ts";
import { LEAST_UNITS } from "../../stats/ratio.ts";
import { tableLines } from "../ui/table.ts";
import { textWidth } from "../../text/width.ts";
import { percentEstimate, percentText } from "../../text/percent.ts";
import type { LoadResults, Metric, StageResults } from "../../load/results.ts";
import type { JudgedStatement } from "../../load/statement.ts";
import type { Verdict } from "../../load/verdict.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { Column } from "../ui/table.ts";
import type { Palette } from "../ui/terminal.ts";

const WIDTH = 100;
const MOST_NOTES = 20;

const COLUMNS: Column[] = [
  { title: "stage", align: "left" },
  { title: "ok", align: "right", group: "requests" },
  { title: "failed", align: "right", group: "requests" },
  { title: "req/s", align: "right" },
  { title: "tok/s", align: "right" },
  { title: "p50", align: "right", group: "ttft ms" },
  { title: "p99", align: "right", group: "ttft ms" },
  { title: "p50", align: "right", group: "gap ms (ITL)" },
  { title: "p99", align: "right", group: "gap ms (ITL)" },
  { title: "p50", align: "right", group: "tpot" },
  { title: "p50", align: "right", group: "e2e s" },
  { title: "p99", align: "right", group: "e2e s" },
];
const GOODPUT: Column = { title: "req/s", align: "right", group: "goodput" };

const VERDICTS: Record<
  Verdict["verdict"],
  { word: string; meaning: string; tone: Exclude<keyof Palette, "columns"> }
> = {
  trusted: { word: "CLIENT TRUSTED", meaning: "the figures are the endpoint's", tone: "good" },
  client_limited: {
    word: "CLIENT LIMITED",
    meaning: "the figures are partly the client's own",
    tone: "bad",
  },
  cached: {
    word: "CACHED",
    meaning: "the figures are not the model's: the server's prefix cache answered for it",
    tone: "bad",
  },
  unknown: {
    word: "CLIENT UNKNOWN",
    meaning: "nothing shows whether the client kept up",
    tone: "warn",
  },
};

/** The table of stages with their total, and what is to be said below it; of 100 columns at most. */
export function loadTable(results: LoadResults, paint: Palette): string[] {
  return [
    ...stageLines(results, paint),
    ...glossary(results).map((line) => paint.dim(line)),
    "",
    ...verdictLines(results.verdict, paint),
    "",
    ...intervalLines(results.total),
    ...turnLines(results),
    ...outcomeLines(results),
    ...results.notes.slice(0, MOST_NOTES).flatMap((note) => wrapped("note: ", note)),
    ...(results.notes.length > MOST_NOTES
      ? [`${results.notes.length - MOST_NOTES} more notes in results.json`]
      : []),
  ];
}

/** What the words of the table mean. */
function glossary({ slos, api_type }: LoadResults): string[] {
  const words = api_type === "embeddings" ? "e2e: the whole answer" : "ttft: to the first token; " +
    "gap: between tokens; tpot: mean of an answer's gaps; e2e: the whole answer";
  const goodput = slos.length > 0 ? "; goodput: requests that met every SLO" : "";
  return wrapped("", `${words}${goodput}. More: dyno help metrics`);
}

/** The runs of a matrix under one another, each by what is its own; a mark where the client was not trusted. */
export function matrixTable(
  runs: readonly { name: string; results: LoadResults }[],
  paint: Palette,
): string[] {
  const shape = {
    goodput: runs.some(({ results }) => results.slos.length > 0),
    embeddings: runs.every(({ results }) => results.api_type === "embeddings"),
  };
  const [first, ...others] = columnsOf(shape);
  const rows = runs.map(({ name, results }) => {
    const mark = results.verdict.verdict === "trusted" ? "" : ` ${paint.warn("!")}`;
    return row(plain(name) + mark, results.total, shape, paint);
  });
  const distrusted = runs.some(({ results }) => results.verdict.verdict !== "trusted");
  return [
    ...tableLines([{ ...first, title: "run" }, ...others], rows, paint),
    ...(distrusted ? [`${paint.warn("!")} the client was not to be trusted: see that run`] : []),
  ];
}

/** Stages by name; where the names are too long, by number, with the names below. */
function stageLines({ stages, total, slos, api_type }: LoadResults, paint: Palette): string[] {
  const shape = { goodput: slos.length > 0, embeddings: api_type === "embeddings" };
  const columns = columnsOf(shape);
  const single = stages.length < 2;
  const measured = single ? [stages[0] ?? total] : stages;
  const names = measured.map(({ name }) => plain(name).replace("requests/s", "req/s"));
  const table = (labels: readonly string[]) => {
    const rows = measured.map((stage, i) => row(labels[i], stage, shape, paint));
    const all = row(paint.bold("total"), total, shape, paint);
    return tableLines(columns, single ? rows : [...rows, null, all], paint);
  };
  const named = table(names);
  if (named.every((line) => textWidth(line) <= WIDTH)) return named;
  const legend = names.flatMap((name, i) => wrapped(`stage ${i + 1}: `, name));
  return [...table(names.map((_, i) => String(i + 1))), ...legend];
}

/** What a table's columns depend on. */
interface Shape {
  goodput: boolean;
  /** Their tokens are those of the prompts: there are no others. */
  embeddings: boolean;
}

function columnsOf({ goodput, embeddings }: Shape): Column[] {
  const columns = embeddings
    ? COLUMNS.map((column) =>
      column.title === "tok/s" ? { ...column, title: "prompt tok/s" } : column
    )
    : COLUMNS;
  return goodput ? [...columns, GOODPUT] : columns;
}

function row(name: string, stage: StageResults, shape: Shape, paint: Palette): string[] {
  const { requests, metrics } = stage;
  // of answers whose tokens nobody counted there is no rate
  const told = requests.successful === 0 || Object.keys(stage.token_sources).length > 0;
  const tokens_per_s = shape.embeddings
    ? stage.prompt_tokens_per_s
    : told
    ? stage.output_tokens_per_s
    : null;
  const ended = requests.successful + requests.failed > 0;
  const lost = requests.failed + requests.unfinished + requests.unsent;
  const seconds = (ms: number | undefined) => shown(ms === undefined ? null : ms / 1000);
  return [
    name,
    String(requests.successful),
    lost ? paint.bad(String(lost)) : "0",
    shown(ended ? stage.requests_per_s : null),
    shown(ended ? tokens_per_s : null),
    shown(metrics.ttft_ms?.p50),
    shown(metrics.ttft_ms?.p99),
    shown(metrics.gap_ms?.p50),
    shown(metrics.gap_ms?.p99),
    shown(metrics.tpot_ms?.p50),
    seconds(metrics.e2e_ms?.p50),
    seconds(metrics.e2e_ms?.p99),
    ...(shape.goodput ? [shown(stage.goodput?.requests_per_s?.value)] : []),
  ];
}

function verdictLines({ verdict, reasons, requests }: Verdict, paint: Palette): string[] {
  const { word, meaning, tone } = VERDICTS[verdict];
  const rests = requests === undefined ? "" : ` (by ${requests} answered requests)`;
  return [
    `${paint.bold(paint[tone](word))}  ${meaning}${rests}`,
    ...reasons.flatMap((reason) => wrapped("  ", reason)),
  ];
}

function intervalLines({ metrics: { ttft_ms } }: StageResults): string[] {
  const { p50 = null, p99 = null } = ttft_ms?.intervals ?? {};
  const parts = [intervalText("p50", p50, ttft_ms), intervalText("p99", p99, ttft_ms)];
  const known = parts.filter((part) => part !== null);
  if (known.length === 0) return [];
  return [`ttft ${known.join(", ")} ms (95 % intervals, ${(p50 ?? p99)?.method})`];
}

function turnLines({ turns = [] }: LoadResults): string[] {
  return turns.map(({ turn, requests, answered, ttft_ms, prompt_tokens_mean, cached_share }) => {
    const known = [
      `${answered} of ${requests} answered`,
      `ttft p50 ${shown(ttft_ms?.p50)}, p99 ${shown(ttft_ms?.p99)} ms`,
      ...(prompt_tokens_mean === null ? [] : [`${shown(prompt_tokens_mean)} prompt tokens`]),
      ...(cached_share === null ? [] : [`${percentText(cached_share)} of them cached`]),
    ];
    return `${turn} turns: ${known.join(", ")}`;
  });
}

function intervalText(
  name: "p50" | "p99",
  estimate: Estimate | null,
  metric: Metric | null,
): string | null {
  if (!estimate || !metric) return null;
  return `${name} ${shown(metric[name])} [${shown(estimate.low)}, ${shown(estimate.high)}]`;
}

/** Why it ended, what was not answered, how many missed the SLOs, and the energy. */
function outcomeLines(results: LoadResults): string[] {
  const { total, stages, slos, energy, stopped_because, complete, total_cost_usd } = results;
  const { unfinished, unsent } = total.requests;
  const lines: string[] = [];
  if (stopped_because !== null) lines.push(...wrapped("ended early: ", stopped_because));
  else if (!complete) lines.push("interrupted: the figures are those of what was measured");
  const classes = Object.entries(total.errors).map(([name, n]) => `${n} ${name}`);
  if (unfinished) classes.push(`${unfinished} unfinished`);
  if (unsent) classes.push(`${unsent} unsent`);
  if (classes.length) lines.push(...wrapped("without an answer: ", classes.join(", ")));
  const { goodput } = total;
  if (goodput) {
    const missed = slos.map((slo) => `${sloText(slo)} by ${goodput.missed[sloText(slo)] ?? "–"}`);
    const share = goodput.share ? `met by ${percentEstimate(goodput.share)}; ` : "";
    const unknown = slos.map(sloText).filter((text) => goodput.unknown?.[text])
      .map((text) => `${text} of ${goodput.unknown![text]}`);
    const untold = unknown.length > 0 ? `; unknown, so not met: ${unknown.join(", ")}` : "";
    lines.push(...wrapped("SLOs: ", `${share}missed: ${missed.join(", ")}${untold}`));
    if ([total, ...stages].some((stage) => stage.goodput?.requests_per_s === null)) {
      lines.push(`goodput –: unknown with fewer than ${LEAST_UNITS} requests`);
    }
  }
  for (const statement of results.statements ?? []) {
    lines.push(...wrapped("objective: ", statementWords(statement)));
  }
  if (total_cost_usd !== null) {
    lines.push(`cost ${costText(total_cost_usd, results.requests_of_unknown_cost)}`);
  }
  if (energy) {
    const { energy_j, error_j, per_token_j } = energy;
    const token = per_token_j === null ? "" : `, ${per_token_j.toPrecision(3)} J a token`;
    lines.push(
      `energy ${energy_j.toFixed(1)} ± ${error_j.toFixed(1)} J${token}, idle power included`,
    );
  }
  return lines;
}

function statementWords(statement: JudgedStatement): string {
  const { text, verdict, value_ms, interval, known, unknown } = statement;
  const range = interval ? ` [${shown(interval.low)}, ${shown(interval.high)}]` : "";
  const words =
    { met: "met", missed: "not met", undecided: "not enough requests to decide" }[verdict];
  const untold = unknown > 0 ? `, ${unknown} unknown` : "";
  return `${text} ${words}: ${shown(value_ms)}${range} ms of ${known}${untold}`;
}

/** A text in lines of at most 100 columns, the first one behind `start`, the others below it. */
function wrapped(start: string, text: string): string[] {
  const room = WIDTH - start.length;
  const lines: string[] = [""];
  for (const word of plain(text).split(/\s+/).filter(Boolean)) {
    const last = lines[lines.length - 1];
    if (last !== "" && textWidth(`${last} ${word}`) > room) lines.push("");
    const line = lines[lines.length - 1];
    lines[lines.length - 1] = line === "" ? cut(word, room) : `${line} ${word}`;
  }
  return lines.map((line, i) => (i === 0 ? start : " ".repeat(start.length)) + line);
}

function cut(word: string, room: number): string {
  return textWidth(word) <= room ? word : `${[...word].slice(0, room / 2 - 1).join("")}…`;
}

/** Text without what a terminal would obey. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
}

/** About four digits. */
function shown(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : 2);
}
