/** exact: the answer equals one of the expected texts. */
import { z } from "zod";
import { plainForm, someTexts, withoutCase } from "./text.ts";
import { listed, quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  /** The right answer, or several right answers. */
  expected: someTexts,
  case_sensitive: z.boolean().default(true),
  /** Ignores white space at both ends. */
  trim: z.boolean().default(true),
  /** Treats a run of white space, with or without line breaks, as one space. */
  normalise_whitespace: z.boolean().default(true),
});

type Options = z.infer<typeof options>;

function plain(text: string, { case_sensitive, trim, normalise_whitespace }: Options): string {
  let form = plainForm(text);
  if (trim) form = form.trim();
  if (normalise_whitespace) form = form.replace(/\s+/g, " ");
  return case_sensitive ? form : withoutCase(form);
}

/** Compares in Unicode's compatibility form (NFKC). */
export const exact: Evaluator<Options> = {
  name: "exact",
  options: options as z.ZodType<Options>,
  evaluate({ response_text }, options) {
    const answer = plain(response_text, options);
    const expected = listed(options.expected);
    const passed = expected.some((text) => plain(text, options) === answer);
    const detail = passed
      ? `is ${quoted(answer)}`
      : `${quoted(answer)}, expected ${expected.map((text) => quoted(text)).join(" or ")}`;
    return verdict("exact", passed, detail);
  },
};
