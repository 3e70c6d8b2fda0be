/** regex: a JavaScript regular expression matches the answer. */
import { z } from "zod";
import { boundedSearch, patternFault, patternFlags, patternText } from "./bounded_search.ts";
import { quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  pattern: patternText,
  flags: patternFlags.default(""),
}).superRefine((given, context) => {
  const fault = patternFault(given);
  if (fault) context.addIssue({ code: "custom", path: ["pattern"], message: fault });
});

/**
 * Searches the trimmed answer. An empty answer is wrong under every pattern, even one that only forbids
 * something, such as `^(?!.*sorry)`. A search that exceeds its time limit is a failed evaluation.
 */
export const regex: Evaluator<z.infer<typeof options>> = {
  name: "regex",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { pattern, flags }) {
    const answer = response_text.trim();
    if (answer === "") return verdict("regex", false, "the answer is empty");
    const found = boundedSearch({ pattern, flags }, answer);
    return verdict(
      "regex",
      found !== null,
      found === null ? `/${pattern}/${flags} not found` : `found ${quoted(found)}`,
    );
  },
};
