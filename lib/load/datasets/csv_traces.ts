/**
 * Traces of lengths in CSV: BurstGPT (github.com/HPMLL/BurstGPT), with times in seconds, and
 * Azure's (github.com/Azure/AzurePublicDataset), whose dates are taken as UTC unless they give an
 * offset.
 */
import { type DatasetForm, UNKNOWN_ROW } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

/** BurstGPT's form. A failed request has 0 output tokens. */
export const burstgptForm: DatasetForm = {
  name: "burstgpt",
  has: (names) => hasAll(names, ["Timestamp", "Request tokens", "Response tokens"]),
  begin: () => (fields) => {
    fields.value("Total tokens"); // their sum
    return {
      ...UNKNOWN_ROW,
      t_s: needed(fields, "Timestamp", fields.time("Timestamp", "seconds"), "a number of seconds"),
      input_tokens: tokens(fields, "Request tokens"),
      output_tokens: tokens(fields, "Response tokens"),
      session: fields.name("Session ID"),
    };
  },
};

/** The form of Azure's traces of 2023 and 2024. */
export const azureForm: DatasetForm = {
  name: "azure",
  has: (names) => hasAll(names, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]),
  begin: () => (fields) => ({
    ...UNKNOWN_ROW,
    t_s: dateSeconds(fields, "TIMESTAMP"),
    input_tokens: tokens(fields, "ContextTokens"),
    output_tokens: tokens(fields, "GeneratedTokens"),
  }),
};

const hasAll = (names: ReadonlySet<string>, wanted: readonly string[]) =>
  wanted.every((name) => names.has(name));

function tokens(fields: RowFields, name: string): number {
  return needed(fields, name, fields.count(name), "a whole number of tokens from 0");
}

function needed(fields: RowFields, name: string, value: number | null, expected: string): number {
  if (value !== null) return value;
  throw fields.complaint(`${name}: ""; expected ${expected}`);
}

/** Converts a date to seconds since 1970, with all its decimals (Date.parse keeps only milliseconds). */
function dateSeconds(fields: RowFields, name: string): number {
  const cell = fields.value(name) ?? "";
  const parts = /^\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?\s*$/.exec(
    String(cell),
  );
  const [, date, time, fraction = "", offset = "Z"] = parts ?? [];
  const seconds = Date.parse(`${date}T${time}${offset}`) / 1000 + Number(`0${fraction}`);
  if (Number.isFinite(seconds)) return seconds;
  throw fields.complaint(
    `${name}: "${cell}"; expected a date such as "2023-11-16 18:15:46.6805900"`,
  );
}
