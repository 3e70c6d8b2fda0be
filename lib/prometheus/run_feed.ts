/** Feeds metrics with what a run directory tells of one run. */
import { numberAt, objectAt, textAt } from "../run/json_fields.ts";
import { requestIn } from "./requests_of_run.ts";
import { RunFollower } from "./run_follower.ts";
import type { JsonObject } from "../run/json_fields.ts";
import type { NewestSample } from "./host_metrics.ts";
import type { RequestMetrics } from "./request_metrics.ts";
import type { PackageResult, TaskLabels, TaskMetrics, TaskStatus } from "./task_metrics.ts";

/** What runs are told to. */
export interface FedMetrics {
  tasks: TaskMetrics;
  requests: RequestMetrics;
}

/** How a run is followed. */
export interface FollowOptions {
  /** It counts as a task (default); false where a server counts tasks of its own. */
  asTask?: boolean;
  /** What its journal holds already is left out: earlier sessions of a run that is resumed. */
  fromNow?: boolean;
}

/** One run, from its journal to metrics. */
export class RunFeed {
  readonly #follower: RunFollower;
  readonly #metrics: FedMetrics;
  readonly #asTask: boolean;
  #task: TaskLabels | null = null;
  #open = 0;
  #first_s: number | null = null;
  #last_s = 0;
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

  /** Requests (of a suite: tests) that are under way, with their model. */
  get inFlight(): { model: string; requests: number } | null {
    return this.#task && { model: this.#task.model, requests: this.#ended ? 0 : this.#open };
  }

  /** @throws the system's error when the samples cannot be read. */
  newestSample(): NewestSample | null {
    return this.#follower.newestSample();
  }

  /** Takes what is new. @throws the system's error when the run cannot be read. */
  read(): Promise<void> {
    return this.#follower.read((event) => this.#take(event));
  }

  /** Takes the rest. A run that has not told its end has failed. @throws as {@linkcode read}. */
  async end(): Promise<void> {
    try {
      await this.read();
    } finally {
      this.#end("failed");
      this.#follower[Symbol.dispose]();
    }
  }

  #take(event: JsonObject): void {
    const { tasks, requests } = this.#metrics;
    const isFirst = this.#task === null;
    const task = this.#begun(event);
    const request = requestIn(event);
    if (request) {
      requests.finished(task.model, { ...request, gaps_ms: this.#follower.gapsOf(request) });
      if (event.event === "request_finished" && request.error_type !== null) {
        tasks.failed(request.error_type);
      }
    }
    switch (event.event) {
      case "package_started":
        this.#open++;
        break;
      case "package_finished":
        this.#open--;
        this.#packageFinished(event, task);
        break;
      case "llm_request_error":
        // the last attempt's failure is in the result
        if (event.retry_in_s === null) break;
        requests.attemptFailed(task.model, textAt(event, "error_class") ?? "unknown");
        break;
      case "load_progress":
        this.#open = numberAt(event, "in_flight") ?? 0;
        break;
      case "load_finished": {
        const goodput_per_s = numberAt(event, "goodput_requests_per_s");
        if (goodput_per_s !== null) requests.goodput(task.model, goodput_per_s);
        this.#end(event.complete === true ? "success" : "cancelled");
        break;
      }
      case "run_resumed":
        if (!isFirst) this.#resumed();
        break;
      case "run_finished":
        this.#end("success");
        break;
      case "run_interrupted":
        this.#end("cancelled");
    }
  }

  #packageFinished(event: JsonObject, { agent_type }: TaskLabels): void {
    const result = objectAt(event, "result");
    this.#metrics.tasks.packageProcessed(agent_type, packageResult(result));
    const error_class = textAt(result, "error_class");
    if (error_class !== null) this.#metrics.tasks.failed(error_class);
  }

  /** The run's labels. With its first event, a task begins. */
  #begun(event: JsonObject): TaskLabels {
    this.#last_s = numberAt(event, "t") ?? this.#last_s;
    if (this.#task) return this.#task;
    const metadata = this.#follower.metadata();
    this.#first_s = this.#last_s;
    this.#task = {
      agent_type: textAt(metadata, "agent") ?? "unknown",
      simulation_mode: textAt(objectAt(metadata, "config"), "simulation_mode") ?? "none",
      model: textAt(metadata, "model") ?? "unknown",
    };
    if (this.#asTask) this.#metrics.tasks.started(this.#task);
    return this.#task;
  }

  /** The session before has ended, told or not; another one begins. */
  #resumed(): void {
    this.#end("failed");
    this.#ended = false;
    this.#open = 0;
    this.#first_s = this.#last_s;
    if (this.#asTask) this.#metrics.tasks.started(this.#task!);
  }

  #end(status: TaskStatus): void {
    if (this.#ended || this.#task === null) return;
    this.#ended = true;
    const duration_s = this.#last_s - this.#first_s!;
    if (this.#asTask) this.#metrics.tasks.ended(this.#task, status, duration_s);
  }
}

function packageResult(result: JsonObject | null): PackageResult {
  if (result?.timed_out === true) return "timed_out";
  if (result?.success !== true) return "error";
  return objectAt(result, "evaluation_result")?.passed === false ? "failed" : "success";
}
