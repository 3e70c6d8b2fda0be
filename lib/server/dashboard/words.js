/** Formats numbers and times; unknown is a dash, as in the reports. */

export const UNKNOWN = "–";

const isKnown = (value) => typeof value === "number" && Number.isFinite(value);

/** Three or four significant digits, with thousands separated. */
export function short(value) {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size >= 1000 || size === 0) return Math.round(value).toLocaleString("en");
  return value.toFixed(
    size >= 100 ? 1 : size >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size))),
  );
}

/** The same with its unit, which an unknown value does not have. */
export function withUnit(value, unit) {
  return isKnown(value) ? `${short(value)} ${unit}` : UNKNOWN;
}

/** A whole number. */
export function count(value) {
  return isKnown(value) ? value.toLocaleString("en") : UNKNOWN;
}

/** A number and its noun. */
export function counted(value, noun, nouns = `${noun}s`) {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

/** A share between 0 and 1 as a percentage; small ones have two decimals. */
export function percent(share) {
  const digits = share !== 0 && Math.abs(share) < 0.01 ? 2 : 1;
  return isKnown(share) ? `${(100 * share).toFixed(digits)} %` : UNKNOWN;
}

/** The pass rates of several modes of asking; null if a run has only one. */
export function passRates({ modes = [] }) {
  if (modes.length < 2) return null;
  return modes.map(({ mode, pass_rate }) => `${mode} ${percent(pass_rate?.value)}`);
}

/** `10 not judged`: answers whose evaluator failed; empty if there are none. */
export function notJudged({ not_judged }) {
  return not_judged ? `${count(not_judged)} not judged` : "";
}

export function dollars(value) {
  if (!isKnown(value)) return UNKNOWN;
  const decimals = value > 0 ? Math.max(4, 2 - Math.floor(Math.log10(value))) : 4;
  const text = value.toFixed(Math.min(decimals, 20)).replace(/(\.\d{4}\d*?)0+$/, "$1");
  return `$${text}`; // the same as lib/text/dollars.ts
}

/** Seconds in words. */
export function seconds(value) {
  if (!isKnown(value)) return UNKNOWN;
  if (value < 60) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment in the reader's own time zone: 2027-01-31 12:00. */
export function moment(unix_s) {
  if (!isKnown(unix_s)) return UNKNOWN;
  const time = new Date(unix_s * 1000);
  const two = (part) => String(part).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` +
    `${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** How long ago a moment was. */
export function ago(unix_s) {
  if (!isKnown(unix_s)) return UNKNOWN;
  const passed_s = Math.max(0, Date.now() / 1000 - unix_s);
  if (passed_s < 60) return "now";
  if (passed_s < 3600) return `${Math.floor(passed_s / 60)} min ago`;
  if (passed_s < 48 * 3600) return `${Math.floor(passed_s / 3600)} h ago`;
  return `${Math.floor(passed_s / 86_400)} days ago`;
}

/** Bytes in units of 1024. */
export function bytes(value) {
  if (!isKnown(value)) return UNKNOWN;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}

/** Names a suite or load; a load with what it sends, because most loads have the same name. */
export function suiteOrLoad({ benchmark, shape }) {
  return [benchmark, shape].filter(Boolean).join(", ");
}
