/** numeric: the number that an answer settles on is the expected one. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { takenNumber } from "./taken_number.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.number(),
  /** Largest absolute difference. */
  tolerance: z.number().min(0).default(1e-9),
  /** Largest difference as a share of the expected value. */
  relative_tolerance: z.number().min(0).default(0),
  /** Which number counts. "last" and "first" look in the last box if there is one. */
  take: z.enum(["final", "last", "first"]).default("final"),
  /** How to read "25 %": as the number 25, as the share 0.25, or as either. */
  percent: z.enum(["either", "number", "share"]).default("either"),
});

type Options = z.infer<typeof options>;

export const numeric: Evaluator<Options> = {
  name: "numeric",
  options: options as z.ZodType<Options>,
  prepare({ expected, tolerance, relative_tolerance }) {
    if (Math.abs(expected) > Number.MAX_SAFE_INTEGER && tolerance < 1 && relative_tolerance === 0) {
      throw new InputError(
        `expected: ${expected} is above 2^53, where a number here loses its last digits; ` +
          'give a relative_tolerance, or use "math", which compares all digits of a text',
      );
    }
    return Promise.resolve();
  },
  evaluate({ response_text }, { expected, tolerance, relative_tolerance, take, percent }) {
    const found = takenNumber(response_text, take);
    if (found === undefined) return verdict("numeric", false, "no single number in the answer");
    const allowed = Math.max(tolerance, relative_tolerance * Math.abs(expected));
    const values = [found.value, ...(found.about === undefined ? [] : [found.about])];
    const readings = !found.percent || percent === "number"
      ? values
      : percent === "share"
      ? values.map((value) => value / 100)
      : values.flatMap((value) => [value, value / 100]);
    const passed = readings.some((value) => Math.abs(value - expected) <= allowed);
    const said = `${found.value}${found.percent ? " %" : ""}`;
    return verdict("numeric", passed, `${said}, expected ${expected}`);
  },
};
