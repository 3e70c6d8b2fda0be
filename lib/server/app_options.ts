/** The options of the server's routes. */
import type { HardwareWatch } from "./hardware_watch.ts";
import type { ServerObserver } from "./observer.ts";
import type { TaskPolicy } from "./tasks/policy.ts";
import type { TaskFeed } from "./tasks/feed.ts";
import type { TaskRunner } from "./tasks/runner.ts";
import type { TaskStore } from "./tasks/store.ts";

/** Values that Hono's context holds for a request. */
export interface ServerEnv {
  Bindings: {
    /** The address that the request came from. */
    remote: string;
  };
}

export interface AppOptions {
  host: string;
  runs: string;
  /** The folder of batches. */
  batches: string;
  hardware: HardwareWatch;
  store: TaskStore;
  runner: TaskRunner;
  feed: TaskFeed;
  policy: TaskPolicy;
  /** The token that clients must send; null if none is needed. */
  token: string | null;
  /** The most waiting tasks. */
  max_queue: number;
  /** Tasks that run at the same time. */
  jobs: number;
  /** Requests per second from one address; 0 is no limit. */
  rate_per_s: number;
  max_body_bytes: number;
  /** Whether callbacks may go to private addresses. */
  private_callbacks: boolean;
  observers: readonly ServerObserver[];
  /** The text of GET /metrics; without it the route does not exist. */
  metricsText?: () => Promise<{ contentType: string; text: string }>;
  /** Aborted when the server starts to stop. */
  signal: AbortSignal;
  onNotice(line: string): void;
}
