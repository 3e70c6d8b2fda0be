/** multiple_choice: the choice that the answer settles on is the expected letter. */
import { z } from "zod";
import { chosenLetter } from "./choice_reader.ts";
import { chosenChoice } from "./choice_texts.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.string().regex(/^[A-Za-z]$/, "expected one letter"),
  /** The number of choices, from A on; or their texts, so that naming a choice's text counts too. */
  choices: z.union([z.int().min(2).max(26), z.array(z.coerce.string()).min(2).max(26)])
    .default(26),
});

export const multipleChoice: Evaluator<z.infer<typeof options>> = {
  name: "multiple_choice",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, choices }) {
    const chosen = typeof choices === "number"
      ? chosenLetter(response_text, choices)
      : chosenChoice(response_text, choices);
    if (chosen === null) return verdict("multiple_choice", false, "no clear choice");
    const wanted = expected.toUpperCase();
    return verdict("multiple_choice", chosen === wanted, `chose ${chosen}, expected ${wanted}`);
  },
};
