/** What a measured quantity is made of. */

/** What sort of quantity it is: it decides how a value is written, and how two are held together. */
export type MeasureKind =
  | "latency"
  | "rate"
  | "share"
  | "percent"
  | "count"
  | "money"
  | "duration"
  | "energy"
  | "power"
  | "temperature"
  | "frequency"
  | "bytes";

/** A quantity. */
export interface Measure {
  /** As in results and flags, with its unit: `ttft_ms`. */
  name: string;
  /** As people say it. */
  term: string;
  /** What others call it, in short; null where they say the same. */
  alias: string | null;
  kind: MeasureKind;
  /** As it stands in the head of a table; empty for a bare number. */
  unit: string;
  /** Null where neither is better. */
  better: "lower" | "higher" | null;
  /** What one value is of: what is drawn when an interval is made. */
  of: "request" | "problem" | "run" | "token gap" | "sample" | "probe";
  /** Where it is measured. */
  where: readonly ("suite" | "load" | "hardware" | "server")[];
  /** How it is computed; null where its definition is all. */
  formula: string | null;
  /** One line: that of docs/metrics.md, and the reports'. `code` between backticks. */
  definition: string;
  /** Whose definition it is; null: dyno's own. */
  source: string | null;
  /** What it is unknown without. */
  needs: string;
}

/** Of a kind, where none is given. */
const UNITS: Record<MeasureKind, string> = {
  latency: "ms",
  rate: "/s",
  share: "%",
  percent: "%",
  count: "",
  money: "USD",
  duration: "s",
  energy: "J",
  power: "W",
  temperature: "°C",
  frequency: "MHz",
  bytes: "bytes",
};

type Latency =
  & Pick<Measure, "name" | "term" | "definition" | "formula" | "needs">
  & Partial<Measure>;

/** A length of time of a request, in milliseconds: less is better. */
export const latency = (fields: Latency): Measure => ({
  kind: "latency",
  unit: UNITS.latency,
  alias: null,
  better: "lower",
  of: "request",
  where: ["load"],
  source: null,
  ...fields,
});

type Other = Pick<Measure, "name" | "term" | "better" | "definition" | "needs"> & Partial<Measure>;

/** A measure of another kind, with what most of that kind have. */
export const of = (kind: MeasureKind, where: Measure["where"], fields: Other): Measure => ({
  kind,
  unit: UNITS[kind],
  alias: null,
  where,
  of: kind === "rate" ? "request" : kind === "share" ? "problem" : "run",
  formula: null,
  source: null,
  ...fields,
});
