/** Recorded traffic to be replayed: when requests came and how long they were. */
import { readFile } from "node:fs/promises";
import { InputError, messageOf } from "../../errors.ts";
import { parseCsv } from "../../formats/csv.ts";

/** One request of a trace. What a trace does not tell is null. */
export interface TraceRow {
  /** Seconds since the first request of the trace. */
  t_s: number;
  prompt: string | null;
  input_tokens: number | null;
  output_tokens: number | null;
  /** Ids of the prompt's blocks of tokens (512 each in Mooncake): equal ids, equal beginnings. */
  hash_ids: number[] | null;
  session: string | null;
}

/** The forms that are recognised, by their columns. */
export type TraceForm = "dyno" | "mooncake" | "burstgpt" | "azure";

/** A trace in the order of its times. */
export interface Trace {
  form: TraceForm;
  /** Ascending in t_s, from 0; not empty. */
  rows: TraceRow[];
  /** Rows left out: those with 0 tokens of input or output, as BurstGPT marks failed requests. */
  skipped: number;
}

/** A row with its time as recorded, in seconds from whatever the trace counts from. */
type RecordedRow = Omit<TraceRow, "t_s"> & { recorded_s: number };

/** What was expected, `path:line` in front; thrown as it is. */
type Complain = (complaint: string) => InputError;

const FORMS = "expected JSON lines (ours or Mooncake's: " +
  '"timestamp_s" in s or "timestamp" in ms, "prompt" or "input_length", "output_length") or ' +
  "CSV (BurstGPT's: Timestamp, Request tokens, Response tokens; " +
  "Azure's: TIMESTAMP, ContextTokens, GeneratedTokens)";

/**
 * Reads a trace (UTF-8, a byte order mark is dropped). Rows out of order are sorted; those of equal
 * time keep their order.
 *
 * JSON lines, ours: `timestamp_s` in seconds or `timestamp` in milliseconds; `prompt` or
 * `input_length` in tokens or both; `output_length` in tokens, `hash_ids` and `session` (or
 * `session_id`) if known. Mooncake's (github.com/kvcache-ai/Mooncake) are those with `hash_ids`.
 * BurstGPT (github.com/HPMLL/BurstGPT) counts seconds; Azure's traces
 * (github.com/Azure/AzurePublicDataset) have dates, taken as UTC where they name no offset.
 *
 * @example
 * ```ts
 * const { rows, skipped, form } = await readTrace("BurstGPT_1.csv");
 * ```
 * @throws {InputError} with file and line: unreadable, of no form that is known, a value of the wrong
 * kind, or no rows.
 */
export async function readTrace(path: string): Promise<Trace> {
  const text = await readText(path);
  const json = /^\s*\{/.test(text);
  const { form, rows } = json ? jsonRows(path, text) : csvRows(path, text);
  const kept = rows.filter((row) => row.output_tokens !== 0 && row.input_tokens !== 0);
  if (kept.length === 0) {
    throw new InputError(
      rows.length === 0
        ? `${path}: a header and no rows; expected one row a request`
        : `${path}: each row (of ${rows.length}) has 0 tokens of input or output; nothing to replay`,
    );
  }
  kept.sort((a, b) => a.recorded_s - b.recorded_s);
  const first_s = kept[0].recorded_s;
  return {
    form,
    rows: kept.map(({ recorded_s, ...row }) => ({ t_s: recorded_s - first_s, ...row })),
    skipped: rows.length - kept.length,
  };
}

async function readText(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENOENT") throw new InputError(`${path}: no such file; check the path`);
    if (code === "EISDIR") throw new InputError(`${path}: is a folder, expected a trace file`);
    throw new InputError(`${path}: ${messageOf(error)}`);
  }
  if (text.trim() === "") throw new InputError(`${path}: empty; ${FORMS}`);
  return text.replace(/^\uFEFF/, "");
}

const complainAt = (path: string, line: number): Complain => (complaint) =>
  new InputError(`${path}:${line}: ${complaint}`);

// JSON lines

function jsonRows(path: string, text: string): { form: TraceForm; rows: RecordedRow[] } {
  const rows: RecordedRow[] = [];
  text.split("\n").forEach((line, i) => {
    if (line.trim() !== "") rows.push(jsonRow(line, complainAt(path, i + 1)));
  });
  return { form: rows[0].hash_ids ? "mooncake" : "dyno", rows };
}

function jsonRow(line: string, complain: Complain): RecordedRow {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch (error) {
    throw complain(`malformed JSON: ${messageOf(error)}`);
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw complain(`${line.slice(0, 40)}; expected an object on each line`);
  }
  const prompt = fields.prompt ?? null;
  if (prompt !== null && (typeof prompt !== "string" || prompt === "")) {
    throw complain(`prompt: ${JSON.stringify(prompt)}; expected a text that is not empty`);
  }
  const input_tokens = jsonCount("input_length", fields.input_length, complain);
  if (prompt === null && input_tokens === null) {
    throw complain(`no "prompt" and no "input_length"; ${FORMS}`);
  }
  return {
    recorded_s: jsonTime(fields, complain),
    prompt,
    input_tokens,
    output_tokens: jsonCount("output_length", fields.output_length, complain),
    hash_ids: jsonHashIds(fields.hash_ids, complain),
    session: jsonSession(fields.session ?? fields.session_id, complain),
  };
}

function jsonTime(fields: Record<string, unknown>, complain: Complain): number {
  const { timestamp_s, timestamp } = fields;
  if ((timestamp_s === undefined) === (timestamp === undefined)) {
    const found = timestamp === undefined ? "neither" : "both";
    throw complain(`${found} of "timestamp_s" (s) and "timestamp" (ms); ${FORMS}`);
  }
  const [name, value, unit_s] = timestamp === undefined
    ? ["timestamp_s", timestamp_s, 1]
    : ["timestamp", timestamp, 1000];
  if (typeof value !== "number" || !isTime(value)) {
    const unit = unit_s === 1 ? "seconds" : "milliseconds";
    throw complain(`${name}: ${JSON.stringify(value)}; expected a number of ${unit}`);
  }
  return value / unit_s;
}

function jsonCount(name: string, value: unknown, complain: Complain): number | null {
  if (value === undefined || value === null) return null;
  if (isCount(value)) return value;
  throw complain(`${name}: ${JSON.stringify(value)}; expected a whole number of tokens from 0`);
}

function jsonHashIds(value: unknown, complain: Complain): number[] | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && value.every(isCount)) return value;
  const shown = JSON.stringify(value).slice(0, 60);
  throw complain(`hash_ids: ${shown}; expected a list of whole numbers from 0`);
}

function jsonSession(value: unknown, complain: Complain): string | null {
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw complain(`session: ${JSON.stringify(value)}; expected a text or a number`);
}

/** Times beyond have no distance between them that could be waited for. */
const isTime = (seconds: number): boolean => Math.abs(seconds) <= Number.MAX_SAFE_INTEGER;

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

// CSV

/** The columns of a form, as its header names them. */
interface CsvColumns {
  form: TraceForm;
  time: string;
  input: string;
  output: string;
  session: string | null;
  seconds(cell: string): number;
  time_expected: string;
}

const CSV_COLUMNS: CsvColumns[] = [{
  form: "burstgpt",
  time: "Timestamp",
  input: "Request tokens",
  output: "Response tokens",
  session: "Session ID",
  seconds: decimal,
  time_expected: "a number of seconds",
}, {
  form: "azure",
  time: "TIMESTAMP",
  input: "ContextTokens",
  output: "GeneratedTokens",
  session: null,
  seconds: dateSeconds,
  time_expected: 'a date such as "2023-11-16 18:15:46.6805900"',
}];

function csvRows(path: string, text: string): { form: TraceForm; rows: RecordedRow[] } {
  const table = parseCsv(path, text);
  const header = table[0].map((name) => name.trim());
  const columns = CSV_COLUMNS.find(({ time, input, output }) =>
    [time, input, output].every((name) => header.includes(name))
  );
  if (!columns) {
    const shown = header.join(",").slice(0, 100);
    throw complainAt(path, lineOfRow(text, 0))(
      `columns "${shown}" are of no known trace; ${FORMS}`,
    );
  }
  const { form, session } = columns;
  const at = (name: string) => header.indexOf(name);
  const places = {
    time: at(columns.time),
    input: at(columns.input),
    output: at(columns.output),
    session: session === null ? -1 : at(session),
  };
  const rows = table.slice(1).map((cells, i) => {
    const complain: Complain = (complaint) => complainAt(path, lineOfRow(text, i + 1))(complaint);
    if (cells.length !== header.length) {
      throw complain(`${cells.length} columns; expected ${header.length} as in the header`);
    }
    const recorded_s = columns.seconds(cells[places.time]);
    if (!isTime(recorded_s)) {
      throw complain(`${columns.time}: "${cells[places.time]}"; expected ${columns.time_expected}`);
    }
    return {
      recorded_s,
      prompt: null,
      input_tokens: csvCount(columns.input, cells[places.input], complain),
      output_tokens: csvCount(columns.output, cells[places.output], complain),
      hash_ids: null,
      session: (places.session < 0 ? "" : cells[places.session].trim()) || null,
    };
  });
  return { form, rows };
}

function csvCount(name: string, cell: string, complain: Complain): number {
  const count = decimal(cell);
  if (isCount(count)) return count;
  throw complain(`${name}: "${cell}"; expected a whole number of tokens from 0`);
}

/** The number that a cell holds; NaN for anything else, an empty cell too. */
function decimal(cell: string): number {
  return /^\s*-?\d+(\.\d*)?(e[+-]?\d+)?\s*$/i.test(cell) ? Number(cell) : NaN;
}

/** Seconds since 1970 of a date with any count of decimals (Date.parse keeps milliseconds only). */
function dateSeconds(cell: string): number {
  const parts = /^\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?\s*$/.exec(
    cell,
  );
  if (!parts) return NaN;
  const [, date, time, fraction = "", offset = "Z"] = parts;
  return Date.parse(`${date}T${time}${offset}`) / 1000 + Number(`0${fraction}`);
}

/** The line of a row of the table: the parser leaves out empty lines. Found only for a complaint. */
function lineOfRow(text: string, row: number): number {
  let rows = -1;
  return text.split(/\r?\n/).findIndex((line) => line !== "" && ++rows === row) + 1;
}
