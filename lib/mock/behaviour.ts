/** How the mock answers, and how it does where nothing is said. */
import type { ErrorMode } from "./faults/catalogue.ts";

/** How the mock answers. */
export interface MockBehaviour {
  /** The text of every answer that is not told otherwise. */
  default_response: string;
  /** Seconds before the reply starts. */
  delay_s: number;
  /** Tokens a second within one reply; null sends them at once. */
  tokens_per_second: number | null;
  /** Prompt tokens a second that are computed before the reply starts; null: they take no time. */
  prefill_tokens_per_second: number | null;
  /** Any status but 200 answers every request with that error. */
  status_code: number;
  /** The fault that replies have; null for good ones. */
  error_mode: ErrorMode | null;
  /** The share of requests that error_mode hits, chosen by seed and request, not by order. */
  fault_rate: number;
  /** error_mode hits only the first so many; null: all. */
  fault_count: number | null;
  /** The Retry-After header of 429. */
  retry_after: string;
}

/** Where nothing is said. */
export const USUAL_BEHAVIOUR: MockBehaviour = {
  default_response: "Mock response text",
  delay_s: 0,
  tokens_per_second: null,
  prefill_tokens_per_second: null,
  status_code: 200,
  error_mode: null,
  fault_rate: 1,
  fault_count: null,
  retry_after: "1",
};
