/** Runs of commands that a signal ends in the middle, and that the same command then goes on with. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { FILE, problems, wrong } from "../coding/fixture.ts";
import { runsIn } from "../chaos/victims.ts";
import { dynoEach, startDyno } from "../e2e/dyno.ts";
import { QUESTIONS, writeBatch } from "../schedule/fixture.ts";
import { until } from "../until.ts";
import { loggedBy } from "./made.ts";
import type { Made } from "./made.ts";
import type { Prices } from "./reader.ts";

interface Scene {
  kind: Made["kind"];
  signal: "SIGKILL" | "SIGINT";
  /** Its command, but for the endpoint and the model. */
  args: string[];
  /** How it goes on, or is summed up; a batch's own command does. */
  again?: (run: string) => string[];
  /** It is ended after this many requests. */
  after: number;
  /** Requests at a time; null: one on each connection that it opens. */
  places: number | null;
}

const SUITE = ["run", "suite.json", "--retry-attempts", "1", "--retry-delay", "0.001"];
const CODING = ["run", FILE, "--limit", "3", "--mode", "iterative", "--max-iterations", "3"];
const CLOSED = ["load", "--concurrency", "3", "--requests", "60", "--warmup", "2"];
const OPEN = ["load", "--rate", "60", "--requests", "80", "--transport", "portable"];
const BATCH = ["batch", "run", "batch.json", "--speedup", "1000"];

/** The others have smaller seeds. */
const FIRST = 1000;

const goOn = (args: string[]) => (run: string) => [...args, "--json", "--resume", run];
const sumUp = (run: string) => ["load", "--resume", run];

const SCENES: readonly Scene[] = [
  { kind: "suite", signal: "SIGKILL", args: SUITE, again: goOn(SUITE), after: 5, places: 4 },
  { kind: "suite", signal: "SIGINT", args: SUITE, again: goOn(SUITE), after: 7, places: 4 },
  { kind: "iterative", signal: "SIGKILL", args: CODING, again: goOn(CODING), after: 7, places: 3 },
  { kind: "load", signal: "SIGKILL", args: CLOSED, again: sumUp, after: 20, places: 3 },
  { kind: "load", signal: "SIGINT", args: CLOSED, again: sumUp, after: 13, places: 3 },
  { kind: "load", signal: "SIGKILL", args: OPEN, again: sumUp, after: 40, places: null },
  { kind: "batch", signal: "SIGKILL", args: BATCH, after: 7, places: 4 },
];

/** Commands that are killed or interrupted after some of their requests, and gone on with, in `root`/runs. */
export async function killed(root: string): Promise<Made[]> {
  const tests = Array.from({ length: 24 }, (_, i) => ({
    id: `t${i}`,
    name: `Test ${i}`,
    category: ["alpha", "beta"][i % 2],
    prompt: `Question number ${i}, to be answered in plain words`,
    evaluator: { name: "contains", expected: i % 3 ? "Mock" : "never" },
  }));
  const prices = { input: 0.15, output: 0.6, cache_read: 0.05 };
  const priced = SCENES.map((_, i) => ({
    model: `model-${FIRST + i}`,
    ...prices,
    date: "2026-01-01",
    source: "https://example.org",
  }));
  const places = SCENES.map(({ kind }, i) => {
    const place = join(root, `killed_${i}`);
    mkdirSync(place);
    writeFileSync(join(place, "suite.json"), JSON.stringify({ test_suite_id: "s", tests }));
    const table = { unit: "USD per million tokens", prices: priced };
    writeFileSync(join(place, "prices.json"), JSON.stringify(table));
    if (kind === "batch") {
      const models = [{ provider: "vllm", model: priced[i].model }];
      writeBatch(place, { evaluations: 1, period_h: 1, on_missed: "run_now" }, { models });
      const [question] = QUESTIONS.questions;
      const questions = Array.from({ length: 16 }, (_, i) => ({ ...question, id: `q${i}` }));
      writeFileSync(join(place, "questions.json"), JSON.stringify({ questions }));
    }
    return place;
  });
  const mocks = await Promise.all(SCENES.map(({ kind }, seed) =>
    MockEndpoint.start({
      model: priced[seed].model,
      seed,
      prefix_cache_blocks: 1000,
      ...kind === "iterative"
        ? { script: { default_response: wrong(problems[0], 1), answers: [] } }
        : {},
      behaviour: { error_mode: "server_error", fault_rate: 0.15, delay_s: 0.03 },
    })
  ));
  try {
    const command = (i: number, args: string[]) => [
      ...args,
      ...["--endpoint", `${mocks[i].url}/v1`],
      ...SCENES[i].kind === "batch"
        ? []
        : ["--model", priced[i].model, "--sample-rate", "0", "--prices", "prices.json"],
    ];
    await Promise.all(SCENES.map(async ({ signal, args, after }, i) => {
      const running = startDyno(command(i, args), { cwd: places[i] });
      let over = false;
      running.finished.then(() => over = true);
      await until(() => over || mocks[i].requests.length >= after, running.said);
      running.kill(signal);
      assert(!over, `it was over before its ${signal}: ${running.said()}`);
      await running.finished;
    }));
    const ended = await Promise.all(SCENES.map(async ({ args, again, kind }, i) => {
      const [run] = runsIn(join(places[i], "runs"));
      const words = again?.(run) ?? args;
      const full = kind === "load" ? words : command(i, words);
      const [end] = await dynoEach([full], { cwd: places[i] });
      return end;
    }));
    return SCENES.map(({ kind, signal, args, places: at_once }, i) => {
      const out = kind === "batch"
        ? join(places[i], "batches", "small-rehearsal", "runs")
        : join(places[i], "runs");
      const [run_id] = runsIn(out);
      const folder = join(root, "runs", run_id);
      renameSync(join(out, run_id), folder);
      return {
        seed: FIRST + i,
        kind,
        folder,
        run_id,
        log: loggedBy(mocks[i]),
        prices: { [priced[i].model]: kind === "batch" ? null : prices as Prices, sage: null },
        lines: ended[i].stderr.split("\n"),
        story: `${signal} in ${args.slice(0, 4).join(" ")}: exit ${ended[i].code}`,
        cut: signal === "SIGKILL" ? "killed" as const : "stopped" as const,
        places: at_once ?? new Set(mocks[i].requests.map(({ connection }) => connection)).size,
        budget: null,
        told_s: kind === "suite" ? [JSON.parse(ended[i].stdout).runs[0].wall_s] : [],
      };
    });
  } finally {
    await Promise.all(mocks.map((mock) => mock[Symbol.asyncDispose]()));
  }
}
