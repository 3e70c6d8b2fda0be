/** A load run's results in a terminal: the table of its stages, and the verdict on the client. */
import { answersNumbers } from "../../endpoint/forms/forms.ts";
import { columnFigure } from "../../text/figure.ts";
import { UNCHECKED } from "../../endpoint/tls.ts";
import { measure } from "../../measures/describe.ts";
import { fits, unobeyed, wrapped } from "../ui/paragraph.ts";
import { tableLines } from "../ui/table.ts";
import { shortNames } from "../../text/short_names.ts";
import { linesBelow } from "./load_lines.ts";
import type { LoadResults, StageResults } from "../../load/results.ts";
import type { Verdict } from "../../load/verdict.ts";
import type { Column } from "../ui/table.ts";
import type { Palette } from "../ui/terminal.ts";

/** A column of the table of stages. */
interface StageColumn {
  column: Column;
  cell: (stage: StageResults, paint: Palette) => string;
}

/** Facts that decide which columns a table has. */
interface Shape {
  goodput: boolean;
  /** The rate that fits the kind of answers. */
  told: "prompt_tokens_per_s" | "audio_s_per_s" | "images_per_s" | "output_tokens_per_s";
  /** Whether the end of the load cut off any request. */
  cut: boolean;
}

/** A latency's quantile as a column; with `seconds` in seconds. */
function latencyColumn(
  name: keyof StageResults["metrics"],
  rank: "p50" | "p99",
  seconds = false,
): StageColumn {
  const { term, unit, alias } = measure(name);
  const group = [term, seconds ? "s" : unit, alias && `(${alias})`].filter(Boolean).join(" ");
  return {
    column: { title: rank, align: "right", group },
    cell: ({ metrics }) => {
      const ms = metrics[name]?.[rank] ?? null;
      return columnFigure(ms !== null && seconds ? ms / 1000 : ms);
    },
  };
}

/** A rate as a column, with short words: requests/s becomes req/s. */
function rateColumn(
  name: string,
  cell: (stage: StageResults) => number | null | undefined,
  group?: string,
): StageColumn {
  const { term, unit } = measure(name);
  const short = (unit || term).replace("requests", "req").replace("tokens", "tok");
  const title = short.replace("output ", "");
  const over = group ?? (title === short ? undefined : "output");
  return {
    column: { title, align: "right", group: over },
    cell: (stage) => columnFigure(cell(stage)),
  };
}

/** If nothing ended, there is no rate. */
const ofEnded = (stage: StageResults, rate: number | null) =>
  stage.requests.successful + stage.requests.failed > 0 ? rate : null;

/** If nobody counted the tokens of the answers, there is no rate. */
const outputRate = (stage: StageResults) =>
  stage.requests.successful === 0 || Object.keys(stage.token_sources).length > 0
    ? ofEnded(stage, stage.output_tokens_per_s)
    : null;

/** Requests cut off, or not sent, because the load ended: neither answered nor failed. */
const cutOff = ({ requests }: StageResults) => requests.unfinished + requests.unsent;

/** The shape of a table with these rows. */
function shapeOf(
  { slos, api_type }: Pick<LoadResults, "slos" | "api_type">,
  rows: readonly StageResults[],
): Shape {
  return {
    goodput: slos.length > 0,
    told: answersNumbers(api_type) ? "prompt_tokens_per_s" : mediaIn(rows) ?? "output_tokens_per_s",
    cut: rows.some((row) => cutOff(row) > 0),
  };
}

/** Whether answers contain sound or images. */
function mediaIn(rows: readonly StageResults[]): "audio_s_per_s" | "images_per_s" | null {
  const has = (name: "audio_s_per_s" | "images_per_s") =>
    rows.some(({ media }) => (media?.[name] ?? null) !== null);
  return has("audio_s_per_s") ? "audio_s_per_s" : has("images_per_s") ? "images_per_s" : null;
}

/** The columns to the right of the stage names. */
function columnsOf({ goodput, told, cut }: Shape): StageColumn[] {
  const count = (title: string): Column => ({ title, align: "right", group: "requests" });
  return [
    { column: count("ok"), cell: ({ requests }) => String(requests.successful) },
    {
      column: count("failed"),
      cell: ({ requests: { failed } }, { bad }) => failed ? bad(String(failed)) : "0",
    },
    ...(cut
      ? [{ column: count("cut off"), cell: (stage: StageResults) => String(cutOff(stage)) }]
      : []),
    rateColumn("requests_per_s", (stage) => ofEnded(stage, stage.requests_per_s)),
    rateColumn(told, (stage) => {
      if (told === "output_tokens_per_s") return outputRate(stage);
      const rate = told === "prompt_tokens_per_s" ? stage[told] : stage.media?.[told];
      return ofEnded(stage, rate ?? null);
    }),
    latencyColumn("ttft_ms", "p50"),
    latencyColumn("ttft_ms", "p99"),
    latencyColumn("gap_ms", "p50"),
    latencyColumn("gap_ms", "p99"),
    latencyColumn("tpot_ms", "p50"),
    latencyColumn("e2e_ms", "p50", true),
    latencyColumn("e2e_ms", "p99", true),
    ...(goodput
      ? [rateColumn(
        "goodput_requests_per_s",
        ({ goodput }) => goodput?.requests_per_s?.value,
        measure("goodput_requests_per_s").term,
      )]
      : []),
  ];
}

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

/** The table of stages with their total, and the notes below it; at most 100 columns wide. */
export function loadTable(results: LoadResults, paint: Palette): string[] {
  return [
    ...stageLines(results, paint),
    ...partLines("endpoint", results.endpoints, results, paint),
    ...partLines("model", results.models, results, paint),
    ...partLines("shard", results.shards, results, paint),
    ...glossary(results).map((line) => paint.dim(line)),
    "",
    ...verdictLines(results.verdict, paint),
    ...linesBelow(results),
  ];
}

/** Explains the words of the table. */
function glossary({ slos, api_type }: LoadResults): string[] {
  const words = answersNumbers(api_type) ? "e2e: the whole answer" : "ttft: to the first token; " +
    "gap: between tokens; tpot: mean of an answer's gaps; e2e: the whole answer";
  const goodput = slos.length > 0 ? "; goodput: requests that met every SLO" : "";
  return wrapped("", `${words}${goodput}. More: dyno help metrics`);
}

/** The runs of a matrix, named by their differences; a mark shows an untrusted client. */
export function matrixTable(
  runs: readonly { name: string; results: LoadResults }[],
  paint: Palette,
): string[] {
  const columns = columnsOf({
    goodput: runs.some(({ results }) => results.slos.length > 0),
    told: runs.every(({ results }) => answersNumbers(results.api_type))
      ? "prompt_tokens_per_s"
      : mediaIn(runs.map(({ results }) => results.total)) ?? "output_tokens_per_s",
    cut: runs.some(({ results }) => cutOff(results.total) > 0),
  });
  const rows = runs.map(({ name, results }) => {
    const mark = results.verdict.verdict === "trusted" ? "" : ` ${paint.warn("!")}`;
    return row(unobeyed(name) + mark, results.total, columns, paint);
  });
  const distrusted = runs.some(({ results }) => results.verdict.verdict !== "trusted");
  return [
    ...tableLines(headsOf("run", columns), rows, paint),
    ...runs.slice(0, 1).flatMap(({ results }) => glossary(results)).map((line) => paint.dim(line)),
    ...(distrusted ? [`${paint.warn("!")} the client could not be trusted: see that run`] : []),
  ];
}

/** Stages by name, or, if the names are too long, by number with the names below. */
function stageLines({ stages, total, slos, api_type }: LoadResults, paint: Palette): string[] {
  const single = stages.length < 2;
  const measured = single ? [stages[0] ?? total] : stages;
  const columns = columnsOf(shapeOf({ slos, api_type }, [...measured, total]));
  const names = measured.map(({ name }) => unobeyed(name).replace("requests/s", "req/s"));
  const table = (labels: readonly string[]) => {
    const rows = measured.map((stage, i) => row(labels[i], stage, columns, paint));
    const all = row(paint.bold("total"), total, columns, paint);
    return tableLines(headsOf("stage", columns), single ? rows : [...rows, null, all], paint);
  };
  const named = table(names);
  if (named.every(fits)) return named;
  const legend = names.flatMap((name, i) => wrapped(`stage ${i + 1}: `, name));
  return [...table(names.map((_, i) => String(i + 1))), ...legend];
}

/** The figures of parts of the load, such as several endpoints, below the total. */
function partLines(
  what: string,
  parts: readonly StageResults[] | undefined,
  { slos, api_type }: LoadResults,
  paint: Palette,
): string[] {
  if (parts === undefined) return [];
  const columns = columnsOf(shapeOf({ slos, api_type }, parts));
  const names = shortNames(parts.map(({ name }) => name)).map(unobeyed);
  const table = (labels: readonly string[]) =>
    tableLines(
      headsOf(`by ${what}`, columns),
      parts.map((part, i) => row(labels[i], part, columns, paint)),
      paint,
    );
  const named = table(names);
  if (named.every(fits)) return ["", ...named];
  const legend = parts.flatMap(({ name }, i) => wrapped(`${what} ${i + 1}: `, name));
  return ["", ...table(parts.map((_, i) => `${what} ${i + 1}`)), ...legend];
}

/** The headings of the columns, first the one of the names. */
function headsOf(title: string, columns: readonly StageColumn[]): Column[] {
  return [{ title, align: "left" }, ...columns.map(({ column }) => column)];
}

function row(
  name: string,
  stage: StageResults,
  columns: readonly StageColumn[],
  paint: Palette,
): string[] {
  return [name, ...columns.map(({ cell }) => cell(stage, paint))];
}

function verdictLines(
  { verdict, reasons, requests, insecure, advice = null }: Verdict,
  paint: Palette,
): string[] {
  const { word, meaning, tone } = VERDICTS[verdict];
  const rests = requests === undefined ? "" : ` (by ${requests} answered requests)`;
  const [first, ...more] = wrapped(`${word}  `, `${meaning}${rests}`);
  return [
    paint.bold(paint[tone](word)) + first.slice(word.length),
    ...more,
    ...reasons.flatMap((reason) => wrapped("  ", reason)),
    ...(advice === null ? [] : wrapped("  try: ", advice)),
    ...(insecure ? [`${paint.bold(paint.bad("INSECURE"))}  ${UNCHECKED}`] : []),
  ];
}
