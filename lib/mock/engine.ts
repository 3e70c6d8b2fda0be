/** The mock's model: what it answers, what its prefix cache keeps, and what it counts. */
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

/** Answers questions one by one, and remembers them in its cache and its counts. */
export class Engine {
  readonly #cache: PrefixCache | null;
  readonly #counts = new ServerCounts();
  readonly #script: Script;
  #answers = 0;

  /** @param cache_blocks of the prefix cache; without, there is none. */
  constructor(script: MockScript, cache_blocks: number | undefined) {
    this.#script = new Script(script);
    this.#cache = cache_blocks === undefined ? null : new PrefixCache(cache_blocks);
  }

  /** Whether there is a prefix cache, and with it metrics. */
  get hasCache(): boolean {
    return this.#cache !== null;
  }

  resetCache(): void {
    this.#cache?.reset();
  }

  /** The metrics page, in vLLM's names. Only with a cache. */
  metrics(model: string): string {
    return this.#counts.page(model, this.#cache!);
  }

  /** What it says to all prompts of a question. */
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

  /** Its time for an answer, as its script or else the behaviour says. */
  paceOf(asked: Asked, answer: MockAnswer, behaviour: MockBehaviour): Pace {
    const scripted = this.#script.find(asked.prompts[0].text);
    const computed = answer.prompt_tokens - (answer.cached_tokens ?? 0);
    const { prefill_tokens_per_second: prefill } = behaviour;
    return {
      delay_s: (scripted?.delay_s ?? behaviour.delay_s) + (prefill ? computed / prefill : 0),
      tokens_per_second: scripted?.tokens_per_second ?? behaviour.tokens_per_second,
    };
  }

  /** Counts a reply that begins. */
  begin({ prompt_tokens }: MockAnswer): void {
    this.#counts.running++;
    this.#counts.prompt_tokens += prompt_tokens;
  }

  /** Counts a reply that has ended, and keeps what was generated for the next turn's prompt. */
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
      const why = finish_reason === "tool_calls" ? "stop" : finish_reason; // as vLLM counts a call
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

/** What besides its tokens makes a prompt another one to the cache. */
const seedOf = ({ model, preamble }: Asked) => `${model}\n${preamble}`;
