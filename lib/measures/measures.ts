/**
 * Every quantity that dyno measures: its name, its definition, and which direction is better. All
 * code that shows, compares or judges a quantity reads it here.
 */

import { HARDWARE } from "./hardware.ts";
import { latency, of } from "./measure.ts";
import type { Measure } from "./measure.ts";

const STREAMED = "a streamed answer";
const TOKENS = "a count of tokens: the server's `usage`, or token events";

/** The quantities, in the order of tables. */
export const MEASURES: readonly Measure[] = [
  latency({
    name: "ttft_ms",
    term: "ttft",
    where: ["suite", "load"],
    formula: "t_first_token − t_sent",
    definition:
      "from handing the first request byte to the kernel to the first event with content, reasoning or tool-call text; a role-only delta is not a token",
    source: "GuideLLM's first token",
    needs: STREAMED,
  }),
  latency({
    name: "ttft_intended_ms",
    term: "ttft_intended",
    formula: "t_first_token − t_intended",
    definition:
      "ttft from the moment at which the arrival process wanted the request sent: waiting for a place in flight and the client's own lateness are in it",
    source: "G. Tene, How NOT to measure latency: coordinated omission",
    needs: STREAMED,
  }),
  latency({
    name: "probe_ttft_ms",
    term: "probe ttft",
    of: "probe",
    formula: "t_first_token − t_sent",
    definition:
      "ttft of the probes beside a load (`--probe-rate`): what one more user would wait; in no other figure",
    needs: "`--probe-rate`, and a probe that was answered",
  }),
  latency({
    name: "tpot_ms",
    term: "tpot",
    where: ["suite", "load"],
    formula: "(t_last_token − t_first_token) / (tokens − 1)",
    definition:
      "(t_last_token − t_first_token) / (tokens − 1): the mean time between the tokens of an answer",
    source: "inference-perf's time per output token",
    needs: "two token times that differ, and a count of tokens",
  }),
  latency({
    name: "gap_ms",
    term: "gap",
    alias: "ITL",
    of: "token gap",
    formula: "t_token[i + 1] − t_token[i]",
    definition:
      "between two successive token events of an answer, pooled over all answers: the field's inter-token latency (ITL)",
    source: "vLLM's ITL",
    needs: "two token times that differ",
  }),
  latency({
    name: "e2e_ms",
    term: "e2e",
    where: ["suite", "load"],
    formula: "t_end − t_sent",
    definition:
      "from sending to the end of the response; of a test, of the attempt that counts: waiting and earlier attempts are in `elapsed_seconds`",
    needs: "an answer",
  }),
  latency({
    name: "e2e_intended_ms",
    term: "e2e_intended",
    formula: "t_end − t_intended",
    definition:
      "e2e from the moment at which the arrival process wanted the request sent; in a closed loop, from the moment at which its place became free",
    needs: "an answer",
  }),
  latency({
    name: "normalized_latency_ms",
    term: "normalized latency",
    formula: "e2e / tokens",
    definition: "e2e / output tokens",
    source: "G. Yu et al., Orca, OSDI 2022",
    needs: TOKENS,
  }),
  latency({
    name: "lateness_ms",
    term: "lateness",
    formula: "t_sent − t_ready − connecting",
    definition:
      "from the moment at which a request could go (it was due, and the limit on concurrency let it) to its sending, connecting left out: the client's own delay",
    needs: "a request that was sent",
  }),
  latency({
    name: "connect_ms",
    term: "connect",
    formula: null,
    definition: "how long a new connection took, TLS included; none where one was kept alive",
    needs: "a new connection",
  }),
  latency({
    name: "tls_ms",
    term: "TLS",
    formula: null,
    definition:
      "TLS's handshake, as part of connect; shorter where the session of an earlier connection is continued",
    needs: "a new connection by https",
  }),
  of("rate", ["load"], {
    name: "tokens_per_s_per_user",
    term: "tokens/s a user",
    unit: "",
    better: "higher",
    formula: "1 / tpot",
    definition: "1 / tpot: how fast the answer comes for whoever reads it",
    needs: "a tpot",
  }),
  of("rate", ["suite"], {
    name: "tokens_per_second",
    term: "tokens/s of an answer",
    unit: "",
    better: "higher",
    formula: "tokens / e2e",
    definition: "output tokens of an answer / its e2e: the wait for the first token is in it",
    needs: TOKENS,
  }),
  latency({
    name: "latency_ms",
    term: "latency",
    of: "problem",
    where: ["suite"],
    formula: "t_end − t_sent",
    definition: "e2e of a test's attempt that counts",
    needs: "an answer",
  }),
  of("rate", ["load"], {
    name: "requests_per_s",
    term: "requests/s",
    unit: "",
    better: "higher",
    formula: "places · answered / Σ time of requests",
    definition: "answered requests a second (see rates)",
    source: "J. Little, Operations Research 9, 1961",
    needs: "a request that was sent",
  }),
  of("rate", ["load", "suite"], {
    name: "output_tokens_per_s",
    term: "output tokens/s",
    unit: "",
    better: "higher",
    formula: "places · Σ tokens / Σ time of requests",
    definition:
      "output tokens of answered requests a second (see rates); of a suite, all output tokens / the time in which at least one request was in flight: waiting between attempts and pauses before a resume are not in it",
    needs: TOKENS,
  }),
  of("rate", ["load"], {
    name: "prompt_tokens_per_s",
    term: "prompt tokens/s",
    unit: "",
    better: "higher",
    formula: "places · Σ prompt tokens / Σ time of requests",
    definition: "prompt tokens of answered requests a second (see rates)",
    needs: "the server's `usage`",
  }),
  of("rate", ["load"], {
    name: "audio_s_per_s",
    term: "sound",
    unit: "s/s",
    alias: "RTFx",
    better: "higher",
    formula: "places · Σ seconds of sound / Σ time of requests",
    definition: "seconds of sound, made or transcribed, in a second (see rates)",
    needs: "WAV, or a server that tells seconds",
  }),
  of("rate", ["load"], {
    name: "images_per_s",
    term: "images",
    unit: "images/s",
    better: "higher",
    formula: "places · Σ images / Σ time of requests",
    definition: "images made in a second (see rates)",
    needs: "an endpoint of images",
  }),
  of("rate", ["load"], {
    name: "goodput_requests_per_s",
    term: "goodput",
    unit: "requests/s",
    better: "higher",
    formula: "places · good / Σ time of requests",
    definition:
      "answered requests that met every SLO, per second (as all rates); a failed, unfinished or unsent request meets none, and a time that is unknown meets no SLO",
    source: "Y. Zhong et al., DistServe, OSDI 2024",
    needs: "an SLO",
  }),
  of("share", ["load"], {
    name: "error_rate",
    term: "error rate",
    better: "lower",
    of: "request",
    formula: "failed / (answered + failed)",
    definition: "failed / (answered + failed) requests; unfinished ones are in neither",
    needs: "a request that ended",
  }),
  of("count", ["load"], {
    name: "cancelled",
    term: "cancelled",
    better: null,
    of: "request",
    definition:
      "requests that the client cut off on purpose (`--cancel`): neither answered nor failed, and excluded from latencies, rates and goodput",
    needs: "`--cancel`",
  }),
  of("share", ["suite"], {
    name: "pass_rate",
    term: "pass rate",
    better: "higher",
    formula: "passed / (judged + unanswered)",
    definition:
      "passed / (judged + unanswered); its 95 % interval is Wilson's, or a bootstrap's over problems where these have several answers",
    source: "E. B. Wilson, JASA 22, 1927",
    needs: "a judge",
  }),
  of("share", ["suite"], {
    name: "answer_rate",
    term: "answer rate",
    better: "higher",
    formula: "answered / asked",
    definition: "answered / asked tests",
    needs: "a test that was asked",
  }),
  of("share", ["suite"], {
    name: "score",
    term: "score",
    better: "higher",
    formula: "hits / targets",
    definition:
      "mean of hits / targets; its 95 % interval is Student's t over problems, or Wilson's where each score is 0 or 1",
    needs: "a judge",
  }),
  of("share", ["suite"], {
    name: "avg_hit_rate",
    term: "hit rate",
    better: "higher",
    formula: "hits / targets",
    definition: "the mean score of a run",
    needs: "a judge",
  }),
  of("count", ["suite", "load"], {
    name: "completion_tokens",
    term: "output tokens",
    better: "lower",
    of: "problem",
    definition:
      "the server's `usage`; without it, in a load a tokenizer's count, else the number of token events, and `token_source` says so",
    needs: TOKENS,
  }),
  of("count", ["suite", "load"], {
    name: "prompt_tokens",
    term: "prompt tokens",
    better: "lower",
    of: "problem",
    definition: "tokens of the prompt, as the server's `usage` has them",
    needs: "the server's `usage`",
  }),
  of("duration", ["load"], {
    name: "audio_s",
    term: "seconds of sound",
    better: null,
    of: "request",
    definition: "seconds of sound that an answer has, or of a transcription that it was made of",
    needs: "WAV, or a server that tells seconds",
  }),
  of("count", ["load"], {
    name: "images",
    term: "images of an answer",
    better: null,
    of: "request",
    definition: "images that an answer has",
    needs: "an endpoint of images",
  }),
  of("bytes", ["load"], {
    name: "media_bytes",
    term: "bytes of sound or images",
    better: null,
    of: "request",
    definition: "bytes of an answer's sound or images, without their base64",
    needs: "an answer that holds them, and not their address",
  }),
  of("money", ["suite", "load"], {
    name: "cost_usd",
    term: "cost",
    better: "lower",
    of: "problem",
    formula: "Σ tokens · price",
    definition: "as recorded with the run, or its tokens at the price table's price",
    needs: "a price of the model, and the server's `usage`",
  }),
  of("money", ["suite", "load"], {
    name: "total_cost_usd",
    term: "total cost",
    better: "lower",
    formula: "Σ tokens · price",
    definition: "the cost of all answers of a run",
    needs: "a price of the model, and the server's `usage`",
  }),
  of("duration", ["suite", "load"], {
    name: "duration_s",
    term: "duration",
    better: "lower",
    definition: "from a run's start to its end",
    needs: "a run that ended",
  }),
  of("energy", ["suite", "load", "hardware"], {
    name: "energy_j",
    term: "energy",
    better: "lower",
    formula: "∫ power, or a counter's difference",
    definition: "of all devices that tell it, over the measured window, idle power included",
    needs: "RAPL or NVML",
  }),
  of("count", ["server"], {
    name: "running",
    term: "running",
    better: null,
    of: "sample",
    definition: "requests that the server works on, as its metrics say",
    needs: "the server's metrics",
  }),
  of("count", ["server"], {
    name: "waiting",
    term: "waiting",
    better: "lower",
    of: "sample",
    definition: "requests that wait at the server, as its metrics say",
    needs: "the server's metrics",
  }),
  of("share", ["server"], {
    name: "kv_cache_usage",
    term: "KV cache",
    better: null,
    of: "sample",
    definition: "the share of the KV cache that is in use, as the server's metrics say",
    needs: "the server's metrics",
  }),
  of("share", ["server"], {
    name: "prefix_cache_hit_rate",
    term: "prefix cache",
    better: "higher",
    of: "sample",
    formula: "hits / queries",
    definition: "the share of prompt tokens that the prefix cache had, as the server's metrics say",
    needs: "the server's metrics",
  }),
  ...HARDWARE,
];

/** A measure, or a quantile of one. */
export interface NamedMeasure {
  measure: Measure;
  /** In (0, 1), such as 0.99 for `ttft_p99_ms`; null for the measure itself. */
  quantile: number | null;
}

const BY_NAME = new Map(MEASURES.map((measure) => [measure.name, measure]));

/**
 * Returns a quantity by its name, such as `ttft_ms`, or a quantile of a latency, such as
 * `ttft_p99_ms` (`p99_9` is 99.9 %). Null for any other name.
 */
export function measureNamed(name: string): NamedMeasure | null {
  const whole = BY_NAME.get(name);
  if (whole) return { measure: whole, quantile: null };
  const parts = /^(.+)_p(\d{1,2})(?:_(\d+))?_ms$/.exec(name);
  const measure = parts && BY_NAME.get(`${parts[1]}_ms`);
  if (!measure || measure.kind !== "latency") return null;
  const quantile = Number(`0.${parts[2].padStart(2, "0")}${parts[3] ?? ""}`);
  return quantile > 0 ? { measure, quantile } : null;
}

/** Returns the latencies that are measured in suites or loads, in the order of tables. */
export function latenciesOf(where: "suite" | "load"): Measure[] {
  return MEASURES.filter((measure) =>
    measure.kind === "latency" && measure.of !== "probe" && measure.where.includes(where)
  );
}

/** Returns the name of a quantile: `ttft_p99_ms` for `ttft_ms` and 0.99. */
export function quantileName({ name }: Measure, quantile: number): string {
  const rank = String(Number((quantile * 100).toFixed(6))).replace(".", "_");
  return name.replace(/_ms$/, `_p${rank}_ms`);
}
