/** Options of loads apart from their settings. */
import type { APIConfiguration } from "../endpoint/api.ts";
import type { LoadRunOptions } from "./run_load.ts";
import type { LoadShare } from "./share.ts";
import type { LoadSpread } from "./shards/executor.ts";
import type { LoadProgress } from "./time_left.ts";

/** Options that several loads share, and their listeners. */
export interface LoadsOptions extends
  Pick<
    LoadRunOptions,
    | "out"
    | "run_id"
    | "agent"
    | "tags"
    | "argv"
    | "budget"
    | "prices"
    | "signal"
    | "onDirectory"
    | "onLive"
    | "begin"
  > {
  /** This process's part of each load; default: all of it. */
  share?: LoadShare;
  /** Several processes that send each load together; default: this one only. */
  spread?: LoadSpread;
  /**
   * Called with how the endpoint is reached and which models are asked. An error it throws stops
   * the load before anything is sent.
   */
  onReached?(api: APIConfiguration, models: readonly string[]): void;
  /** Called several times a second. */
  onProgress?(progress: LoadProgress): void;
  /** Called with a line to show to the user. */
  onNotice?(line: string): void;
  /** Called with a line about a problem that the user should fix. */
  onWarning?(line: string): void;
}
