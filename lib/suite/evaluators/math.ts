/** math: the answer's result has the expected meaning: expressions, intervals, sets, tuples, equations. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { sameMathematics } from "./math_equal.ts";
import { comparedWords, differInUnit, mathematicsOf } from "./math_parse.ts";
import { resultIn } from "./math_result.ts";
import { someTexts } from "./text.ts";
import { listed, quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const unmarked = (text: string) => text.replace(/[.$*]+/g, "");

const options = z.strictObject({
  /** The right result in LaTeX or plain text, or several right results. */
  expected: someTexts,
});

/** Compares values at points, not the notation: `0.5`, `\frac{2}{4}` and `1/2` are the same. */
export const math: Evaluator<z.infer<typeof options>> = {
  name: "math",
  options: options as z.ZodType<z.infer<typeof options>>,
  prepare({ expected }) {
    const empty = listed(expected).find((text) => text.replace(/[$\s]/g, "") === "");
    if (empty !== undefined) throw new InputError(`expected: ${quoted(empty)} has no mathematics`);
    return Promise.resolve();
  },
  evaluate({ response_text }, { expected }) {
    const result = resultIn(response_text);
    const answer = mathematicsOf(result);
    const passed = listed(expected).some((text) => {
      const wanted = mathematicsOf(text);
      // `True` matches `\\text{true}`
      if (wanted.kind === "words" && wanted.text === comparedWords(unmarked(result))) return true;
      if (answer.kind === "words" && answer.text === comparedWords(unmarked(text))) return true;
      return !differInUnit(text, result) && sameMathematics(wanted, answer);
    });
    const wanted = listed(expected).map((text) => quoted(text)).join(" or ");
    return verdict(
      "math",
      passed,
      passed ? `is ${quoted(result)}` : `${quoted(result)}, expected ${wanted}`,
    );
  },
};
