/** How the mock answers, and its defaults. */
import type { ErrorMode } from "./faults/catalogue.ts";

/** How the mock answers. */
export interface MockBehaviour {
  /** The text of every answer that no script defines. */
  default_response: string;
  /** Seconds before the reply starts. */
  delay_s: number;
  /** Tokens per second within one reply; null sends them all immediately. */
  tokens_per_second: number | null;
  /** Prompt tokens computed per second before the reply starts; null: they take no time. */
  prefill_tokens_per_second: number | null;
  /** Any status other than 200 makes every answer that error. */
  status_code: number;
  /** The fault in replies; null for good replies. */
  error_mode: ErrorMode | null;
  /** The share of requests that error_mode affects, chosen by seed and request, not by order. */
  fault_rate: number;
  /** error_mode affects only this many requests, the first ones; null: all. */
  fault_count: number | null;
  /** The Retry-After header of status 429. */
  retry_after: string;
}

/** The defaults. */
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
