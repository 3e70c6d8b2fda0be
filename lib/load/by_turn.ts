/** Compares first turns of conversations and sessions with later ones, whose history a cache may hold. */
import { latencies } from "../endpoint/latency.ts";
import { distribution } from "../stats/quantile.ts";
import type { Distribution } from "../stats/quantile.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** The figures of first turns, or of later turns. */
export interface TurnFigures {
  /** Which turns these are. */
  turn: "first" | "later";
  /** Requests that count in the measured windows. */
  requests: number;
  /** Of these, those with a good answer. */
  answered: number;
  /** Time to the first token; null where unknown. */
  ttft_ms: Distribution | null;
  /** Time to the whole answer; null where unknown. */
  e2e_ms: Distribution | null;
  /** Mean tokens of a prompt; null where unknown. */
  prompt_tokens_mean: number | null;
  /**
   * Share of the prompt tokens that came from the server's cache, by `usage`; null where it does
   * not say.
   */
  cached_share: number | null;
}

/**
 * Returns the figures by turn; null where no conversation or session has a later turn.
 *
 * @param inside requests that count. The first turn of a session, or of a sub-agent in it, is the
 * request with the earliest intended time.
 */
export function figuresByTurn(inside: readonly RequestRecord[]): TurnFigures[] | null {
  const begun = new Map<string, RequestRecord>();
  const keyOf = ({ session, conversation, agent = "" }: RequestRecord) =>
    session !== undefined
      ? `session ${session} ${agent}`
      : conversation === null
      ? null
      : `conversation ${conversation} ${agent}`;
  for (const record of inside) {
    const key = keyOf(record);
    const known = key === null ? undefined : begun.get(key);
    if (key === null) continue;
    if (known === undefined || record.t_intended_ns < known.t_intended_ns) begun.set(key, record);
  }
  const first: RequestRecord[] = [], later: RequestRecord[] = [];
  for (const record of inside) {
    const key = keyOf(record);
    if (key === null) continue;
    const isFirst = (record.turn === 0 || record.agent !== undefined) && begun.get(key) === record;
    (isFirst ? first : later).push(record);
  }
  if (later.length === 0) return null;
  return [figuresOf("first", first), figuresOf("later", later)];
}

function figuresOf(turn: TurnFigures["turn"], records: readonly RequestRecord[]): TurnFigures {
  const answered = records.filter(({ failure }) => failure === null);
  const values = answered.map(latencies);
  const known = (name: "ttft_ms" | "e2e_ms") =>
    distribution(values.map((value) => value[name]).filter((value) => value !== null));
  const prompts = answered.flatMap(({ prompt_tokens }) => prompt_tokens ?? []);
  let [cached, counted] = [0, 0];
  for (const { prompt_tokens, usage_details } of answered) {
    if (prompt_tokens === null || usage_details?.cached_tokens === undefined) continue;
    cached += usage_details.cached_tokens;
    counted += prompt_tokens;
  }
  return {
    turn,
    requests: records.length,
    answered: answered.length,
    ttft_ms: known("ttft_ms"),
    e2e_ms: known("e2e_ms"),
    prompt_tokens_mean: prompts.length
      ? prompts.reduce((sum, tokens) => sum + tokens, 0) / prompts.length
      : null,
    cached_share: counted > 0 ? cached / counted : null,
  };
}
