/** What a row of a dataset asks for, whatever form it has. */
import type { RowFields } from "./row_fields.ts";

/** One request, or the turns of a conversation. What the dataset does not tell is null. */
export interface DatasetRow {
  /** Seconds from whatever the dataset counts from. */
  t_s: number | null;
  prompt: string | null;
  messages: readonly unknown[] | null;
  /** What the user says after each answer, in order. */
  turns: readonly string[];
  /** Tokens of the prompt, where it is to be made up. */
  input_tokens: number | null;
  /** Tokens that the answer is to have. */
  output_tokens: number | null;
  /** Blocks of the prompt's tokens: equal ids are equal texts. */
  blocks: { ids: readonly number[]; tokens: number } | null;
  /** Requests of one session have one name. */
  session: string | null;
  /** Further fields of the request's body. */
  body: Readonly<Record<string, unknown>>;
}

/** A row of which nothing is known. */
export const UNKNOWN_ROW: DatasetRow = {
  t_s: null,
  prompt: null,
  messages: null,
  turns: [],
  input_tokens: null,
  output_tokens: null,
  blocks: null,
  session: null,
  body: {},
};

/** A form of datasets. */
export interface DatasetForm {
  /** How people call it. */
  name: string;
  /** Whether a first row with such fields is of this form. */
  has(names: ReadonlySet<string>): boolean;
  /** Begins a file; what it gives reads each row, in the order of the file. */
  begin(note: (text: string) => void): (fields: RowFields) => DatasetRow;
}
