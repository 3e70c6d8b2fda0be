/** What a load is driven with, and how it ends. */
import type { APIConfiguration } from "../endpoint/api.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { StageSpan } from "../run/events.ts";
import type { Transport } from "../endpoint/transport.ts";
import type { Budget } from "../run/budget.ts";
import type { RequestCost } from "../run/request_cost.ts";
import type { ArrivalPattern } from "./arrival.ts";
import type { Cancellation } from "./cancel.ts";
import type { Connections } from "./connections.ts";
import type { BodySettings } from "./prompts/load_body.ts";
import type { PromptSource } from "./prompts/prompts.ts";
import type { LoadStage } from "./stages.ts";
import type { StopLimits } from "./stop_rule.ts";

/** One load. */
export interface DriveOptions extends BodySettings {
  api: APIConfiguration;
  transport: Transport;
  stages: readonly LoadStage[];
  pattern: ArrivalPattern;
  prompts: PromptSource;
  /** The header that tells a server which requests are of one session. */
  session_header: string;
  connections: Connections;
  /** Seconds that requests in flight may still take at the end. */
  grace_s: number;
  stop: StopLimits;
  budget: Budget;
  /** What requests of a model cost. */
  costOf(model: string): RequestCost;
  /** Which requests are cut off, by the pattern's seed. */
  cancellations: readonly Cancellation[];
  /** Counts tokens where the server does not; null leaves it at events. */
  countTokens: ((text: string) => number) | null;
  signal: AbortSignal;
  /**
   * Gives the moment at which the measured part begins, where others begin with it; asked once the warm-up
   * has ended, with how long before it requests are made, ns. Left out: at once.
   */
  begin?: ((head_start_ns: number) => Promise<number>) | undefined;
  /** Called with each stage, counted from 0, as it begins (it ends at Infinity then) and when it has ended. */
  onStage(stage: number, span: StageSpan): void;
  /** Called before more requests are begun than it was last called with. @param most may be from now on. */
  onAhead?: ((most: number) => void) | undefined;
  /** Called with each request that has ended, with the gaps between its token events, ms. */
  onRecord(record: RequestRecord, gaps_ms: Float32Array): void;
}

/** How a load came to its end. */
export interface DriveOutcome {
  /** False when an interruption kept it from what was planned. */
  complete: boolean;
  /** Why it ended before its plan; null when it did not. */
  stopped_because: string | null;
  /** No prompt was left for a request that was to be sent. */
  out_of_prompts: boolean;
}

/** Why a load ended whose budget is spent. */
export const BUDGET = "the budget has no room for another request";
