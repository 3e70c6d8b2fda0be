/** Models that evaluators ask: checked before the run, asked within its budget, recorded and journaled. */
import { settleApi } from "../endpoint/api.ts";
import { EndpointClient } from "../endpoint/client.ts";
import { requestBody } from "../endpoint/forms/forms.ts";
import { InputError, messageOf } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { countsOfReply } from "../run/ledger_entry.ts";
import { addedSpent, RequestCost, spentOf } from "../run/request_cost.ts";
import { canonicalJson, itemId } from "../settings/item_id.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Reply } from "../endpoint/answer.ts";
import type { Transport } from "../endpoint/transport.ts";
import type { Budget, Spent } from "../run/budget.ts";
import type { LedgerEntry } from "../run/ledger_entry.ts";
import type { Journal } from "../run/journal.ts";
import type { PriceTable } from "../run/prices.ts";
import type { ModelChoice, ModelQuestion } from "./evaluator.ts";

/**
 * How to ask a model that an evaluator names. Without an endpoint or provider, the run's endpoint and key
 * are used; if the model is not named either, it is the run's own.
 *
 * @throws {InputError} a malformed URL, an unknown provider, a missing key, an endpoint without a model.
 */
export function settleModel(
  { embeds = false, ...choice }: ModelChoice,
  own: APIConfiguration,
): APIConfiguration {
  const elsewhere = choice.endpoint !== undefined || choice.provider !== undefined;
  if (elsewhere && choice.model === undefined) {
    throw new InputError(
      `model: missing; expected the model at ${choice.endpoint ?? choice.provider}`,
    );
  }
  const api = elsewhere ? settleApi(choice, () => {}) : {
    ...own,
    ...settledHere(choice, own),
  };
  if (embeds === (api.api_type === "embeddings")) return api;
  if (embeds && (["messages", "gemini", "converse"].includes(api.api_type))) {
    throw new InputError(
      `${api.endpoint}: dyno cannot get embeddings from this API; name another endpoint`,
    );
  }
  if (embeds) {
    const several = api.several && {
      ...api.several,
      endpoints: api.several.endpoints.map(embeddingsAt),
    };
    const endpoint = embeddingsAt(api.endpoint);
    return { ...api, endpoint, ...(several ? { several } : {}), api_type: "embeddings" };
  }
  throw new InputError(
    `${api.endpoint}: returns embeddings; expected an endpoint that returns text`,
  );
}

/** The embeddings URL of an endpoint's server. */
function embeddingsAt(endpoint: string): string {
  const url = new URL(endpoint);
  url.pathname = url.pathname.replace(/\/(chat\/completions|completions|responses)$/, "") +
    "/embeddings";
  return url.href;
}

/** The run's own settings, with the changes of a choice that has no endpoint. */
function settledHere(choice: ModelChoice, own: APIConfiguration): APIConfiguration {
  const settled = settleApi(
    { ...choice, model: choice.model ?? own.model, endpoint: own.endpoint },
    () => {},
  );
  return {
    ...settled,
    headers: { ...own.headers, ...settled.headers },
    api_key_env: choice.api_key_env ?? own.api_key_env,
    max_tokens_field: own.max_tokens_field,
    stream_options: own.stream_options,
  };
}

/** What is needed to ask for a test. */
export interface ModelsParts {
  /** The run's own endpoint. */
  own: APIConfiguration;
  transport: Transport;
  journal: Journal;
  budget: Budget;
  prices: PriceTable;
  /** The cost of the run's own model. */
  cost: RequestCost;
  /** Adds a request to the run's ledger. */
  book(entry: LedgerEntry): void;
  onNotice(line: string): void;
}

/** The models that a run's evaluators ask. */
export class Models {
  readonly #parts: ModelsParts;
  readonly #known = new Map<string, { client: EndpointClient; cost: RequestCost }>();
  readonly #costs: Map<string, RequestCost>;
  readonly #pinned = new Set<string>();

  constructor(parts: ModelsParts) {
    this.#parts = parts;
    this.#costs = new Map([[parts.own.model, parts.cost]]);
  }

  /**
   * Asks a question for a test's evaluator.
   *
   * @throws {EndpointError} no answer.
   * @throws {CancelledError} the signal is aborted, or the budget is spent.
   */
  async ask(
    of: { package_id: string; item_id: string; evaluator: string },
    choice: ModelChoice,
    { pinned, ...question }: ModelQuestion,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { budget, journal, book } = this.#parts;
    const { client, cost } = this.#model(choice);
    const { endpoint, model } = client.api;
    const prompt_id = pinned === undefined ? null : this.#pin(of.evaluator, pinned);
    const body = requestBody(question, client.api);
    const reservation = await budget.reserve(() => cost.most(body), signal);
    const event = { event: "evaluator_asked", ...of, prompt_id, endpoint, model } as const;
    let spent: Spent = { usd: 0, tokens: 0 };
    try {
      const { reply, error } = await client.ask(question, signal, undefined, (request) => {
        const told = countsOfReply(request.reply, choice.embeds);
        const { failure, status } = request;
        const failed = failure === null ? null : { failure, status };
        const entry = cost.entry("judge", of.item_id, told, failed);
        if (failure === null) cost.learn(body, told);
        book(entry);
        spent = addedSpent(spent, spentOf(entry));
      });
      if (error !== null) throw error;
      const answer = choice.embeds ? null : reply.text;
      journal.append({ ...event, answer, error: null, spent: null });
      return reply;
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        journal.append({ ...event, answer: null, error: messageOf(error), spent: null });
      }
      throw error;
    } finally {
      reservation.settle(spent);
    }
  }

  #model(choice: ModelChoice) {
    const key = canonicalJson(choice);
    const known = this.#known.get(key);
    if (known) return known;
    const { own, transport, prices, onNotice } = this.#parts;
    const api = settleModel(choice, own);
    const cost = this.#costs.get(api.model) ?? new RequestCost(api.model, prices, onNotice);
    this.#costs.set(api.model, cost); // an unknown price is reported only once
    const made = {
      client: new EndpointClient({ ...api, stream: api.stream && !choice.embeds }, transport),
      cost,
    };
    this.#known.set(key, made);
    return made;
  }

  #pin(evaluator: string, prompt: string): string {
    const prompt_id = itemId(prompt);
    if (!this.#pinned.has(prompt_id)) {
      this.#pinned.add(prompt_id);
      this.#parts.journal.append({ event: "prompt_pinned", prompt_id, evaluator, prompt });
    }
    return prompt_id;
  }
}
