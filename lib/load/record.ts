/** The record of a request that has ended. */
import { answersNumbers, apiForm } from "../endpoint/forms/forms.ts";
import { EndpointError, excerpt, isSuccess, statusError } from "../endpoint/errors.ts";
import { CancelledError } from "../execute/scope.ts";
import type { Reply } from "../endpoint/answer.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { HttpExchange } from "../endpoint/transport.ts";
import type { Media } from "../endpoint/said.ts";
import type { Spent } from "../run/budget.ts";
import { loadEntry } from "../run/ledger.ts";
import { spentOf } from "../run/request_cost.ts";
import type { RequestCost } from "../run/request_cost.ts";
import type { Flight } from "./flight.ts";
import { CUT_OFF_BY_END } from "../run/request_record.ts";
import type { RequestRecord } from "../run/request_record.ts";

type Failure = Pick<RequestRecord, "failure" | "message">;

/** Length of the message in a record: the server's words, and what to try. */
const MESSAGE_LENGTH = 400;

/**
 * Returns the record of a request. The caller fills in its stage and its place in tokens.bin.
 *
 * @param countTokens counts answers whose tokens the server did not count; null: they stay
 * uncounted.
 */
export function recordOf(
  flight: Flight,
  exchange: HttpExchange,
  error: Error | null,
  api: APIConfiguration,
  countTokens: ((text: string) => number) | null,
): RequestRecord {
  const { reply } = flight;
  const { tokens, choices, blank } = reply;
  const failure = failureOf(flight, exchange, error, api);
  const gaps_ms = tokens.gaps_ms;
  return {
    request: flight.request,
    request_id: flight.request_id,
    ...(flight.session === null ? {} : { session: flight.session }),
    ...endpointOf(flight, exchange, failure, api),
    ...(flight.model === api.model ? {} : { model: flight.model }),
    stage: flight.stage,
    warmup: false,
    conversation: flight.running?.conversation ?? null,
    turn: flight.turn,
    ...agentOf(flight),
    t_intended_ns: flight.t_intended_ns ?? exchange.t_ready_ns,
    t_ready_ns: exchange.t_ready_ns,
    t_sent_ns: known(exchange.t_sent_ns),
    t_first_byte_ns: known(exchange.t_first_byte_ns),
    t_first_choice_ns: choices.first_ns,
    t_last_choice_ns: choices.last_ns,
    choice_events: choices.count,
    ...(blank.count === 0 ? {} : {
      t_first_blank_ns: blank.first_ns,
      t_last_blank_ns: blank.last_ns,
      blank_events: blank.count,
    }),
    t_first_token_ns: tokens.first_ns,
    t_last_token_ns: tokens.last_ns,
    t_end_ns: exchange.t_end_ns,
    connect_ns: known(exchange.connect_ns),
    tls_ns: exchange.tls_ns || null,
    ...(exchange.connected_ahead ? { connected_ahead: true } : {}),
    status: exchange.status,
    finish_reason: reply.finish_reason,
    ...failure,
    prompt_tokens: reply.prompt_tokens,
    ...(failure.failure === null ? reply.counted(countTokens) : toldBy(reply)),
    usage_details: reply.usage_details,
    ...(failure.failure === null ? mediaOf(flight, api) : {}),
    cost_usd: null,
    token_events: tokens.count,
    lag_max_ns: reply.lag_max_ns,
    gaps_at: 0,
    gaps: gaps_ms.length,
  };
}

/**
 * Audio and images of an answer. The duration of input audio is taken from the request, where it is
 * known best.
 */
function mediaOf({ reply, body }: Flight, api: APIConfiguration): Pick<RequestRecord, "media"> {
  const told: Media = { ...reply.media };
  const asked = apiForm(api).asked?.(body);
  if (asked?.audio_s !== undefined) told.audio_s = asked.audio_s;
  return Object.keys(told).length > 0 ? { media: told } : {};
}

/**
 * Adds the cost of a request to its record.
 *
 * @returns what it used of a budget.
 */
export function price(
  record: RequestRecord,
  { body }: Flight,
  { api_type }: APIConfiguration,
  cost: RequestCost,
): Spent {
  if (record.t_sent_ns === null) return { usd: 0, tokens: 0 };
  if (record.failure === null) cost.learn(body, record);
  const entry = loadEntry(record, cost.price, answersNumbers(api_type));
  record.cost_usd = entry.cost_usd;
  return spentOf(entry);
}

/** The endpoint that the request went to, where there are several. */
function endpointOf(
  { place }: Flight,
  exchange: HttpExchange,
  { failure }: Failure,
  { several }: APIConfiguration,
): { endpoint?: string } {
  if (!several || failure === "unsent") return {};
  return { endpoint: several.endpoints[place ?? exchange.place ?? 0] };
}

function agentOf({ running, turn }: Flight): { agent?: string } {
  const agent = running?.agentOf(turn);
  return agent === undefined ? {} : { agent };
}

function known(t_ns: number): number | null {
  return t_ns === 0 ? null : t_ns;
}

/** The token counts that a server reported for a failed request: they are charged for. */
function toldBy({ completion_tokens }: Reply): ReturnType<Reply["counted"]> {
  return { completion_tokens, token_source: completion_tokens === null ? null : "usage" };
}

/** What went wrong, if anything. A body that is not streamed is read here. */
function failureOf(
  { reply, error: found, cut, cutting }: Flight,
  exchange: HttpExchange,
  error: Error | null,
  api: APIConfiguration,
): Failure {
  let problem = found ?? error;
  const late = problem instanceof EndpointError && problem.failure === "timeout";
  if (
    late ? cut?.after_s && cut.after_s < api.timeout : cutting && problem instanceof CancelledError
  ) {
    const when = cut!.tokens === null ? `after ${cut!.after_s} s` : `at ${cut!.tokens} tokens`;
    return { failure: "cancelled", message: `cut off by this client ${when}, as asked` };
  }
  if (problem instanceof CancelledError) {
    const failure = exchange.t_sent_ns === 0 ? "unsent" : "unfinished";
    return { failure, message: CUT_OFF_BY_END };
  }
  try {
    if (problem !== null) throw problem;
    if (!isSuccess(exchange.status)) throw statusError(exchange, api);
    reply.took(exchange);
    reply.end();
    return { failure: null, message: null };
  } catch (thrown) {
    problem = thrown as Error;
  }
  if (!(problem instanceof EndpointError)) throw problem; // a bug of dyno
  const failure = problem.failure === "client" ? "unsent" : problem.failure;
  return { failure, message: excerpt(problem.message, MESSAGE_LENGTH) };
}
