/** The rows of a dataset, whatever its form. */
import type { RowFields } from "./row_fields.ts";

/** One request. Fields that the dataset does not give are null. */
export interface RowRequest {
  prompt: string | null;
  messages: readonly unknown[] | null;
  /** Tokens of the prompt, if it is to be made up. */
  input_tokens: number | null;
  /** Tokens of the answer. */
  output_tokens: number | null;
  /** The prompt as blocks of tokens: equal ids are equal texts. */
  blocks: { ids: readonly number[]; tokens: number } | null;
  /** A complete body, sent as it is; a request template then says how to read the answer. */
  payload: Readonly<Record<string, unknown>> | null;
  /** Additional fields of the body. */
  body: Readonly<Record<string, unknown>>;
}

/** A later request of a session, like {@linkcode LaterStep} in prompts/session.ts. */
export interface RowStep extends RowRequest {
  /** A wait of null is the load's think time. */
  after: readonly { step: number; wait_s: number | null }[];
  history: number | null;
  answers?: readonly { message: number; step: number }[];
  agent?: string;
}

/** A single request, or a session that starts with it. */
export interface DatasetRow extends RowRequest {
  /** Its time in seconds, from any origin. */
  t_s: number | null;
  /** The later requests of the session, in order. */
  later: readonly RowStep[];
  /** The name of the session that it belongs to. */
  session: string | null;
}

/** A request with no field known. */
export const UNKNOWN_REQUEST: RowRequest = {
  prompt: null,
  messages: null,
  input_tokens: null,
  output_tokens: null,
  blocks: null,
  payload: null,
  body: {},
};

/** A row with no field known. */
export const UNKNOWN_ROW: DatasetRow = { ...UNKNOWN_REQUEST, t_s: null, later: [], session: null };

/** Returns steps in which the user replies to each answer, with the parameters of the first request. */
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

/** Returns every request of all rows, in order. */
export function requestsOf(rows: readonly DatasetRow[]): RowRequest[] {
  return rows.flatMap((row) => [row, ...row.later]);
}

/** Whether the dataset gives no text for a request, so that its prompt is made up. */
export function isMadeUp({ prompt, messages, payload }: RowRequest): boolean {
  return prompt === null && messages === null && payload === null;
}

/** Whether a row has nothing that could be sent. */
export function isEmpty(row: DatasetRow): boolean {
  return isMadeUp(row) && row.input_tokens === null;
}

/** Whether a row's prompt or answer has 0 tokens, which cannot be requested. */
export function isWithoutTokens({ input_tokens, output_tokens }: DatasetRow): boolean {
  return input_tokens === 0 || output_tokens === 0;
}

/** A form of datasets. */
export interface DatasetForm {
  /** Its usual name. */
  name: string;
  /** Whether a file whose first row has these fields is of this form. */
  has(names: ReadonlySet<string>, first: Readonly<Record<string, unknown>>): boolean;
  /**
   * Starts a file. Returns a function that reads each row in order: null means that the row is part
   * of another one, a list that it holds several.
   */
  begin(
    note: (text: string) => void,
    file: DatasetFile,
  ): (fields: RowFields) => DatasetRow | DatasetRow[] | null;
}

/** What a form may need to know about the whole file. */
export interface DatasetFile {
  /** The fields of every row. */
  all: readonly Readonly<Record<string, unknown>>[];
  /** The folder of the file; the files that its rows name must be in it or below it. */
  folder: string;
  /** Whether payloads are sent as they are, whatever they contain. */
  whole: boolean;
}
