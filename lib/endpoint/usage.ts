/** Reads a server's `usage`, under the names that servers use. */
import { asObject, type JsonObject } from "../json_fields.ts";
import { countIn } from "./json.ts";

/** Parts of the two sums; only those that the server reported. */
export interface UsageDetails {
  /** Prompt tokens read from the server's cache. */
  cached_tokens?: number;
  /** Prompt tokens written to the server's cache. */
  cache_written_tokens?: number;
  /** Reasoning tokens of the answer. */
  reasoning_tokens?: number;
  /** Audio tokens of the prompt. */
  prompt_audio_tokens?: number;
  /** Audio tokens of the answer. */
  completion_audio_tokens?: number;
}

/** Tokens as the server counted them; null when it did not. */
export interface TokenUsage {
  /** Tokens of the prompt, those read from a cache included. */
  prompt_tokens: number | null;
  /** Tokens of the answer, reasoning included. */
  completion_tokens: number | null;
  /** What the server reported besides the sums. */
  details: UsageDetails;
}

/**
 * Reads the usage of chat, completions, responses or embeddings, under Anthropic's names too. A missing
 * sum is the total minus the other one.
 *
 * @returns null for what is not a usage.
 */
export function usageIn(value: unknown): TokenUsage | null {
  const usage = asObject(value);
  if (usage === null) return null;
  const prompt = asObject(usage.prompt_tokens_details) ?? asObject(usage.input_tokens_details) ??
    {};
  const answer = asObject(usage.completion_tokens_details) ??
    asObject(usage.output_tokens_details) ?? {};
  const cached_tokens = first(
    prompt.cached_tokens,
    usage.prompt_cache_hit_tokens, // DeepSeek
    usage.cache_read_input_tokens, // Anthropic
    usage.cached_tokens, // Moonshot
    usage.num_cached_tokens, // Mistral
  );
  const cache_written_tokens = first(
    usage.cache_creation_input_tokens, // Anthropic
    prompt.cache_write_tokens, // OpenRouter
    prompt.cache_creation_tokens, // LiteLLM
  );
  const total = countIn(usage.total_tokens);
  const reasoning_tokens = first(answer.reasoning_tokens, usage.reasoning_tokens); // SGLang
  const asked = first(usage.prompt_tokens, anthropicInput(usage), usage.input_tokens);
  const spoken = first(usage.completion_tokens, usage.output_tokens);
  const beside = reasoning_tokens ?? 0; // xAI leaves it out; its total shows this
  const output = asked !== null && spoken !== null && total === asked + spoken + beside
    ? spoken + beside
    : spoken;
  const prompt_tokens = asked ??
    (total !== null && output !== null && total >= output ? total - output : null);
  return {
    prompt_tokens,
    completion_tokens: output ??
      (total !== null && prompt_tokens !== null && total > prompt_tokens
        ? total - prompt_tokens
        : null),
    details: told({
      cached_tokens: partOf(prompt_tokens, cached_tokens),
      cache_written_tokens: partOf(prompt_tokens, cache_written_tokens),
      reasoning_tokens: partOf(output, reasoning_tokens),
      prompt_audio_tokens: first(prompt.audio_tokens),
      completion_audio_tokens: first(answer.audio_tokens),
    }),
  };
}

/** Reads Gemini's usageMetadata, where thoughts are not included in the answer's tokens. */
export function geminiUsage(value: unknown): TokenUsage | null {
  const usage = asObject(value);
  if (usage === null) return null;
  const answer = countIn(usage.candidatesTokenCount);
  const thoughts = countIn(usage.thoughtsTokenCount);
  const prompt_tokens = countIn(usage.promptTokenCount);
  return {
    prompt_tokens,
    completion_tokens: answer === null && thoughts === null
      ? null
      : (answer ?? 0) + (thoughts ?? 0),
    details: told({
      cached_tokens: partOf(prompt_tokens, countIn(usage.cachedContentTokenCount)),
      cache_written_tokens: null,
      reasoning_tokens: thoughts,
      prompt_audio_tokens: null,
      completion_audio_tokens: null,
    }),
  };
}

/** Anthropic's input_tokens excludes what was read from the cache or written to it. */
function anthropicInput(usage: JsonObject): number | null {
  const input = countIn(usage.input_tokens);
  const read = countIn(usage.cache_read_input_tokens);
  const written = countIn(usage.cache_creation_input_tokens);
  if (input === null || (read === null && written === null)) return null;
  return input + (read ?? 0) + (written ?? 0);
}

/**
 * The usage of a stream that reported several. They grow, and a later one may omit or zero a value of an
 * earlier one.
 */
export function laterUsage(known: TokenUsage, later: TokenUsage): TokenUsage {
  return {
    prompt_tokens: later.prompt_tokens || (known.prompt_tokens ?? later.prompt_tokens),
    completion_tokens: later.completion_tokens ||
      (known.completion_tokens ?? later.completion_tokens),
    details: { ...known.details, ...later.details },
  };
}

/** A part of a sum; null if it is more than the sum, as one of them is then not what its name says. */
function partOf(sum: number | null, part: number | null): number | null {
  return sum !== null && part !== null && part > sum ? null : part;
}

function first(...values: unknown[]): number | null {
  for (const value of values) {
    const count = countIn(value);
    if (count !== null) return count;
  }
  return null;
}

function told(details: Record<keyof UsageDetails, number | null>): UsageDetails {
  const found = Object.entries(details).filter(([, count]) => count !== null);
  return Object.fromEntries(found) as UsageDetails;
}

/** The usage of an answer in numbers: some servers report only the total, which is then the prompt's. */
export function usageOfNumbers(value: unknown): TokenUsage | null {
  const usage = asObject(value);
  if (usage === null || "prompt_tokens" in usage || "input_tokens" in usage) return usageIn(usage);
  return usageIn({ ...usage, prompt_tokens: usage.total_tokens });
}
