/** Which of an answer's numbers counts. */
import { announcedIn, boxesIn, membersIn, tagsIn } from "./final_answer.ts";
import { numbersOf } from "./numbers.ts";
import type { FinalPlace } from "./final_answer.ts";
import type { NumberFound } from "./numbers.ts";

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
export function takenNumber(
  answer: string,
  take: "final" | "last" | "first",
): NumberFound | undefined {
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
