/** Reads datasets: the requests in a file of any known form. */
import { dirname } from "node:path";
import { InputError } from "../../errors.ts";
import { agentDagForm } from "./agent_dag.ts";
import { azureForm, burstgptForm } from "./csv_traces.ts";
import { bailianForm, mooncakeForm, ownTraceForm } from "./mooncake.ts";
import { openaiBatchForm, payloadForm, requestForm } from "./requests.ts";
import { otelForm } from "./otel.ts";
import { type DatasetForm, type DatasetRow, isEmpty, isWithoutTokens, requestsOf } from "./row.ts";
import { RowFields } from "./row_fields.ts";
import { sessionRowsForm } from "./session_rows.ts";
import { sglangForm } from "./sglang.ts";
import { sharegptForm } from "./sharegpt.ts";
import { manifestForm } from "./sound_rows.ts";
import { singleTurnForm, turnRowsForm } from "./turn_rows.ts";
import { wekaForm } from "./weka.ts";
import { readRows } from "../../settings/rows_file.ts";
import { counted } from "../../text/grouped.ts";
import type { FileRow } from "../../formats/tables.ts";

/** The content of a dataset. */
export interface Dataset {
  /** The form that was recognised. */
  form: string;
  /** Not empty. If all have a time, they are sorted by it, and the first is at 0 s. */
  rows: DatasetRow[];
  /** Whether every row has a time. */
  timed: boolean;
  /** Parts of the file that were ignored or left out, one line each. */
  notes: string[];
}

/** Known forms; the first that fits a file is used. */
const FORMS: readonly DatasetForm[] = [
  wekaForm,
  otelForm,
  agentDagForm,
  turnRowsForm,
  sessionRowsForm,
  sglangForm, // before ShareGPT, as it has ShareGPT's field too
  sharegptForm,
  openaiBatchForm,
  payloadForm,
  manifestForm,
  singleTurnForm,
  bailianForm,
  mooncakeForm,
  ownTraceForm,
  burstgptForm,
  azureForm,
  requestForm,
];

const EXPECTED =
  'expected "prompt", "messages", "turns", "input" or "text"; ShareGPT\'s or SGLang\'s "conversations"; a batch of OpenAI\'s form; a ' +
  '"payload"; an "audio_filepath"; Mooncake\'s, Bailian\'s or our own "timestamp" with "input_length"; agents\' ' +
  '"spans", or "requests" with "block_size"; BurstGPT\'s or Azure\'s CSV; or --columns prompt=NAME to say which ' +
  "column is what";

/**
 * Reads a dataset: JSON, JSON lines, CSV or Parquet; text is decoded by {@linkcode textOf}. Rows
 * are sorted by time; rows with equal times keep their order. Rows with 0 input or output tokens
 * are left out, as BurstGPT marks failed requests this way.
 *
 * @param columns renames columns to a form's fields: `{ prompt: "question" }`.
 * @param whole whether payloads are sent as they are, without being read.
 * @example
 * ```ts
 * const { rows, form, notes } = await readDataset("BurstGPT_1.csv");
 * ```
 * @throws {InputError} with file and line: unreadable, not in a known form, a value of the wrong
 * kind, or no rows.
 */
export async function readDataset(
  path: string,
  columns: Readonly<Record<string, string>> = {},
  whole = false,
): Promise<Dataset> {
  const table = await readRows(path);
  if (table.length === 0) {
    throw new InputError(`${path}: a header and no rows; expected one row a request`);
  }
  const mapped = table.map((row) => renamed(row, columns));
  const names = new Set(Object.keys(mapped[0].fields));
  const form = FORMS.find(({ has }) => has(names, mapped[0].fields));
  if (form === undefined) {
    const shown = [...names].join(",").slice(0, 100);
    throw new InputError(
      `${mapped[0].where()}: fields "${shown}" are of no known form; ${EXPECTED}`,
    );
  }
  const told = new Map<string, number>();
  const tell = (what: string) => told.set(what, (told.get(what) ?? 0) + 1);
  const all = mapped.map(({ fields }) => fields);
  const read = form.begin(tell, { all, folder: dirname(path), whole });
  const rows: DatasetRow[] = [];
  const skipped: DatasetRow[] = [];
  for (const { fields, where, cells } of mapped) {
    const row = new RowFields(fields, where, cells);
    const found = read(row);
    for (const name of row.unread()) tell(`"${name}" is not used`);
    for (const each of [found ?? []].flat()) {
      if (isWithoutTokens(each)) skipped.push(each);
      else if (isEmpty(each)) {
        throw row.complaint(`no "prompt" and no "input_length"; ${EXPECTED}`);
      } else rows.push(each);
    }
  }
  if (rows.length === 0) {
    throw new InputError(
      `${path}: each row (of ${table.length}) has 0 tokens of input or output, or no words of a user; ` +
        "nothing to send",
    );
  }
  const notes = [...told].map(([what, n]) =>
    `${path} (${form.name}): ${what} (${counted(n, "row")})`
  );
  if (skipped.length > 0) {
    const later = requestsOf(skipped).length - skipped.length;
    const also = later === 0 ? "" : `, with ${counted(later, "later request")} of their sessions`;
    notes.push(
      `${path} (${form.name}): ${counted(skipped.length, "row")} of no tokens skipped${also}`,
    );
  }
  return { form: form.name, notes, ...placed(path, rows) };
}

/** Sorts rows by time, if all have one. */
function placed(path: string, rows: DatasetRow[]): Pick<Dataset, "rows" | "timed"> {
  const timed = rows.filter(({ t_s }) => t_s !== null).length;
  if (timed === 0) return { rows, timed: false };
  if (timed < rows.length) {
    throw new InputError(
      `${path}: ${
        rows.length - timed
      } of ${rows.length} rows have no time, neither "timestamp_s" (s) nor ` +
        '"timestamp" (ms); expected one in each row, or in none',
    );
  }
  const sorted = rows.toSorted((a, b) => a.t_s! - b.t_s!);
  const first_s = sorted[0].t_s!;
  return { rows: sorted.map((row) => ({ ...row, t_s: row.t_s! - first_s })), timed: true };
}

function renamed(row: FileRow, columns: Readonly<Record<string, string>>): FileRow {
  if (Object.keys(columns).length === 0) return row;
  const fields = { ...row.fields };
  for (const [field, column] of Object.entries(columns)) {
    if (!Object.hasOwn(row.fields, column)) {
      throw new InputError(
        `${row.where()}: --columns ${field}=${column}: there is no "${column}"; there are ` +
          Object.keys(row.fields).join(", "),
      );
    }
    delete fields[column];
  }
  for (const [field, column] of Object.entries(columns)) fields[field] = row.fields[column];
  return { ...row, fields };
}
