/** Updates metrics from a run directory. */
import { objectAt, textAt } from "../json_fields.ts";
import { Ledger } from "../run/ledger.ts";
import { runState } from "../run/run_state.ts";
import { requestIn } from "./requests_of_run.ts";
import { RunFollower } from "./run_follower.ts";
import type { Recorded, RunEvent } from "../run/events.ts";
import type { TestResult } from "../run/test_result.ts";
import type { NewestSample } from "./host_metrics.ts";
import type { RequestMetrics } from "./request_metrics.ts";
import type { PackageResult, TaskFamilies, TaskLabels, TaskOutcomeLabel } from "./task_metrics.ts";

/** The metrics to update. */
export interface FedMetrics {
  tasks: TaskFamilies;
  requests: RequestMetrics;
}

/** How to follow a run. */
export interface FollowOptions {
  /** Whether the run counts as a task (default); false where a server counts its tasks itself. */
  asTask?: boolean;
  /** Whether to skip what its journal already contains: earlier sessions of a resumed run. */
  fromNow?: boolean;
}

/** Follows one run, from its journal to metrics. */
export class RunFeed {
  readonly #follower: RunFollower;
  readonly #metrics: FedMetrics;
  readonly #asTask: boolean;
  readonly #state = runState.begin();
  readonly #ledger = new Ledger(
    (entry) => this.#metrics.requests.booked(this.#task!.model, entry),
    (requests) => this.#metrics.requests.cutOff(this.#task!.model, requests),
  );
  #task: TaskLabels | null = null;
  /** Whether the task of its newest session was counted as ended. */
  #ended = false;

  constructor(
    path: string,
    metrics: FedMetrics,
    { asTask = true, fromNow = false }: FollowOptions,
  ) {
    this.#follower = new RunFollower(path, fromNow);
    this.#metrics = metrics;
    this.#asTask = asTask;
  }

  /** Requests in flight (for a suite, running tests), with their model. */
  get inFlight(): { model: string; requests: number } | null {
    const requests = this.#ended ? 0 : this.#state.under_way;
    return this.#task && { model: this.#task.model, requests };
  }

  /** Returns the newest hardware sample. @throws the system's error when the samples cannot be read. */
  newestSample(): NewestSample | null {
    return this.#follower.newestSample();
  }

  /** Reads what is new. @throws the system's error when the run cannot be read. */
  read(): Promise<void> {
    return this.#follower.read((event) => this.#take(event));
  }

  /** Reads the rest. A run whose journal has no end has failed. @throws as {@linkcode read}. */
  async end(): Promise<void> {
    try {
      await this.read();
    } finally {
      if (this.#task !== null) this.#ledger.cutOff();
      this.#end("failed", this.#state.last_s);
      this.#follower[Symbol.dispose]();
    }
  }

  #take(event: Recorded<RunEvent>): void {
    if (event.event === "run_resumed" && this.#task !== null) {
      this.#end("failed", event.t); // the session before has ended, recorded or not
      this.#ended = false;
      if (this.#asTask) this.#metrics.tasks.started(this.#task);
    }
    runState.take(this.#state, event);
    const task = this.#task ??= this.#begin();
    this.#ledger.take(event);
    this.#count(event, task);
    const { ended, last_s } = this.#state;
    if (ended !== null) this.#end(ended === "complete" ? "success" : "cancelled", last_s);
  }

  #count(event: RunEvent, { model, agent_type }: TaskLabels): void {
    const { tasks, requests } = this.#metrics;
    const request = requestIn(event);
    if (request) requests.finished(model, { ...request, gaps_ms: this.#follower.gapsOf(request) });
    switch (event.event) {
      case "request_finished":
        if (request && request.error_type !== null) tasks.failed(request.error_type);
        break;
      case "package_finished": {
        tasks.packageProcessed(agent_type, packageResult(event.result));
        const error_class = event.result?.error_class ?? null;
        if (error_class !== null) tasks.failed(error_class);
        break;
      }
      case "llm_request_error":
        // the last attempt's failure is in the result
        if (event.retry_in_s === null) break;
        requests.attemptFailed(model, event.error_class ?? "unknown");
        break;
      case "load_finished":
        if (event.goodput_requests_per_s === null) break;
        requests.goodput(model, event.goodput_requests_per_s);
    }
  }

  /** Returns the run's labels. Its first event starts a task. */
  #begin(): TaskLabels {
    const metadata = this.#follower.metadata();
    const task = {
      agent_type: textAt(metadata, "agent") ?? "unknown",
      simulation_mode: textAt(objectAt(metadata, "config"), "simulation_mode") ?? "none",
      model: textAt(metadata, "model") ?? "unknown",
    };
    if (this.#asTask) this.#metrics.tasks.started(task);
    return task;
  }

  #end(status: TaskOutcomeLabel, at_s: number | null): void {
    if (this.#ended || this.#task === null) return;
    this.#ended = true;
    const duration_s = (at_s ?? 0) - (this.#state.session_s ?? at_s ?? 0);
    if (this.#asTask) this.#metrics.tasks.ended(this.#task, status, duration_s);
  }
}

function packageResult(result: TestResult | null): PackageResult {
  if (result?.timed_out) return "timed_out";
  if (!result?.success) return "error";
  const judged = result.evaluation_result;
  return judged && "passed" in judged && !judged.passed ? "failed" : "success";
}
