/** Where the questions of a load come from. */
import { readFile } from "node:fs/promises";
import { InputError, messageOf } from "../../errors.ts";
import { parseCsv } from "../../formats/csv.ts";
import { syntheticPrompts } from "./synthetic.ts";
import type { Question } from "../../endpoint/request.ts";
import type { SyntheticLoad } from "./synthetic.ts";
import type { TraceRow } from "./trace.ts";

/** A question of a load. */
export interface LoadPrompt extends Question {
  /** Tokens that the answer is to have; null leaves that to the model and the parameters. */
  output_tokens: number | null;
  /** What the user says after each answer, in order; empty for a single question. */
  turns: readonly string[];
}

/** Gives questions, each once unless it says so. */
export interface PromptSource {
  /** In words, for results. */
  readonly name: string;
  /** Whether questions come again: a prefix cache may then answer for the model. */
  readonly repeats: boolean;
  /** Share of the prompt tokens that prompts have in common on purpose; null where they do not tell. */
  readonly shared: number | null;
  /** Null when there is none left. */
  next(): LoadPrompt | null;
}

/** One question, asked again and again. */
export function fixedPrompt(prompt: string, output_tokens: number | null): PromptSource {
  const question = { prompt, output_tokens, turns: [] };
  return { name: "one prompt, repeated", repeats: true, shared: null, next: () => question };
}

/** A list of questions, in order, once or again and again. */
export function listedPrompts(
  name: string,
  prompts: readonly LoadPrompt[],
  repeat: boolean,
): PromptSource {
  let at = 0;
  return {
    name: `${prompts.length} prompts of ${name}${repeat ? ", repeated" : ""}`,
    repeats: repeat,
    shared: null,
    next: () => {
      if (at >= prompts.length && !repeat) return null;
      return prompts[at++ % prompts.length];
    },
  };
}

/** Made-up prompts, each different, or conversations of them. */
export function madeUpPrompts(load: SyntheticLoad, turns = 1): PromptSource {
  const prompts = syntheticPrompts(load);
  return {
    name: `made-up prompts${turns > 1 ? `, ${turns} turns each` : ""}`,
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

/**
 * The questions of a trace: its own prompts, or made-up ones of the lengths that it tells.
 *
 * @param warmup so many made-up ones come first, as long as those of the first rows.
 */
export function tracePrompts(
  rows: readonly TraceRow[],
  seed: number,
  warmup: number,
): PromptSource {
  let at = -warmup;
  const made = new Map<number, Iterator<{ prompt: string }>>();
  const ofLength = (tokens: number) => {
    let prompts = made.get(tokens);
    // a stream of its own for each length: prompts differ within their first words all the same
    if (!prompts) {
      prompts = syntheticPrompts({ input: tokens, output: 1, seed, words: (seed + tokens) >>> 0 });
      made.set(tokens, prompts);
    }
    return prompts.next().value.prompt;
  };
  return {
    name: `${rows.length} requests of a trace`,
    repeats: false,
    shared: rows.some(({ prompt }) => prompt !== null) ? null : 0,
    next: () => {
      if (at >= rows.length) return null;
      const warming = at < 0;
      const row = rows[warming ? (at + warmup) % rows.length : at];
      at++;
      const { prompt, output_tokens } = row;
      const input_tokens = row.input_tokens ?? prompt?.split(/\s+/).length ?? 0;
      return {
        prompt: warming || prompt === null ? ofLength(Math.max(4, input_tokens)) : prompt,
        output_tokens,
        turns: [],
      };
    },
  };
}

/**
 * Reads prompts from JSON lines ({prompt}, {messages} or {turns}, and perhaps {max_tokens}), from a
 * CSV file with a column `prompt`, or from a suite's JSON.
 *
 * @throws {InputError} naming file and line.
 */
export async function readPrompts(path: string): Promise<LoadPrompt[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new InputError(`--prompts: ${path}: ${messageOf(error)}`);
  }
  const rows = path.endsWith(".csv") ? csvRows(path, text) : jsonRows(path, text);
  if (rows.length === 0) throw new InputError(`--prompts: ${path}: no prompt in it`);
  return rows.map(([row, where]) => promptOf(row, where));
}

type Row = [row: Record<string, unknown>, where: string];

function csvRows(path: string, text: string): Row[] {
  const [names, ...rows] = parseCsv(`--prompts: ${path}`, text);
  return rows.map((row, i) => [
    Object.fromEntries(row.map((value, column) => [names[column], value])),
    `${path}: row ${i + 1}`,
  ]);
}

function jsonRows(path: string, text: string): Row[] {
  if (path.endsWith(".json")) {
    const { tests } = parsed(text, path);
    if (!Array.isArray(tests)) throw new InputError(`--prompts: ${path}: expected a suite's tests`);
    return tests.map((test, i) => [test ?? {}, `${path}: tests[${i}]`]);
  }
  return text.split("\n").flatMap((line, i): Row[] =>
    line.trim() === "" ? [] : [[parsed(line, `${path}:${i + 1}`), `${path}:${i + 1}`]]
  );
}

function parsed(text: string, where: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch { /* told below */ }
  throw new InputError(`--prompts: ${where}: expected a JSON object such as {"prompt": "…"}`);
}

function promptOf(row: Record<string, unknown>, where: string): LoadPrompt {
  const { prompt, messages, turns, max_tokens } = row;
  const limit = typeof max_tokens === "object" ? NaN : Number(max_tokens);
  const output_tokens = Number.isInteger(limit) && limit >= 1 ? limit : null;
  const texts = Array.isArray(turns) && turns.length > 0 &&
    turns.every((turn) => typeof turn === "string");
  if (texts) return { prompt: turns[0], turns: turns.slice(1), output_tokens };
  if (typeof prompt === "string" && prompt !== "") return { prompt, turns: [], output_tokens };
  if (Array.isArray(messages) && messages.length > 0) return { messages, turns: [], output_tokens };
  throw new InputError(`--prompts: ${where}: expected "prompt", "messages" or "turns"`);
}
