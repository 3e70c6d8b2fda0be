/** numeric: the number that an answer settles on is the expected one. */
import { z } from "zod";
import { announcedIn, boxesIn, membersIn, tagsIn } from "./final_answer.ts";
import { numbersOf } from "./numbers.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";
import type { FinalPlace } from "./final_answer.ts";
import type { NumberFound } from "./numbers.ts";

const options = z.strictObject({
  expected: z.number(),
  /** Largest absolute difference. */
  tolerance: z.number().min(0).default(1e-9),
  /** Largest difference as a share of the expected value. */
  relative_tolerance: z.number().min(0).default(0),
  /** Which number counts. "last" and "first" look into the last box if there is one. */
  take: z.enum(["final", "last", "first"]).default("final"),
  /** What "25 %" is: the number 25, the share 0.25, or right as either. */
  percent: z.enum(["either", "number", "share"]).default("either"),
});

type Options = z.infer<typeof options>;

/** The number behind the last "=" of what is final, else the one it begins with, else its last. */
function finalNumber({ content, leads }: FinalPlace): NumberFound | undefined {
  const equal = content.lastIndexOf("=");
  const result = numbersOf(`=${content.slice(equal + 1)}`);
  return equal !== -1 ? result[0] ?? numbersOf(content).at(-1) : result.at(leads ? 0 : -1);
}

/**
 * The number that counts; undefined if there is none. `final`: the last that is boxed, tagged, behind
 * a key of JSON or announced ("the answer is 42"), else the last in the text.
 */
export function takenNumber(answer: string, take: Options["take"]): NumberFound | undefined {
  const boxes = boxesIn(answer);
  if (take !== "final") {
    const found = numbersOf(boxes.at(-1)?.content ?? answer);
    return take === "last" ? found.at(-1) : found[0];
  }
  const places = [...boxes, ...tagsIn(answer), ...membersIn(answer), ...announcedIn(answer)]
    .sort((a, b) => a.end - b.end);
  for (const place of places.reverse()) {
    const number = finalNumber(place);
    if (number) return number;
  }
  return numbersOf(answer).at(-1);
}

export const numeric: Evaluator<Options> = {
  name: "numeric",
  options: options as z.ZodType<Options>,
  evaluate({ response_text }, { expected, tolerance, relative_tolerance, take, percent }) {
    const found = takenNumber(response_text, take);
    if (found === undefined) return verdict("numeric", false, "no number in the answer");
    const allowed = Math.max(tolerance, relative_tolerance * Math.abs(expected));
    const readings = !found.percent || percent === "number"
      ? [found.value]
      : percent === "share"
      ? [found.value / 100]
      : [found.value, found.value / 100];
    const passed = readings.some((value) => Math.abs(value - expected) <= allowed);
    const said = `${found.value}${found.percent ? " %" : ""}`;
    return verdict("numeric", passed, `${said}, expected ${expected}`);
  },
};
