/** exact: the answer is one of the expected texts. */
import { z } from "zod";
import { listed, quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.union([z.string(), z.array(z.string()).min(1)]),
  case_sensitive: z.boolean().default(true),
});

/** Space at both ends is no difference; runs of space within are one. */
function plain(text: string, case_sensitive: boolean): string {
  const spaced = text.normalize("NFC").replace(/\s+/g, " ").trim();
  return case_sensitive ? spaced : spaced.toLowerCase();
}

export const exact: Evaluator<z.infer<typeof options>> = {
  name: "exact",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, case_sensitive }) {
    const answer = plain(response_text, case_sensitive);
    const passed = listed(expected).some((text) => plain(text, case_sensitive) === answer);
    const detail = passed
      ? `is ${quoted(answer)}`
      : `${quoted(answer)}, expected ${quoted(listed(expected).join(" or "))}`;
    return verdict("exact", passed, detail);
  },
};
