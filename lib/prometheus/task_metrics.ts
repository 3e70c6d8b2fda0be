/** Metrics of tasks and of the server that runs them, under the names in run_analysis.md. */
import { BoundedLabel } from "./bounded_label.ts";
import type { Families } from "./families.ts";

const TASK_BUCKETS_S = [5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const HTTP_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** How a task ended. */
export type TaskOutcomeLabel = "success" | "failed" | "cancelled";

/** The labels of a task. */
export interface TaskLabels {
  agent_type: string;
  /** "none" where nothing is simulated. */
  simulation_mode: string;
  model: string;
}

/** The outcome of a package (a test of a suite): right, wrong, without an answer, or out of time. */
export type PackageResult = "success" | "failed" | "error" | "timed_out";

const RESULTS: readonly PackageResult[] = ["success", "failed", "error", "timed_out"];
const STATUSES: readonly TaskOutcomeLabel[] = ["success", "failed", "cancelled"];
const TASK_LABELS = ["agent_type", "simulation_mode", "status", "model"] as const;

/** Counts tasks, their packages, and the server's requests. */
export class TaskFamilies {
  readonly #families;
  readonly #agents = new BoundedLabel(20);
  readonly #simulations = new BoundedLabel(10);
  readonly #models = new BoundedLabel(50);
  readonly #errors = new BoundedLabel(40);
  readonly #endpoints = new BoundedLabel(60);

  constructor(families: Families) {
    this.#families = {
      requests: families.counter("task_requests_total", "Tasks by how they ended.", TASK_LABELS),
      duration: families.histogram(
        "task_duration_seconds",
        "Time from a task's start to its end.",
        TASK_LABELS,
        TASK_BUCKETS_S,
      ),
      active: families.gauge("active_tasks", "Tasks that are running."),
      errors: families.counter(
        "task_errors_total",
        "Failures within tasks, by their class.",
        ["error_type"],
      ),
      packages: families.counter(
        "packages_processed_total",
        "Packages (tests of a suite) that are done, by result.",
        ["agent_type", "result"],
      ),
      validations: families.counter(
        "config_validation_requests_total",
        "Settings that were checked, by whether they were valid.",
        ["valid"],
      ),
      http: families.counter(
        "http_requests_total",
        "Requests to this server.",
        ["method", "endpoint", "status_code"],
      ),
      http_duration: families.histogram(
        "http_request_duration_seconds",
        "Time this server took to answer.",
        ["method", "endpoint"],
        HTTP_BUCKETS_S,
      ),
    };
  }

  /** Counts a task that starts. If its labels change later, call {@linkcode expected} with the new ones. */
  started(task: TaskLabels): void {
    this.#families.active.of({}).inc();
    this.expected(task);
  }

  /** Creates the series of a running task at 0, so that rates include its end. */
  expected(task: TaskLabels): void {
    const { requests, duration } = this.#families;
    for (const status of STATUSES) {
      const labels = { ...this.#labels(task), status };
      requests.of(labels);
      duration.of(labels);
    }
  }

  /** Counts the end of a task that was started. */
  ended(task: TaskLabels, status: TaskOutcomeLabel, duration_s: number): void {
    const labels = { ...this.#labels(task), status };
    this.#families.active.of({}).dec();
    this.#families.requests.of(labels).inc();
    this.#families.duration.of(labels).observe(Math.max(0, duration_s));
  }

  /** Counts an error in a task, or one that ended it. */
  failed(error_type: string): void {
    this.#families.errors.of({ error_type: this.#errors.of(error_type) }).inc();
  }

  packageProcessed(agent_type: string, result: PackageResult): void {
    const labels = { agent_type: this.#agents.of(agent_type) };
    for (const each of RESULTS) {
      this.#families.packages.of({ ...labels, result: each }).inc(each === result ? 1 : 0);
    }
  }

  validated(valid: boolean): void {
    this.#families.validations.of({ valid: String(valid) }).inc();
  }

  /** @param endpoint the route's pattern, such as "/tasks/:id", as each path would be another series. */
  httpRequest(method: string, endpoint: string, status_code: number, duration_s: number): void {
    const labels = {
      method: METHODS.has(method) ? method : "other",
      endpoint: this.#endpoints.of(endpoint),
    };
    this.#families.http.of({ ...labels, status_code: String(status_code) }).inc();
    this.#families.http_duration.of(labels).observe(duration_s);
  }

  #labels({ agent_type, simulation_mode, model }: TaskLabels) {
    return {
      agent_type: this.#agents.of(agent_type),
      simulation_mode: this.#simulations.of(simulation_mode),
      model: this.#models.of(model),
    };
  }
}
