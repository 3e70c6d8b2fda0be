/** Numbers written in English words: "twelve", "one hundred and five", "three and a half". */

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    .split(" ");
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SCALES = ["thousand", "million", "billion", "trillion"];

const UNIT = `(?:${SMALL.join("|")})`, TEN = `(?:${TENS.join("|")})`;
const BELOW_100 = `(?:${TEN}(?:[ -]${UNIT})?|${UNIT})`;
const BELOW_1000 = `(?:(?:${UNIT}|an?) hundred(?:(?: and)? ${BELOW_100})?|${BELOW_100})`;
const WHOLE = `(?:(?:${BELOW_1000}|an?) (?:${
  SCALES.join("|")
})(?:,? (?:and )?)?)*(?:${BELOW_1000})?`;
const PHRASE = new RegExp(
  `(?<![\\p{L}\\p{N}-])(?<sign>minus |negative )?(?:(?<dozen>a dozen)|(?<half>(?:one |a )half)|(?<whole>${WHOLE})(?<and_half> and a half)?)(?![\\p{L}\\p{N}]|-\\p{L})`,
  "giu",
);

/** The value of a phrase such as "two thousand three hundred and five". */
function valueOf(phrase: string): number {
  let total = 0, group = 0;
  for (const word of phrase.toLowerCase().split(/[\s,-]+/)) {
    if (SMALL.includes(word)) group += SMALL.indexOf(word);
    else if (TENS.includes(word)) group += 20 + 10 * TENS.indexOf(word);
    else if (word === "a" || word === "an") group = 1;
    else if (word === "hundred") group *= 100;
    else if (SCALES.includes(word)) {
      total += group * 1000 ** (1 + SCALES.indexOf(word));
      group = 0;
    }
  }
  return total + group;
}

/**
 * The numbers that a text has in words, in their order. A bare "one" is a pronoun more often than a
 * number: it counts where nothing else is said.
 */
export function wordNumbersIn(text: string): number[] {
  if (/^\W*half\W*$/i.test(text)) return [0.5];
  const isOne = /^\W*one\W*$/i.test(text);
  return [...text.matchAll(PHRASE)].flatMap(({ 0: phrase, groups }) => {
    const { sign, dozen, half, whole, and_half } = groups!;
    if (phrase.trim() === "" || (/^one$/i.test(phrase) && !isOne)) return [];
    const value = dozen ? 12 : half ? 0.5 : valueOf(whole) + (and_half ? 0.5 : 0);
    return [sign ? -value : value];
  });
}
