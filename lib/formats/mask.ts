/** Secrets in what other programs wrote: they are not copied. */
import { isJsonObject } from "../json_fields.ts";

const SECRET =
  /^(x[-_])?(authorization|api[-_]?key|(access|auth|bearer)[-_]?token|client[-_]?secret|secret|cookie|password|hf[-_]?token)$/i;
const SECRET_FLAG = /^--?([\w-]+)(=?)(.*)$/s;
const MASK = "***";

/** A copy in which texts under names such as `api_key`, and after such flags, are `***`. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((entry, i) => hidden(entry, value[i - 1]) ?? masked(entry));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      typeof entry === "string" && entry !== "" && SECRET.test(key) ? MASK : masked(entry),
    ]),
  );
}

/** In a command line: `--api-key=VALUE`, or the VALUE after `--api-key`. */
function hidden(entry: unknown, previous: unknown): string | null {
  if (typeof entry !== "string") return null;
  const [, name = "", equals] = SECRET_FLAG.exec(entry) ?? [];
  if (equals && SECRET.test(name)) return `--${name}=${MASK}`;
  const flag = typeof previous === "string" ? SECRET_FLAG.exec(previous) : null;
  return flag && !flag[2] && SECRET.test(flag[1]) && !entry.startsWith("-") ? MASK : null;
}
