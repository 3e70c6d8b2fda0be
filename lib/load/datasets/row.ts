/** What a row of a dataset asks for, whatever form it has. */
import type { RowFields } from "./row_fields.ts";

/** What one request asks. What the dataset does not tell is null. */
export interface RowRequest {
  prompt: string | null;
  messages: readonly unknown[] | null;
  /** Tokens of the prompt, where it is to be made up. */
  input_tokens: number | null;
  /** Tokens that the answer is to have. */
  output_tokens: number | null;
  /** Blocks of the prompt's tokens: equal ids are equal texts. */
  blocks: { ids: readonly number[]; tokens: number } | null;
  /** A whole body, as it is sent where a request template says how its answer is read. */
  payload: Readonly<Record<string, unknown>> | null;
  /** Further fields of the request's body. */
  body: Readonly<Record<string, unknown>>;
}

/** A later request of a session, as {@linkcode LaterStep} in prompts/session.ts has it. */
export interface RowStep extends RowRequest {
  /** Seconds of null: the load's think time. */
  after: readonly { step: number; wait_s: number | null }[];
  history: number | null;
  answers?: readonly { message: number; step: number }[];
  agent?: string;
}

/** One request, or a session that begins with it. */
export interface DatasetRow extends RowRequest {
  /** Seconds from whatever the dataset counts from. */
  t_s: number | null;
  /** What the session asks after it, in order. */
  later: readonly RowStep[];
  /** Requests of one session have one name. */
  session: string | null;
}

/** A request of which nothing is known. */
export const UNKNOWN_REQUEST: RowRequest = {
  prompt: null,
  messages: null,
  input_tokens: null,
  output_tokens: null,
  blocks: null,
  payload: null,
  body: {},
};

/** A row of which nothing is known. */
export const UNKNOWN_ROW: DatasetRow = { ...UNKNOWN_REQUEST, t_s: null, later: [], session: null };

/** What the user says after each answer, asked for as the first request was. */
export function saidAfter(
  texts: readonly string[],
  { output_tokens, body }: Pick<RowRequest, "output_tokens" | "body">,
): RowStep[] {
  return texts.map((prompt, i) => ({
    ...UNKNOWN_REQUEST,
    prompt,
    output_tokens,
    body,
    after: [{ step: i, wait_s: null }],
    history: i,
  }));
}

/** Every request of all rows, in order. */
export function requestsOf(rows: readonly DatasetRow[]): RowRequest[] {
  return rows.flatMap((row) => [row, ...row.later]);
}

/** Whether a dataset tells no words of a request, and its prompt is made up. */
export function isMadeUp({ prompt, messages, payload }: RowRequest): boolean {
  return prompt === null && messages === null && payload === null;
}

/** Whether a row tells nothing that could be sent. */
export function isEmpty(row: DatasetRow): boolean {
  return isMadeUp(row) && row.input_tokens === null;
}

/** Whether a row's prompt or answer has 0 tokens, which nobody can be asked for. */
export function isWithoutTokens({ input_tokens, output_tokens }: DatasetRow): boolean {
  return input_tokens === 0 || output_tokens === 0;
}

/** A form of datasets. */
export interface DatasetForm {
  /** How people call it. */
  name: string;
  /** Whether a first row with such fields is of this form. */
  has(names: ReadonlySet<string>, first: Readonly<Record<string, unknown>>): boolean;
  /**
   * Begins a file; what it gives reads each row, in the order of the file; null: it belongs to another one;
   * a list: it holds several.
   */
  begin(
    note: (text: string) => void,
    file: DatasetFile,
  ): (fields: RowFields) => DatasetRow | DatasetRow[] | null;
}

/** What a form may need to know of the whole file. */
export interface DatasetFile {
  /** The fields of every row. */
  all: readonly Readonly<Record<string, unknown>>[];
  /** Where the file is; files that its rows name lie there or below. */
  folder: string;
  /** Whether payloads are sent as they are, whatever they hold. */
  whole: boolean;
}
