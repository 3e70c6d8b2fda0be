/** Seeded random runs of every kind on the mock, with all that makes books hard to keep. */
import { join } from "node:path";
import { assert } from "@std/assert";
import { CancelledError } from "../../lib/execute/scope.ts";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { codingLines } from "../../lib/cli/run/coding_lines.ts";
import { loadTable } from "../../lib/cli/load/load_table.ts";
import { endOfSuite } from "../../lib/cli/run/run_ends.ts";
import { suiteTable } from "../../lib/cli/run/suite_table.ts";
import { runCoding } from "../../lib/coding/run_coding.ts";
import { resumeLoad } from "../../lib/load/resume.ts";
import { measureLoad, runLoads } from "../../lib/load/run_loads.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Budget } from "../../lib/run/budget.ts";
import { PriceTable } from "../../lib/run/prices.ts";
import { runBatch } from "../../lib/schedule/run_batch.ts";
import { runSuite } from "../../lib/suite/run_suite.ts";
import { FILE, problems, wrong } from "../coding/fixture.ts";
import { batchOn, openBatch, TestClock, writeBatch } from "../schedule/fixture.ts";
import { suiteFrom } from "../suite/fixture.ts";
import type { Problem } from "../../lib/coding/problems/problem.ts";
import type { Mode } from "../../lib/coding/problems_suite.ts";
import type { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import type { BudgetLimits } from "../../lib/run/budget.ts";
import type { ErrorMode } from "../../lib/mock/faults/catalogue.ts";
import type { RunDirectory } from "../../lib/run/directory.ts";
import type { Json, Logged, Prices } from "./reader.ts";

/** The kinds, in the order of their seeds. */
export const KINDS = [
  "suite",
  "zero-shot",
  "iterative",
  "comparative",
  "load",
  "sweep",
  "batch",
] as const;

/** A run that was made, and what a reader needs to judge its books. */
export interface Made {
  seed: number;
  kind: typeof KINDS[number];
  folder: string;
  run_id: string;
  /** What the mock was asked. */
  log: Logged[];
  prices: Record<string, Prices | null>;
  /** What a person saw at the end. */
  lines: string[];
  /** What it was, in words, for a failure. */
  story: string;
  /**
   * How it was cut before it went on or was summed up: by Ctrl-C or by SIGKILL. What the requests that were
   * cut off took is unknown to both sides.
   */
  cut: "stopped" | "killed" | null;
  /** Requests at a time, of which a kill leaves no trace. */
  places: number;
  /** What the budget counted; null where no limit was set, or of a session that went on. */
  budget: { usd: number; tokens: number } | null;
  /** What `--json` and a callback say that a suite or coding run took, seconds. */
  told_s: (number | null)[];
}

/** Numbers by a seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed * 0x9E3779B9 >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FAULTS: ErrorMode[] = [
  ...["server_error", "rate_limit", "truncated_stream", "reset_after_headers"] as const,
  ...["usage_missing", "gateway_timeout", "error_event", "multi_token_event"] as const,
];
/** Long enough for blocks of the prefix cache. */
const PREFIX = "Answer shortly and in plain words, as one tells a friend over a cup of tea: "
  .repeat(4);

function solved({ prompt, canonical_solution }: Problem): string {
  return `\`\`\`python\n${prompt}${canonical_solution}\n\`\`\``;
}

const plain = (text: string) => text;
const PLAIN = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain, accent: plain };

/** What a mock was asked so far. */
export function loggedBy({ requests }: MockEndpoint): Logged[] {
  return requests.map(({ method, path, body, fault, tokens }) => ({
    ...{ method, path, body: body as Json, fault, tokens },
  }));
}

/** Makes the run, or the runs, of a seed in `root`/runs. */
export async function made(seed: number, root: string, sandbox: Sandbox): Promise<Made[]> {
  const roll = dice(seed);
  const whole = (n: number) => Math.floor(roll() * n);
  const kind = KINDS[seed % KINDS.length];
  const model = `model-${seed}`, sage = `sage-${seed}`;
  const fault = roll() < 0.5 ? FAULTS[whole(FAULTS.length)] : null;
  const priced = roll() < 0.85;
  const cache_read = roll() < 0.7 ? 0.05 : undefined;
  const rows: Record<string, Prices> = {
    [model]: { input: 0.15 + whole(9) / 100, output: 0.6, cache_read },
    [sage]: { input: 2.5, output: 10.01 },
  };
  const prices = new PriceTable(
    "books",
    !priced ? [] : Object.entries(rows).map(([model, row]) => ({
      model,
      ...row,
      date: "2026-01-01",
      source: "https://example.org",
    })),
  );
  const cuts = roll() < 0.3 && kind !== "sweep";
  const limits: BudgetLimits = {
    usd: null,
    tokens: !cuts && roll() < 0.3 ? 1500 + whole(1500) : null,
  };
  await using mock = await MockEndpoint.start({
    model: [model, sage],
    seed,
    prefix_cache_blocks: 1000,
    script: {
      default_response: roll() < 0.5 ? "Mock response text" : wrong(problems[0], whole(9)),
      answers: [
        { contains: "Another model tries", response: "Think of zero." },
        { contains: "<answer>", response: "It does.\nGRADE: correct" },
        ...problems.filter(() => roll() < 0.4).map((problem) => ({
          contains: `def ${problem.entry_point}(`,
          response: solved(problem),
          reasoning: "Hm, well.",
        })),
        ...(roll() < 0.5 ? [{ contains: "Attempts so far", response: solved(problems[0]) }] : []),
      ],
    },
    behaviour: { error_mode: fault, fault_rate: 0.25 },
  });
  const story = `seed ${seed}: ${kind}, fault ${fault}, ${priced ? "" : "not "}priced, ` +
    `${cuts ? "cut and resumed" : "whole"}, budget ${limits.tokens}`;
  const { signal } = new AbortController();
  const shared = { prices, out: join(root, "runs"), sample_rate_hz: 0, signal };
  /** Runs it, with one Ctrl-C after so many requests where it is to be cut; then once more. */
  const cutOnce = async <Run>(
    first: (signal: AbortSignal, onDirectory: () => void) => Promise<Run>,
    again: (cut: Run) => Promise<Run>,
  ): Promise<Run> => {
    if (!cuts) return await first(signal, () => {});
    const stop = new AbortController();
    const more = 2 + whole(5);
    let after = Infinity; // nothing is cut before there is a run
    const watch = setInterval(() => mock.requests.length >= after && stop.abort(), 1);
    const begun = () => after = mock.requests.length + more;
    return await again(await first(stop.signal, begun).finally(() => clearInterval(watch)));
  };
  const keep = (
    { path, run_id }: RunDirectory,
    lines: string[],
    more: Partial<Made> = {},
  ): Made => ({
    seed,
    kind,
    folder: path,
    run_id,
    log: loggedBy(mock),
    prices: priced ? rows : { [model]: null, [sage]: null },
    lines,
    story,
    cut: cuts ? "stopped" : null,
    places: 2,
    budget: null,
    told_s: [],
    ...more,
  });

  if (kind === "load" || kind === "sweep") {
    const load = {
      endpoint: mock.url,
      model,
      ...(kind === "load" && roll() < 0.4
        ? { rate: 400, arrival: roll() < 0.5 ? "poisson" as const : "constant" as const, seed }
        : { concurrency: 1 + whole(3) }),
      requests: 6 + whole(8),
      warmup: whole(3),
      prompt: PREFIX + seed,
      output_tokens: 3 + whole(6),
      sample_rate_hz: 0,
      transport: roll() < 0.5 ? "wire" as const : "portable" as const,
    };
    const budget = new Budget(limits, () => {});
    if (kind === "load") {
      const { directory, results } = await cutOnce(
        (signal, onDirectory) =>
          measureLoad("books", load, { ...shared, budget, signal, onDirectory }),
        ({ directory }) => resumeLoad(directory),
      );
      const lines = loadTable(results, PLAIN);
      return [keep(directory, lines, { budget: limits.tokens === null ? null : budget.spent })];
    }
    const runs = [1, 2].map((concurrency) => ({
      settings: { ...load, concurrency },
      varied: { concurrency },
    }));
    return await runLoads({ name: "books", runs } as Parameters<typeof runLoads>[0], shared, {
      keep: ({ directory, results }) => {
        const run = keep(directory, loadTable(results, PLAIN));
        mock.clearRequests();
        return run;
      },
    });
  }

  if (kind === "batch") {
    const folder = join(root, `batch_${seed}`);
    const path = writeBatch(folder, { evaluations: 1 }, {
      models: [{ provider: "vllm", model }],
      retry_attempts: 2,
      retry_delay: 0.001,
    });
    const { batch, apis } = await batchOn(path, mock.url);
    const clock = new TestClock("2027-01-10T07:59:00Z");
    let found: RunDirectory | null = null;
    const slots = async (signal: AbortSignal, begun = () => {}) => {
      using session = await openBatch(folder, batch, clock);
      await runBatch({
        session,
        apis,
        clock,
        out: shared.out,
        onNotice: () => {},
        onDirectory(directory) {
          found = directory;
          begun();
        },
      }, signal);
    };
    await cutOnce(
      (signal, begun) =>
        slots(signal, begun).catch((error) => assert(error instanceof CancelledError)),
      () => slots(signal),
    );
    // a batch is priced by the table that comes with dyno, which has no such model
    return found === null ? [] : [keep(found, [], { prices: { [model]: null } })];
  }

  await using transport = await openTransport();
  const reach = (model: string) =>
    configureApi(
      { endpoint: mock.url, model, retry_attempts: 2, retry_delay: 0.001 },
      transport,
      () => {},
    );
  const api = await reach(model);
  const wholeRun = <Run extends { directory: RunDirectory }>(
    run: (
      more: { signal: AbortSignal; resume?: string; onDirectory?: () => void },
    ) => Promise<Run>,
  ) =>
    cutOnce(
      (signal, onDirectory) => run({ signal, onDirectory }),
      ({ directory }) => run({ signal, resume: directory.path }),
    );
  if (kind === "suite") {
    const judged = roll() < 0.5, talks = roll() < 0.4;
    const epochs = roll() < 0.4 ? 2 : 1;
    const tests = Array.from({ length: 4 + whole(8) }, (_, i) => ({
      id: `t${i}`,
      name: `Test ${i}`,
      category: ["alpha", "beta"][i % 2],
      prompt: `${PREFIX}question ${i % 5}`,
      parameters: { max_tokens: 20 },
      evaluator: judged && i % 2
        ? { name: "judge", model: sage, rubric: "It answers." }
        : { name: "contains", expected: i % 3 ? "Mock" : "never" },
      ...(talks && i % 3 === 1 ? { turns: [{ prompt: `${PREFIX}and then?` }] } : {}),
    }));
    let budget = new Budget(limits, () => {});
    const run = await wholeRun((more) => {
      budget = new Budget(limits, () => {});
      return runSuite({
        ...shared,
        ...more,
        suite: suiteFrom(tests),
        api,
        transport,
        budget,
        epochs,
        workers: 2,
      });
    });
    return [
      keep(run.directory, suiteTable(run, PLAIN), {
        told_s: [run.wall_s, endOfSuite(run, signal).duration_seconds],
        budget: limits.tokens === null ? null : budget.spent,
        story: `${story}, ${epochs} epochs, ${judged ? "" : "not "}judged${talks ? ", turns" : ""}`,
      }),
    ];
  }
  const modes: Mode[] = kind === "comparative" ? ["zero-shot", "iterative"] : [kind];
  const reviewed = modes.includes("iterative") && roll() < 0.7;
  const reviewer = reviewed ? await reach(sage) : null;
  const samples = 1 + whole(2);
  const chosen = problems.slice(0, 1 + whole(3));
  const run = await wholeRun((more) =>
    runCoding({
      ...shared,
      ...more,
      name: "books",
      path: FILE,
      problems: chosen,
      range: `0-${chosen.length}`,
      settings: {
        modes,
        max_iterations: 3,
        samples,
        parameters: { max_tokens: 400, ...(samples > 1 ? { seed } : {}) },
        test_timeout_s: 10,
        memory_bytes: 512 << 20,
        checkpoint: reviewed ? { model: sage, every: 1 } : null,
        stop_on_plateau: null,
      },
      sandbox,
      api,
      reviewer,
      transport,
      budget: limits,
      workers: 2,
      onNotice: () => {},
    })
  );
  return [
    keep(run.directory, codingLines(run, PLAIN), {
      told_s: [run.wall_s, endOfSuite(run, signal).duration_seconds],
      budget: limits.tokens === null ? null : run.budget_spent,
      story: `${story}, ${samples} samples, ${reviewed ? "reviewed" : "not reviewed"}`,
    }),
  ];
}
