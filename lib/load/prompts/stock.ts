/** What passages of made-up prompts are cut from: common words at random, prose, or code. */
import { packageBytes } from "../../package_files.ts";
import type { TokenCounter } from "./tokenizer.ts";

/** A text with the places of its tokens. */
export interface Stock {
  text: string;
  /**
   * Where a text of this many tokens ends, in characters; 0 first. It ends with whole words, so that several
   * numbers of tokens may have one end.
   */
  ends: Uint32Array;
  /** Tokens that a passage may begin with. */
  starts: Uint32Array;
  /** Tokens of an empty line before a passage; null: passages follow without one. */
  gap_tokens: number | null;
}

/** Kinds of text that come with dyno: its own documentation, and its own programs. */
export type Corpus = "prose" | "code";

/** Random words in stock. */
const STOCK_WORDS = 2 ** 16;

/** Common words in random order: each is one token, and may follow any other. */
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

/** Text as people write it: passages begin with a sentence, or with a line of code. */
export function corpusStock(corpus: Corpus, { count }: TokenCounter): Stock {
  const text = new TextDecoder().decode(packageBytes(`experiments/corpus/${corpus}.txt`));
  const ends = [0], starts: number[] = [];
  let [at, before, known] = [0, "", 0];
  // words, each with the space before it, and first words of lines
  for (const words of text.split(/(?<=\n)(?=\S)|(?<=\S)(?= \S)/)) {
    const begins = corpus === "prose"
      ? before.endsWith("\n\n") || (/[.:]$/.test(before) && words.startsWith(" "))
      : before.endsWith("\n") && /^\w/.test(words);
    if (begins) starts.push(ends.length - 1);
    const tokens = count(before + words) - known; // a line's end may be of one token with what it ends
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
