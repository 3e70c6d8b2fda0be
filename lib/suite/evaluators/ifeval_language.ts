/** Detects which of the languages that IFEval asks for a text is in. */

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
export async function isInLanguage(text: string, language: string): Promise<boolean> {
  if (!/\p{L}/u.test(text)) return true;
  const { franc } = await import("franc");
  const found = franc(text, { only: Object.values(LANGUAGES), minLength: 1 });
  return found === LANGUAGES[language.toLowerCase().split("-")[0]];
}
