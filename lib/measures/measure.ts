/** The description of a measured quantity. */

/** The kind of a quantity, which decides how its values are written and compared. */
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

/** A measured quantity. */
export interface Measure {
  /** The name in results and flags, including the unit: `ttft_ms`. */
  name: string;
  /** The name for people. */
  term: string;
  /** The short name that others use; null where it is the same. */
  alias: string | null;
  kind: MeasureKind;
  /** The unit as in the head of a table; empty for a bare number. */
  unit: string;
  /** Null where neither is better. */
  better: "lower" | "higher" | null;
  /** What has one value each; intervals are computed by resampling these. */
  of: "request" | "problem" | "run" | "token gap" | "sample" | "probe";
  /** Where it is measured. */
  where: readonly ("suite" | "load" | "hardware" | "server")[];
  /** How it is computed; null where the definition says it all. */
  formula: string | null;
  /** The definition in one line, for docs/metrics.md and reports. May contain `code` in backticks. */
  definition: string;
  /** The source of the definition; null: dyno itself. */
  source: string | null;
  /** What must be present, without which the value is unknown. */
  needs: string;
}

/** Default units by kind. */
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

/** Returns a measure of a request's time, in milliseconds, of which less is better. */
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

/** Returns a measure of another kind, with that kind's usual values as defaults. */
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
