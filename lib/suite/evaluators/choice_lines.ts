/** Reads lines that are a choice, or that list the choices with a verdict on each. */
import { IN_BRACKETS, letterOf, MARK, pattern, STRONG } from "./choice_marks.ts";
import * as w from "./choice_words.ts";

/** A line that begins with a letter. */
export const LED = pattern(
  `^(?:${w.THE} ?)?(?:${w.NOUN}[.:]? ?)?(${MARK})(?=$|[\\s.,:;!)(-]|[–—])`,
  "iu",
);
const ALONE = pattern(
  `^(?:${w.NOUN}[.:]? ?)?(${MARK})(?:[\\s.:;!)。]|(?![✅✓✔❌✗✘✖])\\p{Extended_Pictographic}\ufe0f?)*$`,
  "iu",
);
const WITH_TEXT = pattern(
  `^(?:${w.NOUN} ?)?(?:(${MARK})(?:[.:,;] |[.:]? ?[-–—:]+ |[.:]? ?\\(| (?:because|cause|cuz|bc|since|as|weil|da|car|porque|perché|потому)(?!\\p{L}) ?)|(${IN_BRACKETS})[:.]? )(\\S.*)$`,
  "iu",
);
const NOT_A_CHOICE = pattern(
  `^(?:[^\\s.,]+ ){0,3}(?:${w.WRONG}|${w.NOT}|possible|can|could|may|might|maybe)(?!\\p{L})|^(?:${w.WRONG}|${w.NOT}|${w.CORRECTION})`,
  "iu",
);

/** A line that is a choice: a letter by itself, or followed by the text of the choice. */
function choiceLine(line: string): { mark: string; alone: boolean } | null {
  const alone = ALONE.exec(line);
  if (alone) return { mark: alone[1], alone: true };
  const found = WITH_TEXT.exec(line);
  if (!found || NOT_A_CHOICE.test(found[3])) return null;
  const letters = [...line.matchAll(pattern(MARK, "gu"))].map(([mark]) => letterOf(mark));
  const isListing = letters[0] === "A" &&
    (new Set(letters).size > 2 || pattern(`.${MARK}(?=[.:] )`, "u").test(line));
  return isListing ? null : { mark: found[1] ?? found[2], alone: false };
}

/**
 * The choice from lines with a single letter (`alone`), or from lines with a letter and its text; null
 * when they disagree, undefined when there are none.
 */
export function fromLines(lines: string[], alone: boolean): string | null | undefined {
  const found = lines.map(choiceLine);
  const letters = found.flatMap((line) =>
    line && line.alone === alone ? [letterOf(line.mark)] : []
  );
  const different = new Set(letters);
  if (different.size === 0) return undefined;
  const isListing = letters.slice(1).every((letter, i) =>
    letter?.charCodeAt(0) === letters[i]!.charCodeAt(0) + 1
  );
  const first = found[0], last = found.at(-1);
  if (different.size === 1) {
    if (alone) return letters[0];
    return first || last ? letters[0] : undefined;
  }
  if (alone) return null;
  if (isListing && letters[0] === "A") return undefined;
  // the choice, and below it what is wrong with the others
  return first && letters[0] !== "A" && !isListing &&
      letters.slice(1).every((other) => other !== letters[0])
    ? letters[0]
    : null;
}

const JUDGED = [
  pattern(
    `^(?:${w.NOUN} )?(?<mark>${STRONG})[.:)]?(?: [^.]{0,80}?)?(?: ?(?:[-–—:(]|->|→|=>)+)? ?(?:is )?(?:(?<right>(?:the )?(?:best|correct|right)(?: (?:answer|choice|option))?|true|yes|✓|✔️?|✅)|(?:false|incorrect|wrong|no|✗|✘|❌|✖️?))(?:[).!]?| ?\\([^)]*\\))$`,
    "iu",
  ),
  pattern(
    `^(?:${w.NOUN} )?(?<mark>${STRONG})[.:)]* ?(?:[-–—:(] ?|is )*(?:(?<right>true|correct|right|yes)|(?:false|incorrect|wrong|no))(?=[,.;:–—-])`,
    "iu",
  ),
  pattern(
    `^(?:(?<right>[✅✓✔]\ufe0f?)|[❌✗✘✖]\ufe0f?) ?(?:${w.NOUN} )?(?<mark>${MARK})(?=$|[\\s.:)])`,
    "iu",
  ),
  pattern(
    `^(?:${w.NOUN} )?(?<mark>${MARK})[.:)]? ?[-–—:]* ?(?:(?<right>[✅✓✔]\ufe0f?)|[❌✗✘✖]\ufe0f?)`,
    "iu",
  ),
];

/**
 * "A: false, B: true, C: false", one per line: returns the only true one; null for none or several,
 * undefined when the answer has no such lines.
 */
export function onlyTrueLine(lines: string[]): string | null | undefined {
  const judged = lines.map((line) =>
    JUDGED.map((judging) => judging.exec(line)).find((found) => found !== null) ?? null
  )
    .filter((found) => found !== null);
  if (judged.length < 2) return undefined;
  const right = judged.filter(({ groups }) => groups!.right !== undefined);
  return right.length === 1 ? letterOf(right[0].groups!.mark) : null;
}

const ITEM = /^\s*(?:[-*•|]\s+)?(?<bold>\*\*|__)?\(?(?<letter>[A-Z])(?:[).:*_\s]|$)(?<rest>.*)$/;
const POINTED =
  /(?:<-+|←|⟵|⬅|[✔✓✅]\ufe0f?)[^<>]{0,30}$|^\W*(?:the )?(?:best|correct|right)(?:\W*$| (?:answer|choice|option)(?!\p{L}))/iu;

/**
 * All choices listed, one per line, with one highlighted in bold, by an arrow or a tick: returns that
 * one, else null.
 */
export function setApart(answer: string, choices: number): string | null {
  const items = answer.replace(/<[^<>]+>/g, "\n").split("\n").map((line) => ITEM.exec(line)?.groups)
    .filter((item) => item !== undefined);
  const letters = items.map(({ letter }) => letter).join("");
  if (items.length < 3 || !"ABCDEFGHIJKLMNOPQRSTUVWXYZ".slice(0, choices).startsWith(letters)) {
    return null;
  }
  const apart = items.filter(({ bold, rest }) => bold !== undefined || POINTED.test(rest));
  return apart.length === 1 ? apart[0].letter : null;
}
