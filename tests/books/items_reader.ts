/**
 * What a suite's or coding run's journal says of its items, read by hand: which were answered and right,
 * their tokens, dollars and times, and what problems and the whole run come to. Shares no code with lib.
 */
import { sumOfEntries } from "./reader.ts";
import type { Json, Prices } from "./reader.ts";

/** One test, or one answer to a coding problem. */
export interface Item {
  test_id: string;
  problem: string;
  /** "" where a run has one way of asking. */
  mode: string;
  category: string;
  success: boolean;
  /** Null: not judged. */
  passed: boolean | null;
  score: number | null;
  /** Its evaluator failed. */
  unjudged: boolean;
  timed_out: boolean;
  /** Of its answer; of a coding problem of all that was asked for it. Null: not known. */
  prompt: number | null;
  completion: number | null;
  usd: number | null;
  unpriced: number;
  elapsed_s: number;
  e2e_ms: number | null;
  ttft_ms: number | null;
  iterations: number | null;
}

/** An answer in time, CLOCK_MONOTONIC nanoseconds. */
export interface Span {
  start: number;
  end: number;
  tokens: number | null;
  success: boolean;
}

/**
 * The items of a journal, in the order in which they were first begun; of one that ran twice the last.
 *
 * @param cut_off ids of those that were under way at a kill.
 */
export function itemsOf(
  journal: readonly Json[],
  prices: Record<string, Prices | null>,
  cut_off: readonly string[],
): Item[] {
  const last = new Map<string, Json>();
  const attempts = Map.groupBy(
    journal.filter(({ event }) => event === "attempt_finished").map(({ attempt }) => attempt),
    ({ experiment_id }) => experiment_id,
  );
  for (const { event, item_id, result } of journal) {
    if (event === "package_finished") last.set(item_id, result);
  }
  return [...last].map(([item_id, result]) => {
    const { coding, evaluation_result: judged, timing } = result;
    const own = journal.flatMap(({ event, entry }) =>
      event === "request_booked" && entry.item_id === item_id ? [entry] : []
    );
    // an answer that the other mode asked for is part of what a problem takes
    const shared = (attempts.get(coding?.experiment_id) ?? [])
      .filter(({ reused_from }) => reused_from !== null)
      .map(({ result }) => entryOfAnswer(result));
    const asked = sumOfEntries(coding ? [...own, ...shared] : own, prices);
    const answer = own.findLast(({ asked_by }) => asked_by === "test" || asked_by === "retry");
    // the turns of the session that ended it; a refusal before them took nothing
    const turns = own.filter(({ asked_by, prompt_tokens }) =>
      asked_by !== "judge" && prompt_tokens !== 0
    ).slice(-(result.exchanges?.length ?? 1));
    const talk = result.conversation ? sumOfEntries(turns, prices) : null;
    const took = coding ? asked : talk?.unknown === 0 ? talk : talk ? told(result) : {
      prompt: result.success ? answer?.prompt_tokens ?? null : result.prompt_tokens,
      // what nobody told is counted from the stream
      completion: result.success && answer?.completion_tokens != null
        ? answer.completion_tokens
        : result.completion_tokens,
    };
    return {
      test_id: result.test_id,
      problem: coding?.problem_id ?? result.problem_id ?? result.test_id,
      mode: coding?.mode ?? "",
      category: result.category,
      success: result.success,
      passed: judged && "passed" in judged ? judged.passed : null,
      score: judged && "targets" in judged ? judged.created_hits / judged.targets : null,
      unjudged: judged !== null && "error" in judged,
      timed_out: result.timed_out,
      prompt: took.prompt,
      completion: took.completion,
      usd: asked.usd,
      unpriced: asked.unpriced + cut_off.filter((id) => id === item_id).length,
      elapsed_s: coding
        ? (attempts.get(coding.experiment_id) ?? [])
          .reduce((sum, { result }) => sum + result.elapsed_seconds, 0)
        : result.elapsed_seconds,
      e2e_ms: timing ? (timing.t_end_ns - timing.t_sent_ns) / 1e6 : null,
      ttft_ms: timing?.ttft_ms ?? null,
      iterations: coding ? attempts.get(coding.experiment_id)?.length ?? 0 : null,
    };
  });
}

function told({ prompt_tokens, completion_tokens }: Json) {
  return { prompt: prompt_tokens, completion: completion_tokens };
}

/** The entry of the ledger that an answer had where it was asked for. */
export function entryOfAnswer(result: Json): Json {
  const told = result.token_source === "usage";
  const refused = ["http_4xx", "http_429", "http_5xx"].includes(result.error_class);
  return {
    asked_by: "test",
    prompt_tokens: refused ? 0 : told ? result.prompt_tokens : null,
    cached_prompt_tokens: result.usage_details?.cached_tokens ?? 0,
    completion_tokens: refused ? 0 : told ? result.completion_tokens : null,
  };
}

/** The same of a load's request. */
export function entryOfRequest(result: Json): Json {
  const { failure, status, token_source, prompt_tokens, completion_tokens, usage_details } = result;
  const refused = ["http_4xx", "http_429", "http_5xx"].includes(failure) && status >= 400;
  const told = failure === null && token_source === "usage";
  return {
    prompt_tokens: refused ? 0 : told ? prompt_tokens : null,
    cached_prompt_tokens: usage_details?.cached_tokens ?? 0,
    completion_tokens: refused ? 0 : told ? completion_tokens : null,
  };
}

/** Every answer of a run in time, each where it was asked for; of an item that ran twice the last ones. */
export function spansOf(journal: readonly Json[]): Span[] {
  const tests = new Map<string, Json[]>(), tries = new Map<string, Json>();
  // a problem that has no result yet has no answers yet
  const ended = new Set(
    journal.flatMap(({ event, result }) =>
      event === "package_finished" ? [result.coding?.experiment_id] : []
    ),
  );
  for (const { event, result, attempt, item_id } of journal) {
    if (event === "package_finished" && !result.coding) {
      tests.set(item_id, result.conversation ? result.exchanges.map(timed) : [result]);
    }
    if (
      event === "attempt_finished" && attempt.reused_from === null &&
      ended.has(attempt.experiment_id)
    ) {
      tries.set(`${attempt.experiment_id} ${attempt.iteration}`, attempt.result);
    }
  }
  return [...[...tests.values()].flat(), ...tries.values()].filter(({ timing }) => timing).map((
    result,
  ) => ({
    start: result.timing.t_sent_ns,
    end: result.timing.t_end_ns,
    tokens: result.completion_tokens,
    success: result.success,
  }));
}

/** A question of a conversation, which the journal tells of in short. */
function timed({ success, completion_tokens, t_sent_ns, e2e_ms }: Json): Json {
  return { success, completion_tokens, timing: { t_sent_ns, t_end_ns: t_sent_ns + e2e_ms * 1e6 } };
}

/** Seconds in which at least one of them was in flight: by every stretch between two moments. */
export function busySeconds(spans: readonly Span[]): number {
  const moments = [...new Set(spans.flatMap(({ start, end }) => [start, end]))].sort((a, b) =>
    a - b
  );
  let ns = 0;
  for (let i = 1; i < moments.length; i++) {
    const [from, to] = [moments[i - 1], moments[i]];
    if (spans.some(({ start, end }) => start <= from && end >= to)) ns += to - from;
  }
  return ns / 1e9;
}

/** Output tokens of all answers per second of the time in which one was in flight; null: not known. */
export function outputRate(spans: readonly Span[]): number | null {
  const answers = spans.filter(({ success }) => success);
  const busy = busySeconds(spans);
  if (answers.length === 0 || busy === 0) return null;
  if (answers.some(({ tokens }) => tokens === null)) return null;
  return answers.reduce((sum, { tokens }) => sum + tokens!, 0) / busy;
}

/** The arithmetic mean; null of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

/** The mean over problems of the mean of what is known of their answers; null where nothing is. */
export function byProblem(
  items: readonly Item[],
  valueOf: (item: Item) => number | null,
): { n: number; answers: number; mean: number | null } {
  const known = items.flatMap((item) => {
    const value = valueOf(item);
    return value === null ? [] : [{ problem: item.problem, value }];
  });
  const groups = [...Map.groupBy(known, ({ problem }) => problem).values()];
  const means = groups.map((own) => mean(own.map(({ value }) => value))!);
  return { n: groups.length, answers: known.length, mean: mean(means) };
}

/** Right or not, as a share counts it: one without an answer is not; one that nobody judged is left out. */
export function rightness({ success, passed }: Item): number | null {
  return passed !== null ? Number(passed) : success ? null : 0;
}
