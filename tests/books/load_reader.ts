/**
 * What a load's journal comes to, by hand: counts, latencies and rates, each from the definition that the
 * documentation gives of it. Shares no code with lib, and counts what overlaps by looking at every stretch.
 */
import { mean } from "./items_reader.ts";
import { median, nearest } from "./reader.ts";
import type { Json } from "./reader.ts";

/** A load of one stage. */
export interface LoadTruth {
  requests: Record<"sent" | "successful" | "failed" | "unfinished" | "unsent" | "warmup", number>;
  errors: Record<string, number>;
  error_rate: number | null;
  /** Null: nothing was sent. */
  requests_per_s: number | null;
  output_tokens_per_s: number | null;
  prompt_tokens_per_s: number | null;
  prompt_tokens_mean: number | null;
  completion_tokens_mean: number | null;
  /** Of answers, by name: how many and their quantiles; null for none. */
  metrics: Record<string, Quantiles | null>;
  /** Every measured request. */
  records: Json[];
}

/** What is told of a latency. */
export interface Quantiles {
  n: number;
  mean: number;
  p50: number;
  p99: number;
  max: number;
}

/** A load with one stage, of answers that are as short as this test's. */
export function loadOf(journal: readonly Json[]): LoadTruth {
  const all = journal.filter(({ event }) => event === "request_finished").map(({ result }) =>
    result
  );
  const { settings } = journal.find(({ event }) => event === "load_started");
  const { start_ns } = journal.findLast(({ event }) => event === "stage_started");
  const records: Json[] = all.filter(({ warmup }) => !warmup);
  const answers = records.filter(({ failure }) => failure === null);
  const [unfinished, unsent] = ["unfinished", "unsent"].map((name) =>
    records.filter(({ failure }) => failure === name).length
  );
  const cancelled = records.filter(({ failure }) => failure === "cancelled").length;
  const failed = records.length - answers.length - unfinished - unsent - cancelled;
  const known = (name: string) =>
    answers.map((record) => record[name]).filter((value) => value !== null);
  const rate = records.length === 0
    ? () => null
    : settings.rate === undefined
    ? closedRate(records, settings.concurrency)
    : openRate(records, start_ns);
  const ms = (from: string, to: string) =>
    quantiles(
      answers.flatMap((record) =>
        record[from] === null || record[to] === null ? [] : [(record[to] - record[from]) / 1e6]
      ),
    );
  const errors: Record<string, number> = {};
  for (const { failure } of records) {
    if ([null, "unfinished", "unsent", "cancelled"].includes(failure)) continue;
    errors[failure] = (errors[failure] ?? 0) + 1;
  }
  return {
    requests: {
      sent: records.filter(({ t_sent_ns }) => t_sent_ns !== null).length,
      successful: answers.length,
      failed,
      unfinished,
      unsent,
      warmup: all.length - records.length,
    },
    errors,
    error_rate: answers.length + failed ? failed / (answers.length + failed) : null,
    requests_per_s: rate(() => 1),
    output_tokens_per_s: rate(
      ({ completion_tokens }) => completion_tokens,
      ({ token_events }) => token_events,
    ),
    prompt_tokens_per_s: answers.length ? rate(({ prompt_tokens }) => prompt_tokens) : null,
    prompt_tokens_mean: mean(known("prompt_tokens")),
    completion_tokens_mean: mean(known("completion_tokens")),
    metrics: {
      ttft_ms: ms("t_sent_ns", "t_first_token_ns"),
      ttft_intended_ms: ms("t_intended_ns", "t_first_token_ns"),
      e2e_ms: ms("t_sent_ns", "t_end_ns"),
      e2e_intended_ms: ms("t_intended_ns", "t_end_ns"),
      tpot_ms: quantiles(answers.flatMap((record) => {
        const { t_first_token_ns: first, t_last_token_ns: last, completion_tokens: n } = record;
        return n > 1 && last > first ? [(last - first) / 1e6 / (n - 1)] : [];
      })),
    },
    records,
  };
}

function quantiles(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const max = Math.max(...values);
  return {
    n: values.length,
    mean: mean(values)!,
    p50: median(values)!,
    p99: nearest(values, 0.99)!,
    max,
  };
}

/** A count of an answered request; null: nobody told. */
type Count = (record: Json) => number | null;

/**
 * What each request adds: an answer its count, or what the others' answers have on average where nobody
 * told; one that was cut off what had come by then; nothing for a failed one. Null where it is known of no answer.
 */
function counted(
  records: readonly Json[],
  count: Count,
  ofCut: (record: Json) => number = () => 0,
): number[] | null {
  const answers = records.filter(({ failure }) => failure === null);
  const told = answers.flatMap((record) => count(record) ?? []);
  if (told.length === 0 && answers.length > 0) return null;
  return records.map((record) =>
    record.failure === null
      ? count(record) ?? mean(told)!
      : record.failure === "unfinished"
      ? ofCut(record)
      : 0
  );
}

/**
 * A closed loop: places taken on average · Σ counts / Σ times that requests held a place, less the bias of
 * a ratio of few (the jackknife).
 */
function closedRate(records: readonly Json[], wanted: number) {
  const held = records.filter(({ failure }) => failure !== "unsent")
    .map((record) => ({ record, from: record.t_ready_ns, to: record.t_end_ns }))
    .sort((a, b) => a.from - b.from);
  const moments = [...new Set(held.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  const stretches = moments.slice(1).map((to, i) => {
    const from = moments[i];
    const taken = held.filter((each) => each.from <= from && each.to >= to).length;
    return { from, to, taken };
  });
  const full = stretches.filter(({ taken }) => taken >= wanted);
  let [start, end] = [full[0]?.from ?? 0, full.at(-1)?.to ?? 0];
  const outside = held.filter(({ to }) => to < start || to > end).length;
  // never full but in a ramp and a drain: the whole stage
  if (full.length === 0 || outside > 2 * wanted) [start, end] = [moments[0], moments.at(-1)!];
  const area = stretches.filter(({ from, to }) => from >= start && to <= end)
    .reduce((sum, { from, to, taken }) => sum + taken * (to - from), 0);
  const places = area / (end - start);
  const weights = atLeast(held.map(({ record, from, to }) => ({
    lasted: to - from,
    cut: record.failure === "unfinished",
  })));
  const those = held.map((_, i) => i).filter((i) => weights[i] > 0);
  const times = those.map((i) => weights[i] * (held[i].to - held[i].from) / 1e9 / places);
  return (count: Count, ofCut?: (record: Json) => number): number | null => {
    const counts = counted(held.map(({ record }) => record), count, ofCut);
    return counts && lessBias(those.map((i) => weights[i] * counts[i]), times);
  };
}

/**
 * As how many each request counts where some were cut off, which lasted longer than is known: the steps of
 * the product-limit estimate (Kaplan and Meier), times their number. What is left of it after the last whole
 * one is of those that were cut off later.
 */
function atLeast(all: readonly { lasted: number; cut: boolean }[]): number[] {
  const order = all.map((_, i) => i).sort((a, b) =>
    all[a].lasted - all[b].lasted || Number(all[a].cut) - Number(all[b].cut)
  );
  const last = order.findLastIndex((i) => !all[i].cut);
  const weights = all.map(() => 0);
  let left = 1;
  order.forEach((i, place) => {
    const there = all.length - place;
    if (all[i].cut && place < last) return;
    weights[i] = all.length * left / there;
    left *= 1 - 1 / there;
  });
  return weights;
}

/**
 * The jackknife by leaving each one out. Of its correction so much is made that a rate of requests alone
 * stays above 1/(1 + 3v) of itself, and that no request counts less than nothing, tried one by one.
 */
function lessBias(counts: readonly number[], times: readonly number[]): number {
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const n = counts.length;
  const raw = sum(counts) / sum(times);
  if (n < 2 || raw === 0) return raw;
  const correction = (of: readonly number[]) => {
    const without = of.map((_, i) => {
      const left = (values: readonly number[]) => sum(values.filter((_, k) => k !== i));
      return left(of) / left(times);
    });
    return (n - 1) * (sum(of) / sum(times) - mean(without)!);
  };
  const ones = counts.map(() => 1);
  const v = sum(times.map((time) => (1 - n * time / sum(times)) ** 2)) / (n - 1) / n;
  const shares = [1, (n / sum(times)) * (1 - 1 / (1 + 3 * v)) / -correction(ones)];
  for (let only = 0; only < n; only++) {
    shares.push(1 / sum(times) / -correction(ones.map((_, i) => i === only ? 1 : 0)));
  }
  const value = raw + correction(counts) * Math.min(...shares.filter((share) => share > 0));
  return Math.abs(value) < 1e-9 * raw ? 0 : value; // a correction down to 0 leaves what rounding leaves
}

/**
 * An open loop: Σ counts / the stage's time. A stage that ends by its count ends one gap after its last
 * turn; it is longer by as much as ends are more spread than turns, where that is more than noise.
 */
function openRate(records: readonly Json[], start_ns: number) {
  const turns: number[] = records.map(({ t_intended_ns }) => t_intended_ns).sort((a, b) => a - b);
  const n = turns.length;
  const end_ns = turns[n - 1] + (turns[n - 1] - turns[0]) / Math.max(1, n - 1);
  const gone = records.filter(({ failure }) => failure !== "unfinished" && failure !== "unsent");
  const middle = (values: number[]) => {
    const at = (share: number) => {
      const place = share * (values.length - 1), low = Math.floor(place);
      return values[low] + (place - low) * ((values[low + 1] ?? values[low]) - values[low]);
    };
    return at(0.9) - at(0.1);
  };
  const ends = gone.map(({ t_end_ns }) => t_end_ns).sort((a, b) => a - b);
  const more = gone.length ? (middle(ends) - middle(turns)) / 0.8 * n / Math.max(1, n - 1) : 0;
  const stays = gone.map(({ t_end_ns, t_intended_ns }) => t_end_ns - t_intended_ns);
  const centre = mean(stays) ?? 0;
  const deviation = Math.sqrt(mean(stays.map((stay) => (stay - centre) ** 2)) ?? 0);
  const stage_s = (end_ns - start_ns + (more > 2 * deviation ? more : 0)) / 1e9;
  return (count: Count, ofCut?: (record: Json) => number): number | null => {
    const counts = counted(records, count, ofCut);
    return counts && counts.reduce((sum, each) => sum + each, 0) / stage_s;
  };
}
