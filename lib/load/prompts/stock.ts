/** Texts from which passages of made-up prompts are cut: random common words, prose or code. */
import { packageBytes } from "../../package_files.ts";
import type { TokenCounter } from "./tokenizer.ts";

/** A text with the positions of its tokens. */
export interface Stock {
  text: string;
  /**
   * The end of the text's first n tokens, in characters, by n; 0 comes first. Ends fall on whole
   * words, so several n may share one end.
   */
  ends: Uint32Array;
  /** The tokens at which a passage may start. */
  starts: Uint32Array;
  /** Tokens of the empty line before a passage; null: passages follow without one. */
  gap_tokens: number | null;
}

/** Texts that come with dyno: its documentation and its source code. */
export type Corpus = "prose" | "code";

/** The number of random words in a stock. */
const STOCK_WORDS = 2 ** 16;

/** Returns common words in random order. Each is one token and may follow any other. */
export function wordStock(random: () => number, words: readonly string[]): Stock {
  const ends = new Uint32Array(STOCK_WORDS + 1);
  let text = "";
  for (let i = 0; i < STOCK_WORDS; i++) {
    text += ` ${words[Math.floor(random() * words.length)]}`;
    ends[i + 1] = text.length;
  }
  const starts = Uint32Array.from({ length: STOCK_WORDS }, (_, i) => i);
  return { text, ends, starts, gap_tokens: null };
}

/** Returns natural text, in which passages start with a sentence or a line of code. */
export function corpusStock(corpus: Corpus, { count }: TokenCounter): Stock {
  const text = new TextDecoder().decode(packageBytes(`experiments/corpus/${corpus}.txt`));
  const ends = [0], starts: number[] = [];
  let [at, before, known] = [0, "", 0];
  // splits into words with their leading spaces, and the first words of lines
  for (const words of text.split(/(?<=\n)(?=\S)|(?<=\S)(?= \S)/)) {
    const begins = corpus === "prose"
      ? before.endsWith("\n\n") || (/[.:]$/.test(before) && words.startsWith(" "))
      : before.endsWith("\n") && /^\w/.test(words);
    if (begins) starts.push(ends.length - 1);
    const tokens = count(before + words) - known; // a line break may share a token with the text before it
    for (let i = 1; i < tokens; i++) ends.push(at);
    at += words.length;
    if (tokens > 0) ends.push(at);
    else ends[ends.length - 1] = at;
    [before, known] = [words, count(words)];
  }
  return {
    text,
    ends: Uint32Array.from(ends),
    starts: Uint32Array.from(starts),
    gap_tokens: count("on\n\n Then") - count("on Then"),
  };
}
