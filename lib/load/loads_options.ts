/** What loads are given beside their settings. */
import type { APIConfiguration } from "../endpoint/api.ts";
import type { LoadRunOptions } from "./run_load.ts";
import type { LoadShare } from "./share.ts";
import type { LoadSpread } from "./shards/executor.ts";
import type { LoadProgress } from "./time_left.ts";

/** What several loads share, and their listeners. */
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
  /** The part of each load that is this process's; the whole unless told. */
  share?: LoadShare;
  /** Several processes that send each load together; this one alone unless told. */
  spread?: LoadSpread;
  /** How the endpoint is reached, and which models are asked; what this throws stops the load before anything is sent. */
  onReached?(api: APIConfiguration, models: readonly string[]): void;
  /** Called several times a second. */
  onProgress?(progress: LoadProgress): void;
  /** One line for a person. */
  onNotice?(line: string): void;
  /** One line of what a person should fix. */
  onWarning?(line: string): void;
}
