/** multiple_choice: the answer's final choice is the expected letter. */
import { z } from "zod";
import { judgedInTime } from "./bounded_time.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.string().regex(/^[A-Za-z]$/, "expected one letter"),
  /** How many choices there are, from A on. */
  choices: z.int().min(2).max(26).default(26),
});

export const multipleChoice: Evaluator<z.infer<typeof options>> = {
  name: "multiple_choice",
  options: options as z.ZodType<z.infer<typeof options>>,
  async evaluate({ response_text }, { expected, choices }) {
    const { chosenLetter } = await import("./choice_reader.ts"); // many patterns
    const chosen = judgedInTime(
      "multiple_choice",
      response_text,
      () => chosenLetter(response_text, choices),
    );
    if (chosen === null) return verdict("multiple_choice", false, "no clear choice");
    const wanted = expected.toUpperCase();
    return verdict("multiple_choice", chosen === wanted, `chose ${chosen}, expected ${wanted}`);
  },
};
