/** Service-level objectives (SLOs) of a single request, such as ttft:500 or gap_p99:50. */
import { InputError } from "../errors.ts";
import { latenciesOf } from "../measures/measures.ts";
import { DURATION_FORM, parseDuration } from "../text/duration.ts";
import { didYouMean } from "../text/nearest.ts";

/** The times that an objective can limit, all in milliseconds. */
export type SloMetric = "ttft" | "ttft_intended" | "tpot" | "e2e" | "e2e_intended" | "gap_p99";

/** The names of these times. */
const SLO_METRICS: readonly SloMetric[] = [
  "ttft",
  "ttft_intended",
  "tpot",
  "e2e",
  "e2e_intended",
  "gap_p99",
];

/** A service-level objective: a limit on a time of each request. */
export interface Slo {
  /** The time that is limited; gap_p99 is the 99th percentile of the request's gaps. */
  metric: SloMetric;
  /** The highest value that meets it, ms. */
  limit_ms: number;
}

/** A request's values, ms; null: unknown, so that no objective on it is met. */
export type SloValues = Record<Slo["metric"], number | null>;

/**
 * Reads `METRIC:TIME`, in ms if no unit is given; `=`, `<` and `<=` may stand for the colon.
 *
 * @throws {InputError} an unknown metric, or a time that is not above 0.
 */
export function parseSlo(text: string): Slo {
  const [, name, limit = ""] = /^\s*([^:=<≤]*?)\s*(?:(?::|<=?|≤|=)(.*))?$/s.exec(text)!;
  const metric = SLO_METRICS.find((known) => known === name);
  const limit_ms = parseDuration(limit, "ms");
  if (metric === undefined || limit_ms === null || !(limit_ms > 0)) throw wrongObjective(text);
  return { metric, limit_ms };
}

/** The latency in a text that may be an objective: `p99(ttft)`, `p99 ttft`, `mean(ttft)`, `ttft`. */
const CALLED = /^([a-z]*?)(-?\d[\d.,]*)?%?[\s(]*([a-z]\w*)\s*\)?$/i;
/** The same with the quantile at the end: `ttft_p99_9_ms`, `ttft.p99`, `ttft p99`. */
const NAMED = /^([a-z]\w*?)(?:_ms)?[_. ]p(\d[\d._,]*)(?:_ms)?$/i;
const EXAMPLES = "write ttft:500ms, which is asked of each request, or p99(ttft)<300ms, of the run";

/** Returns the error for a malformed objective: what is wrong with it, and what to write. */
export function wrongObjective(text: string): InputError {
  const wrong = (why: string, todo = EXAMPLES) =>
    new InputError(`--slo: "${text}": ${why}; ${todo}`);
  const [left, operator = "", limit = "", ...more] = text.trim()
    .replace(/^(\S+)\s+(\d\S*)$/, "$1:$2").split(/\s*([<>=≤≥:]+)\s*/);
  if (left === "") return wrong("there is no objective");
  if (more.length > 0 || /[,;&]\s*[a-z]/i.test(left)) {
    return wrong(
      "more than one objective",
      "give each by itself: --slo again, or another text in the list of a file",
    );
  }
  if (parseDuration(left, "ms") !== null) {
    return wrong("the latency comes first, then its limit");
  }
  const [, stem = null, rank = ""] = NAMED.exec(left) ?? [];
  const [, word = "", number, called = left] = CALLED.exec(left) ?? [];
  const isNamed = stem !== null && left !== "gap_p99";
  const asked = isNamed ? rank.replace("_", ".") : number;
  const given = isNamed ? stem : called;
  const name = given.toLowerCase().replace(/_ms$/, "");
  const latencies = latenciesOf("load").map((each) => each.name.replace(/_ms$/, ""));
  const known = asked === undefined && word === "" ? SLO_METRICS : latencies;
  if (latenciesOf("load").some(({ alias }) => alias?.toLowerCase() === name)) {
    return wrong(`${given} is called gap`, "write gap_p99:50ms or p99(gap)<50ms");
  }
  if (!(known as readonly string[]).includes(name)) {
    if (latencies.includes(name)) {
      return wrong(
        name === "gap" ? "an answer has many gaps" : `${name} can only be asked of the whole run`,
        `write ${name === "gap" ? "gap_p99:50ms or " : ""}p99(${name})<50ms`,
      );
    }
    return wrong(
      `"${given}" is none of ${known.join(", ")}`,
      (didYouMean(given, known) || `; ${EXAMPLES}`).slice(2),
    );
  }
  const time = (parseDuration(limit, "ms") ?? 0) > 0 ? limit : "300ms";
  const write = (quantile: string | undefined) =>
    `write ${quantile === undefined ? `${name}:${time}` : `p${quantile}(${name})<${time}`}`;
  const share = asked?.replace(",", ".");
  if (share !== undefined && !(Number(share) > 0 && Number(share) < 100)) {
    const digits = /^[1-9]\d{2,}$/.test(share) && !share.startsWith("100");
    return wrong(
      `p${asked} is not between p0 and p100`,
      `did you mean p${
        digits ? Number(`${share.slice(0, 2)}.${share.slice(2)}`) : share === "100" ? "99.9" : "99"
      }(${name})<${time}?`,
    );
  }
  if (share === undefined && word !== "") {
    const middle = /^(median|mean|avg|average)$/i.test(word);
    return wrong(`a quantile is written p50 or p99, not ${word}`, write(middle ? "50" : "99"));
  }
  if (/>|≥/.test(operator)) {
    return wrong("an objective is the most that a latency may be, not the least", write(share));
  }
  if (limit === "") return wrong("there is no limit", write(share));
  if (time !== limit) {
    return wrong(
      `"${limit}" is not a limit; expected ${DURATION_FORM}, or milliseconds`,
      write(share),
    );
  }
  return wrong("not the form of an objective", write(share));
}

/** Formats an objective for people. */
export function sloText({ metric, limit_ms }: Slo): string {
  return `${metric} ≤ ${limit_ms} ms`;
}

/** The outcome of a request's objectives; those in neither list were met. */
export interface Judged {
  /** Objectives whose value was above the limit. */
  missed: Slo[];
  /** Objectives whose value is unknown. */
  unknown: Slo[];
}

/** Judges a request's values by its objectives. */
export function judgeSlos(slos: readonly Slo[], values: SloValues): Judged {
  const missed: Slo[] = [], unknown: Slo[] = [];
  for (const slo of slos) {
    const value = values[slo.metric];
    if (value === null) unknown.push(slo);
    else if (value > slo.limit_ms) missed.push(slo);
  }
  return { missed, unknown };
}
