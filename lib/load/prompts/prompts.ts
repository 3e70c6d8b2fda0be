/** Where the questions of a load come from. */
import { blockTexts, syntheticPrompts } from "./synthetic.ts";
import type { Question } from "../../endpoint/question.ts";
import type { DatasetRow } from "../datasets/row.ts";
import type { SyntheticLoad } from "./synthetic.ts";

/** A question of a load. */
export interface LoadPrompt extends Question {
  /** Tokens that the answer is to have; null leaves that to the model and the parameters. */
  output_tokens: number | null;
  /** What the user says after each answer, in order; empty for a single question. */
  turns: readonly string[];
  /** The session that it belongs to, as its dataset names it. */
  session?: string;
}

/** A conversation's next question: what was said before, the answer to it, and what the user says then. */
export function nextTurn(prompt: LoadPrompt, answer: string): LoadPrompt {
  const [said, ...turns] = prompt.turns;
  const asked = prompt.messages ?? [{ role: "user", content: prompt.prompt }];
  const messages = [
    ...asked,
    { role: "assistant", content: answer },
    { role: "user", content: said },
  ];
  return { ...prompt, prompt: undefined, messages, turns };
}

/** Gives questions, each once unless it says so. */
export interface PromptSource {
  /** In words, for results. */
  readonly name: string;
  /** Whether questions come again: a prefix cache may then answer for the model. */
  readonly repeats: boolean;
  /** Share of the prompt tokens that prompts have in common on purpose; null where they do not say. */
  readonly shared: number | null;
  /** Null when there is none left. */
  next(): LoadPrompt | null;
}

/** One question, asked again and again. */
export function fixedPrompt(prompt: string, output_tokens: number | null): PromptSource {
  const question = { prompt, output_tokens, turns: [] };
  return { name: "one prompt, repeated", repeats: true, shared: null, next: () => question };
}

/**
 * Made-up prompts, each different, or conversations of them.
 *
 * @param of what their text is, for results.
 */
export function madeUpPrompts(load: SyntheticLoad, turns = 1, of = "words"): PromptSource {
  const prompts = syntheticPrompts(load);
  return {
    name: `made-up prompts${of === "words" ? "" : ` of ${of}`}${
      turns > 1 ? `, ${turns} turns each` : ""
    }`,
    repeats: false,
    // a later turn holds the earlier ones
    shared: turns > 1 ? null : load.prefix_share ?? 0,
    next: () => {
      const { prompt, output_tokens } = prompts.next().value;
      const later = Array.from({ length: turns - 1 }, () => prompts.next().value.prompt);
      return { prompt, output_tokens, turns: later };
    },
  };
}

/** How the rows of a dataset are asked. */
export interface DatasetUse {
  /** In words, for results. */
  name: string;
  /** Of the words of what is made up. */
  words: number;
  /** Begin again where they are used up. */
  recycle: boolean;
  /** This many made-up ones come first, as long as those of the first rows. */
  warmup: number;
  /** Tokens of answers of which the dataset does not say. */
  output_tokens: number | null;
  /** What is made up is of these words. */
  vocabulary?: readonly string[];
  /** Tokens that the server puts around each prompt: what is made up is shorter by that. 0 by default. */
  template_tokens?: number;
}

/** The questions of a dataset: its own prompts, or made-up ones of the lengths and blocks that it tells. */
export function datasetPrompts(rows: readonly DatasetRow[], use: DatasetUse): PromptSource {
  const { name, words, recycle, warmup, vocabulary, template_tokens = 0 } = use;
  let at = -warmup;
  const made = new Map<number, Iterator<{ prompt: string }>>();
  const ofLength = (tokens: number) => {
    let prompts = made.get(tokens);
    // a stream for each length: prompts still differ within their first words
    if (!prompts) {
      const own = (words + tokens) >>> 0;
      prompts = syntheticPrompts({
        input: tokens,
        output: 1,
        seed: words,
        words: own,
        vocabulary,
        template_tokens,
      });
      made.set(tokens, prompts);
    }
    return prompts.next().value.prompt;
  };
  const ofBlocks = rows.some(({ blocks }) => blocks !== null)
    ? blockTexts(words, vocabulary)
    : null;
  return {
    name,
    repeats: recycle,
    shared: sharedBy(rows),
    next: () => {
      if (at >= rows.length && !recycle) return null;
      const warming = at < 0;
      const row = rows[(warming ? at + warmup : at) % rows.length];
      at++;
      const { prompt, messages, turns, blocks, session, body } = row;
      const output_tokens = row.output_tokens ?? use.output_tokens;
      const length = row.input_tokens ?? prompt?.split(/\s+/).length ?? 0;
      if (warming) return { prompt: ofLength(Math.max(4, length)), output_tokens, turns: [] };
      const told = messages !== null
        ? { messages }
        : prompt !== null
        ? { prompt }
        : blocks !== null
        ? { prompt: ofBlocks!(blocks.ids, blocks.tokens, Math.max(1, length - template_tokens)) }
        : { prompt: ofLength(Math.max(4, length)) };
      return {
        ...told,
        output_tokens,
        turns,
        ...(session === null ? {} : { session }),
        ...(Object.keys(body).length > 0 ? { parameters: body } : {}),
      };
    },
  };
}

/** Share of the tokens that a cache of blocks knows by then; null where the rows do not say. */
function sharedBy(rows: readonly DatasetRow[]): number | null {
  if (rows.some(({ prompt, messages }) => prompt !== null || messages !== null)) return null;
  const seen = new Set<number>();
  let [known, all] = [0, 0];
  for (const { blocks, input_tokens } of rows) {
    all += input_tokens ?? 0;
    const ids = blocks?.ids ?? [];
    const fresh = ids.findIndex((id) => !seen.has(id));
    const shared = (fresh < 0 ? ids.length : fresh) * (blocks?.tokens ?? 0);
    known += Math.min(shared, input_tokens ?? 0);
    for (const id of ids) seen.add(id);
  }
  return all > 0 ? known / all : 0;
}
