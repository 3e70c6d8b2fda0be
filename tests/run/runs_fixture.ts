/** Run directories written by hand, and commands on them whose output is kept. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terminal } from "../../lib/cli/ui/terminal.ts";
import { command } from "../../lib/cli/runs/runs.ts";
import { countsOf } from "../../lib/run/read_run.ts";
import { NO_LEDGER } from "../../lib/run/summary.ts";
import type { Command } from "../../lib/cli/ui/command.ts";
import type { RunItem } from "../../lib/run/summary.ts";
import type { ComparedRun } from "../../lib/compare/compare.ts";

/** A folder that is gone when the test is over. */
export function temporary(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "dyno-runs-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface WrittenRun {
  /** Of each item: right "1", wrong "0", without an answer "x", timed out "t", without a judge "-", its judge failed "!". */
  marks: string;
  model?: string;
  benchmark?: string;
  mode?: string;
  tags?: string[];
  started_s?: number;
  complete?: boolean;
  /** Writes no results.json, as after a kill. */
  cut_off?: boolean;
  tokens?: boolean;
}

export const STARTED_S = 1_799_971_200; // noon in UTC

/** The id of the n-th run. */
export function runId(n: number): string {
  return `bench_${n.toString(16).padStart(8, "0")}_20270114_120000`;
}

/** Writes the n-th run; gives its folder. Numbers depend on n and the item alone. */
export function writeRun(root: string, n: number, written: WrittenRun): string {
  const { marks, model = "gpt-4o-mini", benchmark = "humaneval" } = written;
  const path = join(root, runId(n));
  mkdirSync(path, { recursive: true });
  const started = written.started_s ?? STARTED_S + n * 3600;
  const common = { run_id: runId(n), kind: "suite", benchmark, model };
  const metadata = {
    schema_version: 1,
    ...common,
    agent: "real-openai-compatible",
    started_at_unix_seconds: started,
    config: { mode: written.mode ?? null, tags: written.tags ?? [] },
  };
  writeFileSync(join(path, "run_metadata.json"), JSON.stringify(metadata));
  const items = [...marks].map((mark, i) => resultItem(mark, i, n, written.tokens ?? true));
  const line = (event: string, i: number, fields: object) =>
    JSON.stringify({ t: started + i, mono_ns: i, event, ...fields }) + "\n";
  const events = [
    line("run_started", 0, { started_at_unix_seconds: started }),
    ...items.map((item, i) => line("package_finished", i + 1, finishedFields(item, i))),
    ...(written.cut_off ? [] : [line("run_finished", items.length + 1, { samples: items.length })]),
  ];
  writeFileSync(join(path, "events.jsonl"), events.join(""));
  if (written.cut_off) return path;
  const complete = written.complete ?? true;
  const aggregate = { tests: items.length };
  const results = { schema_version: 2, ...common, complete, aggregate, items };
  writeFileSync(join(path, "results.json"), JSON.stringify(results));
  return path;
}

function resultItem(mark: string, i: number, n: number, tokens: boolean) {
  const answered = mark !== "x" && mark !== "t";
  const judged = mark === "1" || mark === "0";
  const hit_rate = Number(mark === "1");
  return {
    package_id: `HumanEval/${i}`,
    test_id: `HumanEval/${i}`,
    test_name: `problem ${i}`,
    item_id: `hash${i}`,
    category: i % 2 ? "strings" : "lists",
    success: answered,
    elapsed_seconds: 1 + i * 0.25 + n * 0.01,
    score: judged ? { targets: 1, created_hits: hit_rate, hit_rate } : null,
    passed: judged ? mark === "1" : null,
    error: mark === "x" ? "HTTP 500: overloaded" : mark === "t" ? "no answer in 10 s" : null,
    ...(mark === "!" ? { evaluation_error: "no such judge" } : {}),
    timed_out: mark === "t",
    prompt_tokens: answered && tokens ? 100 + i : null,
    completion_tokens: answered && tokens ? 50 + 2 * i + n : null,
    ttft_ms: answered ? 100 + i + n : null,
    e2e_ms: answered ? 1000 + 250 * i + 10 * n : null,
  };
}

function finishedFields(item: ReturnType<typeof resultItem>, i: number) {
  const { score, ttft_ms, e2e_ms, error, ...result } = item;
  const evaluation_result = score &&
    { ...score, passed: item.passed, evaluator: "code", detail: "" };
  const span = { t_sent_ns: 0, t_end_ns: (e2e_ms ?? 0) * 1e6, token_events: 1 };
  const timing = ttft_ms === null ? null : { ttft_ms, e2e_ms, ...span };
  return {
    package_id: item.package_id,
    i,
    elapsed_seconds: item.elapsed_seconds,
    error,
    timed_out: item.timed_out,
    result: {
      ...result,
      response_text: "",
      execution_time: item.elapsed_seconds,
      attempts: 1,
      timestamp: "2027-01-14T12:00:00Z",
      error_message: error,
      evaluation_result,
      timing,
    },
  };
}

/** A run to compare, from its marks. */
export function comparedRun(
  marks: string,
  change: (item: RunItem, i: number) => void = () => {},
): ComparedRun {
  const items = [...marks].map((mark, i): RunItem => ({
    item_id: `p${i}`,
    problem_id: `p${i}`,
    mode: null,
    name: `p${i}`,
    category: null,
    success: mark !== "x",
    timed_out: false,
    passed: mark === "x" || mark === "-" ? null : mark === "1",
    score: mark === "x" ? null : Number(mark === "1"),
    targets: null,
    created_hits: null,
    latency_ms: 1000,
    elapsed_s: null,
    ttft_ms: 100,
    prompt_tokens: 10,
    completion_tokens: 10,
    cost_usd: null,
    experiment_id: null,
    iterations: null,
    error: null,
  }));
  items.forEach(change);
  const summary = {
    run_id: "bench_x",
    path: "/runs/bench_x",
    source_form: "dyno" as const,
    kind: "suite" as const,
    benchmark: "b",
    mode: null,
    model: "m",
    agent: null,
    status: "complete" as const,
    started_at_unix_seconds: STARTED_S,
    duration_s: 10,
    ...NO_LEDGER,
    ...countsOf(items),
    passed: items.filter(({ passed }) => passed).length,
    cost_usd: null,
    tags: [],
  };
  return { summary, items, unmapped: {}, price: null };
}

export interface Printed {
  code: number;
  out: string;
  said: string;
}

/** Keeps what is printed. */
class KeptTerminal extends Terminal {
  readonly printed: string[] = [];
  readonly told: string[] = [];

  override json(value: unknown): void {
    this.out(JSON.stringify(value, null, 2));
  }
  override print(text: string): void {
    this.out(text);
  }
  override printAll(parts: Iterable<string>): void {
    this.out([...parts].join("").trimEnd());
  }
  override out(line: string): void {
    this.printed.push(line);
  }

  override say(line = ""): void {
    this.told.push(line);
  }
}

/** Runs `dyno runs …` in this process. */
export function runs(root: string, ...argv: string[]): Promise<Printed> {
  return printed(command, [...argv, "--runs", root]);
}

/** Runs a command in this process. */
export async function printed(command: Command, argv: string[]): Promise<Printed> {
  const terminal = new KeptTerminal();
  const signal = new AbortController().signal;
  const code = await command.run(argv, { terminal, signal });
  return { code, out: terminal.printed.join("\n"), said: terminal.told.join("\n") };
}
