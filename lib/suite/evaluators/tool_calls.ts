/** tool_calls: the model calls the expected tools with the expected arguments. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { someText } from "./text.ts";
import { hits, quoted } from "./verdict.ts";
import { isJsonObject } from "../../json_fields.ts";
import { parseDigits } from "../../lost_digits.ts";
import type { Evaluator } from "../evaluator.ts";

const call = z.strictObject({
  name: someText,
  /** When left out, any arguments match. */
  arguments: z.record(z.string(), z.unknown()).optional(),
});

const options = z.strictObject({
  /** The expected calls; an empty list means that no tool may be called. */
  expected: z.array(call),
  /** Whether they must come in this order. */
  ordered: z.boolean().default(false),
  /** "exact": these arguments and no others; "subset": other arguments are allowed too. */
  arguments: z.enum(["exact", "subset"]).default("exact"),
  /** Whether additional calls are allowed. */
  allow_more: z.boolean().default(false),
});

type Options = z.infer<typeof options>;
type Call = z.infer<typeof call>;
type Given = { name: string; arguments: unknown };

/** Parses arguments as JSON; undefined when they are not JSON. An empty text means `{}`. */
function parsed(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return parseDigits(text);
  } catch {
    return undefined;
  }
}

/** Whether two values are the same; with "subset", objects at any depth may have more keys. */
function matches(expected: unknown, given: unknown, subset: boolean): boolean {
  if (!subset || !isJsonObject(expected)) return isDeepStrictEqual(expected, given);
  return isJsonObject(given) &&
    Object.entries(expected).every(([name, value]) =>
      Object.hasOwn(given, name) && matches(value, given[name], true)
    );
}

/** The number of expected calls that were made. Each call counts once, with the best possible matching. */
function paired(expected: readonly Call[], given: readonly Given[], options: Options): number {
  const fits = (wanted: Call, call: Given) =>
    wanted.name === call.name &&
    (wanted.arguments === undefined
      ? call.arguments !== undefined
      : matches(wanted.arguments, call.arguments, options.arguments === "subset"));
  if (options.ordered) { // the longest common subsequence
    const rows = [new Array(given.length + 1).fill(0)];
    expected.forEach((wanted, i) => {
      const row = [0];
      given.forEach((call, j) =>
        row.push(fits(wanted, call) ? rows[i][j] + 1 : Math.max(rows[i][j + 1], row[j]))
      );
      rows.push(row);
    });
    return rows.at(-1)!.at(-1)!;
  }
  const taken = new Map<number, number>(); // augmenting paths
  const place = (i: number, seen: Set<number>): boolean =>
    given.some((call, j) => {
      if (seen.has(j) || !fits(expected[i], call)) return false;
      seen.add(j);
      if (taken.has(j) && !place(taken.get(j)!, seen)) return false;
      taken.set(j, i);
      return true;
    });
  return expected.filter((_, i) => place(i, new Set())).length;
}

/**
 * Judges the calls that the endpoint sent separately from the text. Arguments are compared as JSON
 * values.
 */
export const toolCalls: Evaluator<Options> = {
  name: "tool_calls",
  options: options as z.ZodType<Options>,
  evaluate({ tool_calls = [] }, options) {
    const { expected, allow_more } = options;
    const given = tool_calls.map(({ name, arguments: text }) => ({
      name,
      arguments: parsed(text),
    }));
    const found = paired(expected, given, options);
    const more = given.length - found;
    const calls = tool_calls.map(({ name, arguments: text }) => `${name}(${text})`).join(", ");
    const detail = `${found} of ${expected.length} calls` +
      `${more ? `, ${more} other` : ""}; called ${calls === "" ? "none" : quoted(calls, 200)}`;
    const isClean = more === 0 || allow_more;
    const judged = hits("tool_calls", found, Math.max(1, expected.length), 1, detail);
    if (expected.length === 0) return hits("tool_calls", isClean ? 1 : 0, 1, 1, detail);
    return { ...judged, passed: judged.passed && isClean };
  },
};
