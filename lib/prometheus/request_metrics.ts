/** Metrics of requests to endpoints: counts, tokens, latencies. */
import { BoundedLabel } from "./bounded_label.ts";
import { helpOf } from "../measures/describe.ts";
import type { LedgerEntry } from "../run/ledger_entry.ts";
import type { Families } from "./families.ts";

const TTFT_BUCKETS_S = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40],
  ...[80, 160],
];
const TOKEN_BUCKETS_S = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1],
  ...[0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
];
const E2E_BUCKETS_S = [
  ...[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120],
  ...[240, 480, 960],
];
const LATENESS_BUCKETS_S = [
  ...[1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
];

/** A request that has ended; null where unknown. Terms are those of docs/metrics.md. */
export interface FinishedRequest {
  result: "success" | "failed" | "unfinished" | "unsent" | "cancelled" | "warmup";
  /** The class of the failure; null for none. */
  error_type: string | null;
  ttft_ms: number | null;
  tpot_ms: number | null;
  e2e_ms: number | null;
  lateness_ms: number | null;
  gaps_ms: ArrayLike<number>;
}

/** Counts requests and their times, by model. */
export class RequestMetrics {
  readonly #models = new BoundedLabel(50);
  readonly #errors = new BoundedLabel(40);
  readonly #families;

  constructor(families: Families) {
    const histogram = (name: string, help: string, buckets: readonly number[]) =>
      families.histogram(name, help, ["model"], buckets);
    const counter = (name: string, help: string) => families.counter(name, help, ["model"]);
    this.#families = {
      requests: families.counter(
        "requests_total",
        "Finished requests to the endpoint, by result.",
        ["model", "result"],
      ),
      errors: families.counter(
        "request_errors_total",
        "Failed attempts at requests, by the class of the failure.",
        ["model", "error_type"],
      ),
      prompt_tokens: counter(
        "prompt_tokens_total",
        helpOf("prompt_tokens", "of every request whose tokens are known"),
      ),
      cached_prompt_tokens: counter(
        "cached_prompt_tokens_total",
        "Prompt tokens that came from the server's cache.",
      ),
      completion_tokens: counter(
        "completion_tokens_total",
        helpOf("completion_tokens", "of every request whose tokens are known"),
      ),
      cost: families.counter(
        "cost_usd_total",
        helpOf("cost_usd", "US dollars of every request whose cost is known, by who asked"),
        ["model", "asked_by"],
      ),
      unknown_cost: families.counter(
        "requests_of_unknown_cost_total",
        "Requests of unknown cost, by who asked; cut_off: at most those in flight when dyno was killed.",
        ["model", "asked_by"],
      ),
      in_flight: families.gauge(
        "requests_in_flight",
        "Requests that are due or were sent, and have not ended; for a suite, running tests.",
        ["model"],
      ),
      goodput: families.gauge(
        "goodput_requests_per_second",
        helpOf("goodput_requests_per_s", "of the last finished load"),
        ["model"],
      ),
      ttft: histogram(
        "time_to_first_token_seconds",
        helpOf("ttft_ms"),
        TTFT_BUCKETS_S,
      ),
      gap: histogram(
        "inter_token_latency_seconds",
        helpOf("gap_ms", "of loads only"),
        TOKEN_BUCKETS_S,
      ),
      tpot: histogram(
        "time_per_output_token_seconds",
        helpOf("tpot_ms"),
        TOKEN_BUCKETS_S,
      ),
      e2e: histogram(
        "e2e_request_latency_seconds",
        helpOf("e2e_ms"),
        E2E_BUCKETS_S,
      ),
      lateness: histogram(
        "request_lateness_seconds",
        helpOf("lateness_ms"),
        LATENESS_BUCKETS_S,
      ),
    };
  }

  /** Returns the label's value for a model. */
  modelOf(model: string): string {
    return this.#models.of(model);
  }

  /**
   * Adds a request that has ended. Latencies are only of good answers; requests of the warm-up are
   * only counted.
   */
  finished(model: string, request: FinishedRequest): void {
    const labels = { model: this.#models.of(model) };
    const families = this.#families;
    families.requests.of({ ...labels, result: request.result }).inc();
    if (request.result === "warmup") return;
    if (request.error_type !== null) this.attemptFailed(model, request.error_type);
    if (request.lateness_ms !== null) {
      families.lateness.of(labels).observe(Math.max(0, request.lateness_ms / 1e3));
    }
    if (request.result !== "success") return;
    if (request.ttft_ms !== null) families.ttft.of(labels).observe(request.ttft_ms / 1e3);
    if (request.tpot_ms !== null) families.tpot.of(labels).observe(request.tpot_ms / 1e3);
    if (request.e2e_ms !== null) families.e2e.of(labels).observe(request.e2e_ms / 1e3);
    if (request.gaps_ms.length === 0) return;
    const gaps = families.gap.of(labels);
    for (let i = 0; i < request.gaps_ms.length; i++) gaps.observe(request.gaps_ms[i] / 1e3);
  }

  /**
   * Adds an entry of a run's ledger.
   *
   * @param model the run's model, even where its reviewer asked another one.
   */
  booked(model: string, entry: LedgerEntry): void {
    const labels = { model: this.#models.of(model) };
    const { prompt_tokens, cached_prompt_tokens, completion_tokens, asked_by, cost_usd } = entry;
    const families = this.#families;
    families.prompt_tokens.of(labels).inc(prompt_tokens ?? 0);
    families.cached_prompt_tokens.of(labels).inc(cached_prompt_tokens ?? 0);
    families.completion_tokens.of(labels).inc(completion_tokens ?? 0);
    const by_asker = { ...labels, asked_by };
    families.cost.of(by_asker).inc(cost_usd ?? 0);
    families.unknown_cost.of(by_asker).inc(Number(cost_usd === null));
  }

  /** Adds the requests that may have been in flight when the run was killed, at most. */
  cutOff(model: string, requests: number): void {
    const labels = { model: this.#models.of(model), asked_by: "cut_off" };
    this.#families.unknown_cost.of(labels).inc(requests);
  }

  /** Adds a failed attempt, which may be followed by another one. */
  attemptFailed(model: string, error_type: string): void {
    const labels = { model: this.#models.of(model), error_type: this.#errors.of(error_type) };
    this.#families.errors.of(labels).inc();
  }

  /** Sets the number of requests in flight. @param model as returned by {@linkcode modelOf}. */
  inFlight(model: string, requests: number): void {
    this.#families.in_flight.of({ model }).set(requests);
  }

  goodput(model: string, requests_per_s: number): void {
    this.#families.goodput.of({ model: this.#models.of(model) }).set(requests_per_s);
  }
}
