/** What is kept of a request that is over. */
import { classOfStatus, EndpointError } from "../endpoint/errors.ts";
import { excerpt } from "../endpoint/reply.ts";
import { readWhole } from "../endpoint/chunk.ts";
import { CancelledError } from "../execute/scope.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { HttpExchange } from "../endpoint/transport.ts";
import type { Spent } from "../run/budget.ts";
import type { RequestCost } from "../run/request_cost.ts";
import type { Flight } from "./drive.ts";
import type { LoadTokenSource, RequestRecord } from "../run/request_record.ts";

type Failure = Pick<RequestRecord, "failure" | "message">;

/**
 * The record of a request; its stage and its place in tokens.bin are filled in by those who know.
 *
 * @param countTokens for answers whose tokens the server did not count.
 */
export function recordOf(
  flight: Flight,
  exchange: HttpExchange,
  error: Error | null,
  api: APIConfiguration,
  countTokens: ((text: string) => number) | null,
): RequestRecord {
  const { times } = flight;
  const whole = error === null && exchange.status === 200 && exchange.body !== "";
  const counts = { prompt: times.prompt_tokens, completion: times.completion_tokens };
  let text = times.text;
  let wholeError: Error | null = null;
  if (whole) {
    try {
      const chunk = readWhole(exchange.body, api.api_type);
      counts.prompt = chunk.prompt_tokens;
      counts.completion = chunk.completion_tokens;
      text = chunk.text;
      if (!chunk.has_token) wholeError = new EndpointError("empty_reply", "the answer is empty");
    } catch (problem) {
      wholeError = problem as Error;
    }
  }
  const failure = failureOf(flight, exchange, error, wholeError, whole);
  const [completion_tokens, token_source] =
    failure.failure === null && api.api_type !== "embeddings"
      ? tokensOf(counts.completion, times.token_events, text, countTokens)
      : [counts.completion, counts.completion === null ? null : "usage" as const];
  return {
    request: flight.request,
    stage: flight.stage,
    warmup: false,
    conversation: flight.conversation,
    turn: flight.turn,
    t_intended_ns: flight.t_intended_ns ?? exchange.t_ready_ns,
    t_ready_ns: exchange.t_ready_ns,
    t_sent_ns: known(exchange.t_sent_ns),
    t_first_byte_ns: known(exchange.t_first_byte_ns),
    t_first_choice_ns: times.t_first_choice_ns,
    t_first_token_ns: times.t_first_token_ns,
    t_last_token_ns: times.t_last_token_ns,
    t_end_ns: exchange.t_end_ns,
    connect_ns: exchange.connect_ns,
    status: exchange.status,
    ...failure,
    prompt_tokens: counts.prompt,
    completion_tokens,
    token_source,
    cost_usd: null,
    token_events: times.token_events,
    lag_max_ns: times.lag_max_ns,
    gaps_at: 0,
    gaps: times.gaps_ms.length,
  };
}

/**
 * Prices a request in its record.
 * @returns what it took of a budget: nothing where the server refused it, unknown where it was cut off.
 */
export function price(
  record: RequestRecord,
  { body }: Flight,
  { status }: HttpExchange,
  cost: RequestCost,
): Spent {
  const { failure, token_source } = record;
  if (failure !== null) {
    const begun = status === 200 || failure === "timeout" || failure === "unfinished";
    return begun ? { usd: null, tokens: null } : { usd: 0, tokens: 0 };
  }
  const spent = cost.spentBy(body, record);
  if (token_source !== "events") record.cost_usd = spent.usd;
  return spent;
}

function known(t_ns: number): number | null {
  return t_ns === 0 ? null : t_ns;
}

function failureOf(
  { times, error: found }: Flight,
  exchange: HttpExchange,
  error: Error | null,
  wholeError: Error | null,
  whole: boolean,
): Failure {
  const problem = found ?? (error instanceof CancelledError ? null : error) ?? wholeError;
  if (problem instanceof EndpointError) {
    return { failure: problem.failure, message: excerpt(problem.message) };
  }
  if (problem !== null) throw problem; // a fault of ours
  if (error !== null) {
    const failure = exchange.t_sent_ns === 0 ? "unsent" : "unfinished";
    return { failure, message: "cut off by the end of the run" };
  }
  if (exchange.status !== 200) {
    const failure = classOfStatus(exchange.status);
    return { failure, message: `HTTP ${exchange.status}: ${excerpt(exchange.body)}` };
  }
  if (whole) return { failure: null, message: null };
  if (!times.finished) return { failure: "truncated", message: "the answer ended before its end" };
  if (times.token_events === 0) return { failure: "empty_reply", message: "the answer is empty" };
  return { failure: null, message: null };
}

function tokensOf(
  usage: number | null,
  events: number,
  text: string,
  countTokens: ((text: string) => number) | null,
): [number | null, LoadTokenSource | null] {
  if (usage !== null) return [usage, "usage"];
  if (countTokens !== null) return [countTokens(text), "tokenizer"];
  return events > 0 ? [events, "events"] : [null, null];
}
