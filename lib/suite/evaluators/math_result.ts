/** Where the result of an answer about mathematics stands. */
import { announcedIn, boxesIn, membersIn, tagsIn } from "./final_answer.ts";

const IN_DOLLARS = /\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\[([^]+?)\\\]|\\\(([^]+?)\\\)/g;

/**
 * The result in an answer: the last that is boxed, tagged, behind a key of JSON or announced; else the
 * last between dollars; else the last line.
 */
export function resultIn(answer: string): string {
  const places = [...boxesIn(answer), ...tagsIn(answer), ...membersIn(answer)];
  // an announcement that holds a box or dollars says no more than they do
  const inside = (text: string) => /\\boxed|\\fbox/.test(text);
  const announced = announcedIn(answer).filter(({ content }) => !inside(content))
    .map((place) => ({
      ...place,
      content: lastInDollars(place.content) ?? place.content.replace(/^[\s*_]+|[\s*_]+$/g, ""),
    }));
  const last = [...places, ...announced].filter(({ content }) => content.trim() !== "")
    .sort((a, b) => a.end - b.end).at(-1);
  if (last) return last.content;
  return lastInDollars(answer) ??
    answer.trim().split("\n").at(-1)!.replace(/\*\*|^#+\s*/g, "").trim();
}

function lastInDollars(text: string): string | null {
  const found = [...text.matchAll(IN_DOLLARS)].at(-1);
  return found ? found.slice(1).find((content) => content !== undefined)! : null;
}
