/** Parses Prometheus text 0.0.4 and OpenMetrics, as servers expose it at /metrics. */

/** A line with a value. */
export interface PrometheusSample {
  name: string;
  /** Label values, unescaped. */
  labels: Record<string, string>;
  /** May be NaN or infinite. */
  value: number;
}

/** The parts of an exposition that could be read. */
export interface Exposition {
  /** In the order of the text. */
  samples: PrometheusSample[];
  /** Lines that are neither sample, comment nor empty. */
  malformed_lines: number;
}

/** Longer lines are not samples of any server, and are skipped without parsing. */
const LONGEST_LINE = 64 * 1024;

/** An empty line, or an indented comment. */
const BLANK = /^[ \t]*(?:#|$)/;
const NAME = /[ \t]*([a-zA-Z_:][\w:]*)[ \t]*/y;
const LABEL = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,?)[ \t]*/y;
const CLOSE = /[ \t]*\}[ \t]*/y;
/** Value, timestamp, exemplar. */
const REST = /(\S+)(?:[ \t]+[-+]?[\d.]+(?:e[-+]?\d+)?)?(?:[ \t]+#[ \t]*\{.*)?[ \t]*$/iy;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const INFINITE = /^[-+]?inf(?:inity)?$/i;
const NOT_A_NUMBER = /^[-+]?nan$/i;

/**
 * Parses an exposition; never throws. Comments (HELP, TYPE, UNIT, EOF), timestamps and exemplars
 * are skipped; malformed lines are left out and counted.
 *
 * @param names only lines that begin with one of these names are parsed; default: all. Most of an
 * inference server's page is histogram buckets.
 */
export function parseExposition(text: string, names?: ReadonlySet<string>): Exposition {
  const samples: PrometheusSample[] = [];
  let malformed_lines = 0;
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf("\n", start);
    const end = feed < 0 ? text.length : feed;
    const line = text.slice(start, text[end - 1] === "\r" ? end - 1 : end);
    start = end + 1;
    if (line.startsWith("#") || (names && !names.has(nameOf(line))) || BLANK.test(line)) continue;
    const sample = line.length > LONGEST_LINE ? null : parseLine(line);
    if (sample === null) malformed_lines++;
    else samples.push(sample);
  }
  return { samples, malformed_lines };
}

/** The name at the start of a line; "" for none. */
function nameOf(line: string): string {
  const name = matchAt(NAME, line, 0);
  return name ? name[1] : "";
}

/** Parses a line; null if it is malformed. */
function parseLine(line: string): PrometheusSample | null {
  const name = matchAt(NAME, line, 0);
  if (!name) return null;
  let at = name[0].length;
  const labels: Record<string, string> = Object.create(null);
  if (line[at] === "{") {
    const end = readLabels(line, at + 1, labels);
    if (end < 0) return null;
    at = end;
  } else if (!/[ \t]$/.test(name[0])) {
    return null; // the name is not separated from the value
  }
  const rest = matchAt(REST, line, at);
  const value = rest && parseValue(rest[1]);
  return value === null ? null : { name: name[1], labels, value };
}

/** Fills in the labels; returns the offset after the closing brace and blanks, −1 if malformed. */
function readLabels(line: string, from: number, labels: Record<string, string>): number {
  let at = from;
  for (let comma = ","; comma === ",";) {
    const label = matchAt(LABEL, line, at);
    if (!label) break;
    labels[label[1]] = unescape(label[2]);
    at += label[0].length;
    comma = label[3];
  }
  const close = matchAt(CLOSE, line, at);
  return close ? at + close[0].length : -1;
}

function parseValue(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  if (INFINITE.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(text) ? NaN : null;
}

/** Resolves `\\`, `\"` and `\n`; any other backslash is kept. */
function unescape(value: string): string {
  if (!value.includes("\\")) return value;
  return value.replace(/\\([\\"n])/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
}

function matchAt(sticky: RegExp, line: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(line);
}
