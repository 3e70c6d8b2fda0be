/** Recognises the kind of a file by the fields that no other kind has. */
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { asObject, type JsonObject } from "../json_fields.ts";

/** A kind of file. */
interface FileKind {
  /** Its name for people. */
  what: string;
  /** Its names in `dyno schema`. */
  forms: readonly string[];
  /** The command that runs it. */
  command: string;
}

const KINDS = {
  suite: { what: "a suite of tests", forms: ["suite", "row-suite"], command: "dyno run" },
  batch: { what: "a batch", forms: ["batch"], command: "dyno batch run" },
  sweep: { what: "a sweep", forms: ["sweep"], command: "dyno sweep --config" },
  load: { what: "a load", forms: ["load"], command: "dyno load" },
  experiment: { what: "an experiment", forms: ["experiment"], command: "dyno run" },
  scenarios: { what: "scenarios", forms: ["integration"], command: "dyno integration" },
} satisfies Record<string, FileKind>;

/** A kind, and a field by which it is recognised. */
type Rule = [kind: keyof typeof KINDS, field: string, also?: (fields: JsonObject) => boolean];

const has = (...names: string[]) => (fields: JsonObject) =>
  names.some((name) => Object.hasOwn(fields, name));
const setsLoad = has("endpoint", "provider", "duration_s", "duration", "requests");

/** The rules in order; the first match counts. */
const RULES: readonly Rule[] = [
  ["suite", "test_suite_id"],
  ["suite", "tests", ({ tests }) => Array.isArray(tests) && typeof tests[0] === "object"],
  ["suite", "rows", has("test")],
  ["scenarios", "scenarios"],
  ["batch", "industries"],
  ["sweep", "matrix", has("command", "sim_binary", "common_args")],
  [
    "load",
    "kind",
    (fields) => fields.kind === "load" && (!has("matrix")(fields) || setsLoad(fields)),
  ],
  ["experiment", "suite"],
];

/**
 * The kind of a file, and the field by which it was recognised; null when there is none. A misspelt field
 * counts as the nearest known field.
 */
export function fileKind(
  value: unknown,
): FileKind & { name: keyof typeof KINDS; by: string } | null {
  const fields = asObject(value) ?? {};
  const written = Object.keys(fields);
  const meant = new Map(written.map((name) => [nearestOf(name, fields) ?? name, name]));
  const known = Object.fromEntries([...meant].map(([name, own]) => [name, fields[own]]));
  const rule = RULES.find(([, field, also = () => true]) => has(field)(known) && also(known));
  return rule === undefined ? null : { ...KINDS[rule[0]], name: rule[0], by: meant.get(rule[1])! };
}

/** Fields that show a kind, alone or together with another. */
const TELLING = [...new Set(RULES.map(([, field]) => field)), "test", "command", "common_args"];

/** How many letters of a short and of a long name may be misspelt. */
const SLIPS = { short: 1, long: 2 };
const LONG = 5;

/** The field that a misspelt field was meant to be, unless the file has that field too. */
function nearestOf(name: string, fields: JsonObject): string | undefined {
  if (TELLING.includes(name)) return undefined;
  return TELLING.filter((known) => !Object.hasOwn(fields, known))
    .map((known) => ({ known, slips: levenshteinDistance(name, known) }))
    .filter(({ known, slips }) => slips <= (known.length < LONG ? SLIPS.short : SLIPS.long))
    .sort((a, b) => a.slips - b.slips)[0]?.known;
}
