/** contains: the answer has all, or any, of the expected texts. */
import { z } from "zod";
import { folded, someTexts } from "./text.ts";
import { listed, quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: someTexts,
  mode: z.enum(["all", "any"], { error: 'expected "all" or "any"' }).default("all"),
  case_sensitive: z.boolean().default(false),
});

/**
 * Looks for the texts in the answer, inside words too: "ls" is in "else". For whole words use `regex`
 * (`\bls\b`). Differences in forms of letters (NFKC), white space, quotation marks and hyphens are
 * ignored.
 */
export const contains: Evaluator<z.infer<typeof options>> = {
  name: "contains",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, mode, case_sensitive }) {
    const answer = folded(response_text, case_sensitive);
    const texts = listed(expected);
    const missing = texts.filter((text) => !answer.includes(folded(text, case_sensitive)));
    const passed = mode === "all" ? missing.length === 0 : missing.length < texts.length;
    const detail = missing.length === 0
      ? "holds every expected text"
      : `without ${missing.map((text) => quoted(text)).join(", ")}`;
    return verdict("contains", passed, detail);
  },
};
