/** Runs integration scenarios on a server, one task at a time, and judges each task. */
import { messageOf } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { numberAt, objectAt, textAt } from "../json_fields.ts";
import { endpointOf, type IntegrationConfig, type ScenarioStep } from "./config.ts";
import { type TaskClient, TaskRefusedError } from "./task_client.ts";
import type { TaskView } from "../server/tasks/task.ts";
import type { ReceivedCallback, WebhookReceiver } from "./webhook_receiver.ts";
import type { TaskMetrics } from "../run/events.ts";

/** The outcome of a step. Null is unknown. */
export interface StepOutcome {
  name: string;
  scenario: string;
  model: string;
  packages: string[];
  task_id: string | null;
  run_id: string | null;
  /** refused: the server did not accept the task. */
  status: TaskView["status"] | "refused";
  passed: boolean;
  /** Why it has not passed. */
  problems: string[];
  /** From submitting the task to its end, seconds. */
  duration_s: number;
  avg_hit_rate: number | null;
  errors: number | null;
  total_prompt_tokens: number | null;
  total_completion_tokens: number | null;
  total_cost_usd: number | null;
  requests_of_unknown_cost: number | null;
  /** Those of them that may have been in flight when a run was killed. */
  requests_cut_off: number | null;
  /** The callback's signature; null if no callback was requested or received. */
  signature: ReceivedCallback["signature"] | null;
}

export interface ScenarioOptions {
  config: IntegrationConfig;
  client: TaskClient;
  /** The mock endpoint; null if every model has an endpoint. */
  mock_url: string | null;
  receiver: WebhookReceiver | null;
  onStep?: (step: ScenarioStep) => void;
  onSubmitted?: (task: TaskView) => void;
  onMetrics?: (metrics: TaskMetrics) => void;
  onOutcome?: (outcome: StepOutcome) => void;
}

/** How long a callback may take after its task's end. */
const CALLBACK_MS = 60_000;

/**
 * Runs steps one at a time.
 *
 * @throws {CancelledError} the signal is aborted; the running task is cancelled.
 */
export async function runScenarios(
  steps: readonly ScenarioStep[],
  options: ScenarioOptions,
  signal: AbortSignal,
): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = [];
  for (const step of steps) {
    options.onStep?.(step);
    const outcome = await runStep(step, options, signal);
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  }
  return outcomes;
}

async function runStep(
  step: ScenarioStep,
  options: ScenarioOptions,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { config, client, receiver, onSubmitted, onMetrics = () => {} } = options;
  const started_ms = performance.now();
  const outcome = unknownOutcome(step);
  const within = AbortSignal.any([signal, AbortSignal.timeout(config.timeout_s * 1000)]);
  let task_id: string | null = null;
  try {
    const task = await client.submit(taskOf(step, options), within);
    outcome.task_id = task_id = task.task_id;
    onSubmitted?.(task);
    const view = await client.follow(task_id, onMetrics, within);
    outcome.duration_s = (performance.now() - started_ms) / 1000;
    judge(view, step, outcome);
    await readResults(client, outcome, within);
    if (step.webhook) await readCallback(receiver!, outcome, within);
  } catch (error) {
    outcome.duration_s = (performance.now() - started_ms) / 1000;
    if (task_id !== null) await client.cancel(task_id);
    if (signal.aborted) throw new CancelledError();
    if (error instanceof TaskRefusedError) outcome.problems.push(`refused: ${error.message}`);
    else if (!within.aborted) outcome.problems.push(messageOf(error));
    else outcome.problems.push(`it took longer than ${config.timeout_s} s and was cancelled`);
    if (task_id !== null) outcome.status = "cancelled";
  }
  checkHitRate(step, outcome);
  outcome.passed = outcome.problems.length === 0;
  return outcome;
}

function taskOf({ model, packages, webhook }: ScenarioStep, options: ScenarioOptions) {
  const { config, mock_url, receiver } = options;
  return {
    kind: "suite",
    suite: config.suite,
    model: model.model,
    tests: packages,
    ...(endpointOf(config, model) ?? { endpoint: `${mock_url}/v1` }),
    ...config.task,
    ...(webhook ? { callback_url: receiver!.url } : {}),
  };
}

function judge(view: TaskView, { packages }: ScenarioStep, outcome: StepOutcome): void {
  const { metrics } = view;
  const { problems } = outcome;
  outcome.run_id = view.run_id;
  outcome.status = view.status;
  outcome.avg_hit_rate = numberAt(metrics, "avg_hit_rate");
  outcome.errors = numberAt(metrics, "errors");
  outcome.total_prompt_tokens = numberAt(metrics, "total_prompt_tokens");
  outcome.total_completion_tokens = numberAt(metrics, "total_completion_tokens");
  const finished = numberAt(metrics, "finished") ?? 0;
  if (view.status !== "completed") {
    problems.push(`${view.status}: ${view.error ?? "no reason told"}`);
  } else if (finished !== packages.length) {
    problems.push(`${finished} of ${packages.length} packages were done`);
  }
  if ((outcome.errors ?? 0) > 0) problems.push(...view.error_summary.slice(0, 3));
}

async function readResults(
  client: TaskClient,
  outcome: StepOutcome,
  signal: AbortSignal,
): Promise<void> {
  const results = await client.results(outcome.task_id!, signal);
  const aggregate = objectAt(results, "aggregate");
  outcome.total_cost_usd = numberAt(aggregate, "total_cost_usd");
  outcome.requests_of_unknown_cost = numberAt(aggregate, "requests_of_unknown_cost");
  outcome.requests_cut_off = numberAt(aggregate, "requests_cut_off");
}

async function readCallback(
  receiver: WebhookReceiver,
  outcome: StepOutcome,
  signal: AbortSignal,
): Promise<void> {
  const got = await receiver.of(outcome.task_id!, CALLBACK_MS, signal);
  if (got === null) {
    outcome.problems.push("its callback did not come");
    return;
  }
  outcome.signature = got.signature;
  if (got.signature === "wrong") outcome.problems.push("its callback's signature is wrong");
  const told = textAt(got.payload, "status");
  if (told !== outcome.status) {
    outcome.problems.push(`its callback says ${told}, the server ${outcome.status}`);
  }
}

function checkHitRate(
  { min_hit_rate }: ScenarioStep,
  { avg_hit_rate, problems }: StepOutcome,
): void {
  if (min_hit_rate === null || problems.length > 0) return;
  if (avg_hit_rate !== null && avg_hit_rate >= min_hit_rate) return;
  problems.push(`the hit rate is ${avg_hit_rate ?? "unknown"}, expected ${min_hit_rate} or more`);
}

function unknownOutcome({ name, scenario, model, packages }: ScenarioStep): StepOutcome {
  return {
    name,
    scenario,
    model: model.model,
    packages,
    task_id: null,
    run_id: null,
    status: "refused",
    passed: false,
    problems: [],
    duration_s: 0,
    avg_hit_rate: null,
    errors: null,
    total_prompt_tokens: null,
    total_completion_tokens: null,
    total_cost_usd: null,
    requests_of_unknown_cost: null,
    requests_cut_off: null,
    signature: null,
  };
}
