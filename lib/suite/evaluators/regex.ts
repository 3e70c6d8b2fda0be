/** regex: a JavaScript regular expression is found in the answer. */
import { z } from "zod";
import { quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

/** Bounds the time of a pattern that backtracks much. */
const LONGEST_ANSWER = 100_000;

const options = z.strictObject({
  pattern: z.string().min(1),
  /** Of JavaScript: i, m, s, u, v. */
  flags: z.string().regex(/^[imsuv]*$/, "flags may be i, m, s, u, v").default(""),
}).superRefine(({ pattern, flags }, context) => {
  try {
    new RegExp(pattern, flags);
  } catch (error) {
    context.addIssue({ code: "custom", path: ["pattern"], message: (error as Error).message });
  }
});

export const regex: Evaluator<z.infer<typeof options>> = {
  name: "regex",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { pattern, flags }) {
    const found = new RegExp(pattern, flags).exec(response_text.trim().slice(0, LONGEST_ANSWER));
    return verdict(
      "regex",
      found !== null,
      found ? `found ${quoted(found[0])}` : `/${pattern}/${flags} not found`,
    );
  },
};
