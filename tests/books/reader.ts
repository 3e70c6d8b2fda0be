/**
 * The books' second reader: what a run comes to by the mock's log of requests and by the journal's
 * lines. It shares no code with lib, and adds up dollars as whole numbers.
 */
import { readFileSync } from "node:fs";

/** Anything that JSON holds. */
// deno-lint-ignore no-explicit-any
export type Json = any;

/** A request as the mock kept it. */
export interface Logged {
  method: string;
  path: string;
  body: Json;
  fault: string | null;
  tokens: { prompt: number; cached: number; completion: number; reasoning: number } | null;
}

/** USD per million tokens, with at most six decimals. */
export interface Prices {
  input: number;
  output: number;
  cache_read?: number;
}

/** What a run's requests come to. */
export interface Truth {
  requests: number;
  prompt: number;
  cached: number;
  completion: number;
  reasoning: number;
  untold: number;
  /** Null: no price, so that nothing is known. */
  usd: number | null;
  unpriced: number;
}

/** Faults that are a refusal, by the mock's own list of them. */
const REFUSALS = ["server_error", "unavailable", "rate_limit", "unauthorized"];
/** Faults that are an answer all the same, and tell its usage. */
const ANSWERS = [null, "multi_token_event"];

/** Whether the mock gave a whole answer with its usage. */
export function isAnswer({ fault, tokens }: Logged): boolean {
  return tokens !== null && ANSWERS.includes(fault);
}

/** The requests to the model. */
export function asked(log: readonly Logged[]): Logged[] {
  return log.filter(({ method, path }) => method === "POST" && path.startsWith("/v1/"));
}

/** Dollars times 10¹² of a request, exactly. */
function picodollars({ prompt, cached, completion }: NonNullable<Logged["tokens"]>, price: Prices) {
  const each = (usd: number) => BigInt(Math.round(usd * 1e6));
  return BigInt(prompt - cached) * each(price.input) +
    BigInt(cached) * each(price.cache_read ?? price.input) +
    BigInt(completion) * each(price.output);
}

/**
 * What the log says that a run took.
 *
 * @param prices of each model; null: none.
 */
export function truthOf(log: readonly Logged[], prices: Record<string, Prices | null>): Truth {
  const truth = { requests: 0, prompt: 0, cached: 0, completion: 0, reasoning: 0, untold: 0 };
  let pico = 0n, priced = 0, unpriced = 0;
  for (const request of asked(log)) {
    const { body, fault } = request;
    truth.requests++;
    const price = prices[body.model];
    const refused = fault !== null && REFUSALS.includes(fault);
    const told = isAnswer(request);
    const tokens = request.tokens!;
    if (told) {
      truth.prompt += tokens.prompt;
      truth.cached += tokens.cached;
      truth.completion += tokens.completion;
      truth.reasoning += tokens.reasoning;
    } else if (!refused) truth.untold++;
    if (price === null || (!told && !refused)) unpriced++;
    else {
      priced++;
      if (told) pico += picodollars(tokens, price);
    }
  }
  return { ...truth, usd: priced ? Number(pico) / 1e12 : null, unpriced };
}

/** The lines of a journal. */
export function journalOf(folder: string): Json[] {
  return readFileSync(`${folder}/events.jsonl`, "utf8").split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What a suite's or coding run's journal says of its answers, of each way of asking. */
export interface Answers {
  answers: number;
  answered: number;
  passed: number;
  problems: number;
  /** Requests for attempts that were judged, one iteration each. */
  iterations: number;
}

/** Counts by mode ("" for a suite's), and of the whole. */
export function answersOf(journal: readonly Json[]): Map<string, Answers> {
  const last = new Map<string, Json>();
  for (const line of journal) {
    if (line.event === "package_finished") last.set(line.item_id, line.result);
  }
  const attempts = new Map<string, number>();
  for (const { event, attempt } of journal) {
    if (event !== "attempt_finished") continue;
    attempts.set(attempt.experiment_id, (attempts.get(attempt.experiment_id) ?? 0) + 1);
  }
  const modes = new Map<string, { counts: Answers; problems: Set<string> }>();
  for (const result of last.values()) {
    const mode = result.coding?.mode ?? "";
    const own = modes.get(mode) ?? {
      counts: { answers: 0, answered: 0, passed: 0, problems: 0, iterations: 0 },
      problems: new Set<string>(),
    };
    modes.set(mode, own);
    own.problems.add(result.coding?.problem_id ?? result.test_id);
    own.counts.answers++;
    own.counts.answered += Number(result.success);
    own.counts.passed += Number(result.evaluation_result?.passed === true);
    own.counts.iterations += attempts.get(result.coding?.experiment_id) ?? 0;
    own.counts.problems = own.problems.size;
  }
  return new Map([...modes].map(([mode, { counts }]) => [mode, counts]));
}

/**
 * What a mode of a comparative run cost and how many requests that is without: all that was asked for
 * its problems that have a result, and first answers that the other mode asked for.
 */
export function costOfMode(
  journal: readonly Json[],
  mode: string,
  prices: Record<string, Prices | null>,
): [usd: number | null, unknown: number] {
  const price = (name: string) =>
    Object.entries(prices).find(([model]) => model.startsWith(name))![1];
  const items = new Set<string>();
  for (const { event, result, item_id } of journal) {
    if (event === "package_finished" && result.coding?.mode === mode) items.add(item_id);
  }
  let pico = 0n, priced = 0, unknown = 0;
  const add = (prompt: number | null, cached: number, completion: number | null, name: string) => {
    const own = price(name);
    if (own === null || prompt === null || completion === null) unknown++;
    else {
      priced++;
      pico += picodollars({ prompt, cached, completion, reasoning: 0 }, own);
    }
  };
  for (const { event, entry, attempt } of journal) {
    if (event === "request_booked" && items.has(entry.item_id)) {
      const name = entry.asked_by === "reviewer" ? "sage" : "model";
      const { prompt_tokens, cached_prompt_tokens, completion_tokens } = entry;
      add(prompt_tokens, cached_prompt_tokens ?? 0, completion_tokens, name);
    }
    if (event !== "attempt_finished" || attempt.reused_from === null) continue;
    const { result } = attempt;
    if (!items.has(result.item_id)) continue;
    const told = result.token_source === "usage";
    const refused = ["http_4xx", "http_429", "http_5xx"].includes(result.error_class);
    if (refused) add(0, 0, 0, "model");
    else {
      const cached = result.usage_details?.cached_tokens ?? 0;
      add(
        told ? result.prompt_tokens : null,
        cached,
        told ? result.completion_tokens : null,
        "model",
      );
    }
  }
  return [priced ? Number(pico) / 1e12 : null, unknown];
}

/** What a load's journal says of its measured requests. */
export function requestsOf(journal: readonly Json[]) {
  const records = journal.filter(({ event }) => event === "request_finished")
    .map(({ result }) => result);
  const measured = records.filter(({ warmup }) => !warmup);
  const failures = (...names: string[]) =>
    measured.filter(({ failure }) => names.includes(failure)).length;
  const successful = measured.filter(({ failure }) => failure === null).length;
  const cut = failures("unfinished", "unsent");
  return {
    sent: records.filter(({ t_sent_ns }) => t_sent_ns !== null).length,
    successful,
    failed: measured.length - successful - cut,
    ttft_ms: measured.filter(({ failure, t_first_token_ns }) =>
      failure === null && t_first_token_ns
    )
      .map(({ t_sent_ns, t_first_token_ns }) => (t_first_token_ns - t_sent_ns) / 1e6),
  };
}

/** Seconds from a run's start to its journal's newest line. */
export function secondsOf(folder: string, journal: readonly Json[]): number {
  const { started_at_unix_seconds } = JSON.parse(
    readFileSync(`${folder}/run_metadata.json`, "utf8"),
  );
  return journal.at(-1).t - started_at_unix_seconds;
}

/** The median by nearest rank, as the documentation defines quantiles: of two middle values the lower. */
export function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? null;
}

/** Dollars and a count as a person may round them: whether `text` shows this value in its digits. */
export function shows(text: string, value: number): boolean {
  const told = /\$(\d+(?:\.(\d+))?)/.exec(text);
  if (told === null) return false;
  return Math.abs(Number(told[1]) - value) <= 0.5001 * 10 ** -(told[2]?.length ?? 0);
}
