/** The output of dyno integration. */
import { costText } from "../../text/dollars.ts";
import { grouped } from "../../text/grouped.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { ScenarioStep } from "../../integration/config.ts";
import type { StepOutcome } from "../../integration/run_scenarios.ts";
import type { TaskView } from "../../server/tasks/task.ts";
import type { Terminal } from "../ui/terminal.ts";
import type { TaskMetrics } from "../../run/events.ts";

type Paint = Terminal["paint"];

const RULE = "=".repeat(80);
/** Partial figures are shown at most this often. */
const METRICS_MS = 2000;
const COLUMNS: Column[] = [
  { title: "model", align: "left", cut: true },
  { title: "hit rate", align: "right" },
  { title: "errors", align: "right" },
  { title: "tokens in", align: "right" },
  { title: "tokens out", align: "right" },
  { title: "cost", align: "right" },
  { title: "s", align: "right" },
];

/** Shows the running task. */
export class Progress {
  readonly #terminal: Terminal;
  #told_ms = -Infinity;
  #told: unknown = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  begin({ name, model, packages }: ScenarioStep): void {
    this.#told_ms = -Infinity;
    this.#told = null;
    const { bold } = this.#terminal.paint;
    [
      "",
      RULE,
      `SCENARIO: ${bold(name)}`,
      `Model: ${model.model}`,
      `Samples: ${packages.length}`,
      RULE,
      "",
      "⏳ Submitting task...",
    ].forEach((line) => this.#terminal.say(line));
  }

  submitted({ task_id }: TaskView): void {
    this.#terminal.say(`✓ Task submitted: ${task_id}`);
    this.#terminal.say("⏳ Waiting for completion...");
  }

  /** Shows a new hit rate from time to time. */
  metrics({ avg_hit_rate, finished, planned }: TaskMetrics): void {
    const now_ms = performance.now();
    if (!finished || finished === planned || finished === this.#told) return;
    if (now_ms - this.#told_ms < METRICS_MS) return;
    this.#told = finished;
    this.#told_ms = now_ms;
    this.#terminal.say("📊 Partial metrics:");
    const shown = { avg_hit_rate: avg_hit_rate ?? null, finished, planned };
    JSON.stringify(shown, null, 2).split("\n").forEach((line) => this.#terminal.say(line));
  }
}

/** The end of a task. */
export function stepLines(outcome: StepOutcome, paint: Paint): string[] {
  const { passed, duration_s, status, signature, problems } = outcome;
  const said = passed ? paint.good("✓ COMPLETED") : paint.bad("✗ FAILED");
  return [
    "",
    RULE,
    `${said} in ${duration_s.toFixed(1)}s`,
    `Status: ${status}`,
    ...problems.map((problem) => `  ${paint.bad(problem)}`),
    "",
    "Key Metrics:",
    `  • Avg Hit Rate: ${shown(outcome.avg_hit_rate, (rate) => rate.toFixed(2))}`,
    `  • Errors: ${count(outcome.errors)}`,
    `  • Total Prompt Tokens: ${count(outcome.total_prompt_tokens)}`,
    `  • Total Completion Tokens: ${count(outcome.total_completion_tokens)}`,
    `  • Estimated Cost: ${costOf(outcome)}`,
    ...(signature === null ? [] : [`  • Callback: delivered, signature ${signature}`]),
    RULE,
  ];
}

/** Compares the models of a scenario, if there are several. */
export function comparisonLines(outcomes: readonly StepOutcome[], paint: Paint): string[] {
  const scenarios = [...new Set(outcomes.map(({ scenario }) => scenario))];
  return scenarios.flatMap((scenario) => {
    const own = outcomes.filter((outcome) => outcome.scenario === scenario);
    if (own.length < 2) return [];
    const rows = own.map((outcome) => [
      outcome.model,
      shown(outcome.avg_hit_rate, (rate) => rate.toFixed(2)),
      count(outcome.errors),
      count(outcome.total_prompt_tokens),
      count(outcome.total_completion_tokens),
      costOf(outcome),
      outcome.duration_s.toFixed(1),
    ]);
    return ["", paint.bold(scenario), ...tableLines(COLUMNS, rows, paint)];
  });
}

/** `3 of 5 tasks passed`, and those that did not. */
export function summaryLine(outcomes: readonly StepOutcome[], planned: number): string {
  const failed = outcomes.filter(({ passed }) => !passed);
  const names = failed.length ? `; not: ${failed.map(({ name }) => name).join(", ")}` : "";
  const left = planned - outcomes.length;
  const rest = left ? `; ${left} not run` : "";
  return `${outcomes.length - failed.length} of ${planned} tasks passed${names}${rest}`;
}

function costOf(outcome: StepOutcome): string {
  const { total_cost_usd, requests_of_unknown_cost, requests_cut_off } = outcome;
  return costText(total_cost_usd, requests_of_unknown_cost, requests_cut_off);
}

function shown(value: number | null, text: (value: number) => string): string {
  return value === null ? "unknown" : text(value);
}

function count(value: number | null): string {
  return shown(value, grouped);
}
