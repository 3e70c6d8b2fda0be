/** What a load needs to be driven, and how it ends. */
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

/** The options of one load. */
export interface DriveOptions extends BodySettings {
  api: APIConfiguration;
  transport: Transport;
  stages: readonly LoadStage[];
  pattern: ArrivalPattern;
  prompts: PromptSource;
  /** The header that tells the server which requests belong to one session. */
  session_header: string;
  connections: Connections;
  /** How long requests in flight may still take at the end, seconds. */
  grace_s: number;
  stop: StopLimits;
  budget: Budget;
  /** Returns the prices of requests to a model. */
  costOf(model: string): RequestCost;
  /** Which requests are cancelled, chosen by the pattern's seed. */
  cancellations: readonly Cancellation[];
  /** Counts tokens where the server does not; null: only events are counted. */
  countTokens: ((text: string) => number) | null;
  signal: AbortSignal;
  /**
   * Returns when the measured part begins, for processes that begin it together. Called once the
   * warm-up has ended. Default: it begins immediately.
   *
   * @param head_start_ns how long before that time requests are built.
   */
  begin?: ((head_start_ns: number) => Promise<number>) | undefined;
  /**
   * Called with each stage, counted from 0, when it begins (with an end of Infinity) and when it
   * has ended.
   */
  onStage(stage: number, span: StageSpan): void;
  /**
   * Called before more requests begin than it last announced.
   *
   * @param most how many may begin from now on.
   */
  onAhead?: ((most: number) => void) | undefined;
  /** Called with each request that has ended, and the gaps between its token events, ms. */
  onRecord(record: RequestRecord, gaps_ms: Float32Array): void;
}

/** How a load ended. */
export interface DriveOutcome {
  /** False when an interruption cut the plan short. */
  complete: boolean;
  /** Why it ended before its plan was done; null when it did not. */
  stopped_because: string | null;
  /** Whether a request was due and no prompt was left for it. */
  out_of_prompts: boolean;
}

/** Why a load ended when its budget was spent. */
export const BUDGET = "the budget has no room for another request";
