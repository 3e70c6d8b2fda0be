/** The mock's model: its answers, its prefix cache, and its counts. */
import { choiceOf, completionTokens, textOf } from "./answer.ts";
import { hasMessages, messageTokens } from "./asked.ts";
import { PrefixCache } from "./prefix_cache.ts";
import { Script } from "./script.ts";
import { ServerCounts } from "./server_counts.ts";
import { tokensOf } from "./tokens.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { MockBehaviour } from "./behaviour.ts";
import type { Pace, ReplyPart } from "./parts.ts";
import type { MockScript } from "./script.ts";

/** Answers requests one by one, and updates its cache and its counts. */
export class Engine {
  readonly #cache: PrefixCache | null;
  readonly #counts = new ServerCounts();
  readonly #script: Script;
  #answers = 0;

  /** @param cache_blocks size of the prefix cache; undefined for no cache. */
  constructor(script: MockScript, cache_blocks: number | undefined) {
    this.#script = new Script(script);
    this.#cache = cache_blocks === undefined ? null : new PrefixCache(cache_blocks);
  }

  /** Whether there is a prefix cache; only then there are metrics. */
  get hasCache(): boolean {
    return this.#cache !== null;
  }

  resetCache(): void {
    this.#cache?.reset();
  }

  /** The metrics page, with vLLM's names. Exists only with a cache. */
  metrics(model: string): string {
    return this.#counts.page(model, this.#cache!);
  }

  /** Its answers to all prompts of a request. */
  answerTo(asked: Asked, { default_response }: MockBehaviour): MockAnswer {
    const { prompts, n } = asked;
    const cached = prompts.map(({ tokens }) => this.#cache?.use(seedOf(asked), tokens) ?? 0);
    return {
      id: `mock-${++this.#answers}`,
      created: Math.floor(Date.now() / 1000),
      choices: prompts.flatMap(({ text }, p) => {
        const scripted = this.#script.find(text);
        const response = scripted?.response ?? default_response;
        const reasoning = scripted?.reasoning ?? "";
        return Array.from({ length: n }, (_, i) => choiceOf(asked, p * n + i, response, reasoning));
      }),
      prompt_tokens: prompts.reduce((sum, { tokens }) => sum + tokens.length, 0),
      cached_tokens: this.#cache === null ? null : cached.reduce((sum, known) => sum + known, 0),
    };
  }

  /** The timing of an answer, from its script or else from the behaviour. */
  paceOf(asked: Asked, answer: MockAnswer, behaviour: MockBehaviour): Pace {
    const scripted = this.#script.find(asked.prompts[0].text);
    const computed = answer.prompt_tokens - (answer.cached_tokens ?? 0);
    const { prefill_tokens_per_second: prefill } = behaviour;
    return {
      delay_s: (scripted?.delay_s ?? behaviour.delay_s) + (prefill ? computed / prefill : 0),
      tokens_per_second: scripted?.tokens_per_second ?? behaviour.tokens_per_second,
    };
  }

  /** Counts a reply that starts. */
  begin({ prompt_tokens }: MockAnswer): void {
    this.#counts.running++;
    this.#counts.prompt_tokens += prompt_tokens;
  }

  /** Counts a reply that has ended, and caches its generated tokens for the next turn's prompt. */
  end(asked: Asked, answer: MockAnswer, sent: readonly ReplyPart[]): void {
    const counts = this.#counts;
    counts.running--;
    const isWhole = sent.some((part) =>
      part.kind === "done" || part.kind === "whole" && part.status === 200
    );
    counts.generation_tokens += !isWhole
      ? sent.filter(({ kind }) => kind === "token").length
      : completionTokens(answer);
    for (const { finish_reason } of answer.choices) {
      const why = finish_reason === "tool_calls" ? "stop" : finish_reason; // vLLM counts a call like this
      counts.finished[isWhole ? why : "abort"]++;
    }
    if (this.#cache === null || !isWhole) return;
    for (const choice of answer.choices) {
      const { tokens } = asked.prompts[Math.floor(choice.index / asked.n)];
      const text = textOf(choice, "content");
      const said = hasMessages(asked.api_type) ? messageTokens("assistant", text) : tokensOf(text);
      this.#cache.keep(seedOf(asked), [...tokens, ...said]);
    }
  }
}

/** The cache treats equal prompts as different if these differ. */
const seedOf = ({ model, preamble }: Asked) => `${model}\n${preamble}`;
