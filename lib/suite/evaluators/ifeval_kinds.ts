/** The kinds of instructions that IFEval publishes, each with its arguments and its check. */

/** Arguments of an instruction, by their published names. */
export type Arguments = Record<string, unknown>;

type Type = "number" | "string" | "texts" | "relation";

interface Kind {
  /** The arguments that it requires. */
  needs: Record<string, Type>;
  follows(answer: string, given: Arguments): boolean | Promise<boolean>;
}

const number = (value: unknown) => value as number;
const text = (value: unknown) => value as string;
const texts = (value: unknown) => value as string[];

/** `relation` is "less than" or "at least". */
function holds(count: number, relation: unknown, threshold: unknown): boolean {
  return relation === "less than" ? count < number(threshold) : count >= number(threshold);
}

const escaped = (word: string) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
const count = (answer: string, pattern: RegExp) => [...answer.matchAll(pattern)].length;
const isUpper = (word: string) => /\p{Lu}/u.test(word) && !/[\p{Ll}\p{Lt}]/u.test(word);
const isLower = (word: string) => /\p{Ll}/u.test(word) && !/[\p{Lu}\p{Lt}]/u.test(word);

/** Abbreviations that do not end a sentence. */
const ABBREVIATIONS =
  /(?:^|[\s("'])(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|e\.g|i\.e|inc|ltd|co|corp|no|vol|fig|gen|rep|sen|gov|capt|lt|col|sgt|rev|hon|dept|approx|u\.s|u\.k|a\.m|p\.m|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.\s*$/i;
/** Initials in a name: J. Smith. */
const INITIAL = /(?:^|\s)[A-Z]\.\s*$/;

/**
 * Splits into sentences by Unicode's rules; the period of an abbreviation or a line break alone does not
 * end a sentence.
 */
function sentences(answer: string): number {
  const plain = answer.replace(/\s+/g, " ").trim();
  let found = 0, open = "";
  for (const { segment } of new Intl.Segmenter("en", { granularity: "sentence" }).segment(plain)) {
    open += segment;
    if (ABBREVIATIONS.test(open) || INITIAL.test(open)) continue;
    if (open.trim() !== "") found++;
    open = "";
  }
  return open.trim() === "" ? found : found + 1;
}

/** Splits into words as the Penn Treebank does: punctuation is separate, and so are `'s` and `n't`. */
function treebankWords(answer: string): string[] {
  return answer.split(/[\s"“”()[\]{}<>;:,?!`*#=…—]+|--+|\.\.+/u)
    .map((word) =>
      word.replace(
        /^['‘’]+|[.'‘’]+$/gu,
        (cut) => cut.includes(".") && /\..*\./.test(word) ? cut : "",
      )
    )
    .flatMap((word) => /^(.+)(['’](?:s|m|d|ll|re|ve)|n['’]t)$/iu.exec(word)?.slice(1) ?? [word])
    .filter((word) => word !== "");
}

/** Splits at a separator; null if a part between two others is empty. */
function partsBetween(answer: string, separator: RegExp | string): string[] | null {
  const parts = answer.split(separator);
  const last = parts.length - 1;
  if (parts.some((part, i) => part.trim() === "" && i !== 0 && i !== last)) return null;
  return parts.filter((part) => part.trim() !== "");
}

const POSTSCRIPTS: Record<string, RegExp> = {
  "P.P.S": /p\.\s?p\.\s?s/,
  "P.S.": /p\.\s?s\./,
};

/** The kinds by their published names. */
export const KINDS: Record<string, Kind> = {
  "keywords:existence": {
    needs: { keywords: "texts" },
    follows: (answer, { keywords }) =>
      texts(keywords).every((word) => new RegExp(escaped(word), "iu").test(answer)),
  },
  "keywords:frequency": {
    needs: { keyword: "string", frequency: "number", relation: "relation" },
    follows: (answer, { keyword, frequency, relation }) =>
      holds(count(answer, new RegExp(escaped(text(keyword).trim()), "giu")), relation, frequency),
  },
  "keywords:forbidden_words": {
    needs: { forbidden_words: "texts" },
    follows: (answer, { forbidden_words }) =>
      texts(forbidden_words).every((word) =>
        !new RegExp(`(?<![\\p{L}\\p{N}_])${escaped(word)}(?![\\p{L}\\p{N}_])`, "iu").test(answer)
      ),
  },
  "keywords:letter_frequency": {
    needs: { letter: "string", let_frequency: "number", let_relation: "relation" },
    follows: (answer, { letter, let_frequency, let_relation }) =>
      holds(
        answer.toLowerCase().split(text(letter).toLowerCase()).length - 1,
        let_relation,
        let_frequency,
      ),
  },
  "language:response_language": {
    needs: { language: "string" },
    follows: (answer, { language }) => isInLanguage(answer, text(language)),
  },
  "length_constraints:number_sentences": {
    needs: { num_sentences: "number", relation: "relation" },
    follows: (answer, { num_sentences, relation }) =>
      holds(sentences(answer), relation, num_sentences),
  },
  "length_constraints:number_paragraphs": {
    needs: { num_paragraphs: "number" },
    follows: (answer, { num_paragraphs }) =>
      partsBetween(answer, /\s?\*\*\*\s?/)?.length === num_paragraphs,
  },
  "length_constraints:number_words": {
    needs: { num_words: "number", relation: "relation" },
    follows: (answer, { num_words, relation }) =>
      holds(count(answer, /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]+/gu), relation, num_words),
  },
  "length_constraints:nth_paragraph_first_word": {
    needs: { num_paragraphs: "number", nth_paragraph: "number", first_word: "string" },
    follows: (answer, { num_paragraphs, nth_paragraph, first_word }) => {
      const all = answer.split("\n\n");
      const filled = all.filter((part) => part.trim() !== "").length;
      const paragraph = number(nth_paragraph) <= filled
        ? all[number(nth_paragraph) - 1].trim()
        : "";
      const word = paragraph.split(/\s+/)[0].replace(/^'+/, "").replace(/^"+/, "");
      return paragraph !== "" && filled === num_paragraphs &&
        word.split(/[.,?!'"]/)[0].toLowerCase() === text(first_word).toLowerCase();
    },
  },
  "detectable_content:number_placeholders": {
    needs: { num_placeholders: "number" },
    follows: (answer, { num_placeholders }) =>
      count(answer, /\[.*?\]/g) >= number(num_placeholders),
  },
  "detectable_content:postscript": {
    needs: { postscript_marker: "string" },
    follows: (answer, { postscript_marker }) => {
      const marker = text(postscript_marker).trim();
      const pattern = POSTSCRIPTS[marker] ?? new RegExp(escaped(marker.toLowerCase()), "u");
      return pattern.test(answer.toLowerCase());
    },
  },
  "detectable_format:number_bullet_lists": {
    needs: { num_bullets: "number" },
    follows: (answer, { num_bullets }) =>
      count(answer, /^\s*\*[^*].*$/gm) + count(answer, /^\s*-.*$/gm) === num_bullets,
  },
  "detectable_format:constrained_response": {
    needs: {},
    follows: (answer) =>
      ["My answer is yes.", "My answer is no.", "My answer is maybe."].some((one) =>
        answer.includes(one)
      ),
  },
  "detectable_format:number_highlighted_sections": {
    needs: { num_highlights: "number" },
    follows: (answer, { num_highlights }) => {
      const filled = (pattern: RegExp, inside: (found: string) => string) =>
        [...answer.matchAll(pattern)].filter(([found]) => inside(found).trim() !== "").length;
      const single = filled(/\*[^\n*]*\*/g, (found) => found.replaceAll("*", ""));
      const double = filled(/\*\*[^\n*]*\*\*/g, (found) => found.slice(2, -2));
      return single + double >= number(num_highlights);
    },
  },
  "detectable_format:multiple_sections": {
    needs: { section_spliter: "string", num_sections: "number" },
    follows: (answer, { section_spliter, num_sections }) =>
      count(answer, new RegExp(`\\s?${escaped(text(section_spliter).trim())}\\s?\\d+\\s?`, "gu")) >=
        number(num_sections),
  },
  "detectable_format:json_format": {
    needs: {},
    follows: (answer) => {
      const bare = answer.trim().replace(/^```(?:json|Json|JSON)?/, "").replace(/```$/, "").trim();
      try {
        JSON.parse(bare);
        return true;
      } catch {
        return false;
      }
    },
  },
  "detectable_format:title": {
    needs: {},
    follows: (answer) =>
      [...answer.matchAll(/<<[^\n]+>>/g)].some(([title]) =>
        title.replace(/^<+/, "").replace(/>+$/, "").trim() !== ""
      ),
  },
  "combination:two_responses": {
    needs: {},
    follows: (answer) => {
      const parts = partsBetween(answer, "******");
      return parts?.length === 2 && parts[0].trim() !== parts[1].trim();
    },
  },
  "combination:repeat_prompt": {
    needs: { prompt_to_repeat: "string" },
    follows: (answer, { prompt_to_repeat }) =>
      answer.trim().toLowerCase().startsWith(text(prompt_to_repeat).trim().toLowerCase()),
  },
  "startend:end_checker": {
    needs: { end_phrase: "string" },
    follows: (answer, { end_phrase }) =>
      answer.trim().replace(/^"+|"+$/g, "").toLowerCase().endsWith(
        text(end_phrase).trim().toLowerCase(),
      ),
  },
  "startend:quotation": {
    needs: {},
    follows: (answer) => /^".*"$/s.test(answer.trim()) && answer.trim().length > 1,
  },
  "change_case:capital_word_frequency": {
    needs: { capital_frequency: "number", capital_relation: "relation" },
    follows: (answer, { capital_frequency, capital_relation }) =>
      holds(treebankWords(answer).filter(isUpper).length, capital_relation, capital_frequency),
  },
  "change_case:english_capital": {
    needs: {},
    follows: async (answer) => isUpper(answer) && await isInLanguage(answer, "en"),
  },
  "change_case:english_lowercase": {
    needs: {},
    follows: async (answer) => isLower(answer) && await isInLanguage(answer, "en"),
  },
  "punctuation:no_comma": { needs: {}, follows: (answer) => !answer.includes(",") },
};

/** The languages of the published instructions and similar languages, by ISO 639-1 and 639-3. */
const LANGUAGES: Record<string, string> = {
  af: "afr",
  ar: "arb",
  bg: "bul",
  bn: "ben",
  ca: "cat",
  cs: "ces",
  cy: "cym",
  da: "dan",
  de: "deu",
  el: "ell",
  en: "eng",
  es: "spa",
  et: "est",
  fa: "pes",
  fi: "fin",
  fr: "fra",
  gu: "guj",
  he: "heb",
  hi: "hin",
  hr: "hrv",
  hu: "hun",
  id: "ind",
  it: "ita",
  ja: "jpn",
  kn: "kan",
  ko: "kor",
  lt: "lit",
  lv: "lvs",
  mk: "mkd",
  ml: "mal",
  mr: "mar",
  ne: "npi",
  nl: "nld",
  no: "nob",
  pa: "pan",
  pl: "pol",
  pt: "por",
  ro: "ron",
  ru: "rus",
  sk: "slk",
  sl: "slv",
  so: "som",
  sq: "sqi",
  sv: "swe",
  sw: "swh",
  ta: "tam",
  te: "tel",
  th: "tha",
  tl: "tgl",
  tr: "tur",
  uk: "ukr",
  ur: "urd",
  vi: "vie",
  zh: "cmn",
};

/**
 * Whether a text is in a language, by the frequencies of its letter sequences (franc). A text without
 * letters passes, as in the published check.
 *
 * @param language ISO 639-1; only the beginning of a longer tag (zh-cn) counts.
 */
async function isInLanguage(text: string, language: string): Promise<boolean> {
  if (!/\p{L}/u.test(text)) return true;
  const { franc } = await import("franc");
  const found = franc(text, { only: Object.values(LANGUAGES), minLength: 1 });
  return found === LANGUAGES[language.toLowerCase().split("-")[0]];
}
