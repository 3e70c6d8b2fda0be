/** The mock's model: its answers, its prefix cache, and its counts. */
import { choiceOf, completionTokens, type MockAnswer, textOf } from "./answer.ts";
import { type Asked, hasMessages, messageTokens } from "./asked.ts";
import { PrefixCache } from "./prefix_cache.ts";
import { type MockScript, Script } from "./script.ts";
import { tokensOf } from "./tokens.ts";
import type { MockBehaviour } from "./behaviour.ts";
import type { Pace, ReplyPart } from "./parts.ts";

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

/** Counts since the start, of completions in any form. */
class ServerCounts {
  running = 0;
  prompt_tokens = 0;
  generation_tokens = 0;
  /** Ended answers by reason; "abort" if the client left or a fault cut the answer. */
  readonly finished = { stop: 0, length: 0, abort: 0 };

  /** Prometheus text 0.0.4, with the names of vLLM 0.11's /metrics. */
  page(model: string, cache: PrefixCache): string {
    const labels = `engine="0",model_name="${
      model.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")
    }"`;
    const family = (name: string, type: string, help: string, values: [string, number][]) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...values.map(([more, value]) => `${name}{${labels}${more}} ${value}`),
    ];
    const one = (name: string, type: string, help: string, value: number) =>
      family(`vllm:${name}`, type, help, [["", value]]);
    return [
      ...one("num_requests_running", "gauge", "Requests being answered.", this.running),
      ...one("num_requests_waiting", "gauge", "Requests in a queue: the mock has none.", 0),
      ...one("prefix_cache_queries_total", "counter", "Prompt tokens looked up.", cache.queries),
      ...one("prefix_cache_hits_total", "counter", "Prompt tokens found.", cache.hits),
      ...one("prompt_tokens_total", "counter", "Prompt tokens received.", this.prompt_tokens),
      ...one("generation_tokens_total", "counter", "Tokens sent.", this.generation_tokens),
      ...family(
        "vllm:request_success_total",
        "counter",
        "Finished answers, by reason.",
        Object.entries(this.finished).map(([why, count]) => [`,finished_reason="${why}"`, count]),
      ),
      "",
    ].join("\n");
  }
}
