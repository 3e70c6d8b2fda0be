/** What passages of made-up prompts are cut from: common words at random, prose, or code. */
import { packageBytes } from "../../package_files.ts";
import { COMMON_WORDS } from "./common_words.ts";
import { loadTokenizer } from "./tokenizer.ts";

/** A text with the places of its tokens. */
export interface Stock {
  text: string;
  /** Where each token ends, in characters; 0 first. */
  ends: Uint32Array;
  /** Tokens that a passage may begin with. */
  starts: Uint32Array;
}

/** Kinds of text that come with dyno: its own documentation, and its own programs. */
export type Corpus = "prose" | "code";

/** Random words in stock. */
const STOCK_WORDS = 2 ** 16;

/** Common words in random order: each is one token, and may follow any other. */
export function wordStock(random: () => number): Stock {
  const ends = new Uint32Array(STOCK_WORDS + 1);
  let text = "";
  for (let i = 0; i < STOCK_WORDS; i++) {
    text += ` ${COMMON_WORDS[Math.floor(random() * COMMON_WORDS.length)]}`;
    ends[i + 1] = text.length;
  }
  return { text, ends, starts: Uint32Array.from({ length: STOCK_WORDS }, (_, i) => i) };
}

/**
 * Text as people write it: passages begin with a sentence, or with a line of code. Its tokens are those of
 * o200k_base; other models' encodings have some per cent more or fewer.
 */
export async function corpusStock(corpus: Corpus): Promise<Stock> {
  const text = new TextDecoder().decode(packageBytes(`experiments/corpus/${corpus}.txt`));
  const { encode, decode } = await loadTokenizer();
  const tokens = encode(text);
  const ends = new Uint32Array(tokens.length + 1);
  const starts: number[] = [];
  tokens.forEach((token, i) => {
    const words = decode([token]);
    ends[i + 1] = ends[i] + words.length; // ASCII: a token is whole characters
    const before = text.slice(Math.max(0, ends[i] - 2), ends[i]);
    const begins = corpus === "prose"
      ? before.endsWith("\n\n") || (/[.:]$/.test(before) && words.startsWith(" "))
      : before.endsWith("\n") && /^\w/.test(words);
    if (begins) starts.push(i);
  });
  return { text, ends, starts: Uint32Array.from(starts) };
}
