/** Commands that write, as victims of a kill: how they are begun, gone on with, and looked at. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { writeBatch } from "../schedule/fixture.ts";
import { getJson, post } from "../server/fixture.ts";
import { jsonIn, promptTests } from "../suite/fixture.ts";
import { FILE as PROBLEMS } from "../coding/fixture.ts";
import { shellSweep } from "../sweep/fixture.ts";
import { promptOf } from "./asked_again.ts";
import { until } from "../until.ts";
import type { TaskView } from "../../lib/server/tasks/task.ts";
import type { Finished, Running } from "../e2e/dyno.ts";
import type { Asking, Finish } from "./asked_again.ts";

/** One victim in a folder of its own. */
export interface Scene {
  /** The command, or the one that goes on with what is there. */
  args(): string[];
  /** What is finished on disk: must never become less, and hold nothing twice. */
  finished(): string[];
  /** Looks at what a command that came to its end has left. */
  check(): void | Promise<void>;
  /** What is asked of the endpoint, none of it again once it is finished. */
  asking?: Asking;
  /** What the command finds in its environment. */
  env?: Record<string, string>;
  /** Whether what it said at its end tells of something else to do first. */
  goesOn?(end: Finished): boolean;
  /** What it says where an earlier one has done all. */
  nothingToDo?: string;
  /** What nobody goes on with stays as it was. */
  mayLeave?(path: string): boolean;
  /** For a command that waits for others: lets it do its work and ends it. */
  drive?(running: Running): Promise<void>;
}

/** Commands that may be needed where one tells of another that comes first. */
const MOST_STEPS = 10;

/** A victim's command to its end, and whatever it says is to be done first. */
export async function toItsEnd(scene: Scene, once: () => Promise<Finished>): Promise<Finished> {
  for (let step = 0; step < MOST_STEPS; step++) {
    const end = await once();
    if (!scene.goesOn?.(end)) return end;
  }
  throw new Error("it never comes to its end");
}

export interface Victim {
  name: string;
  /** How many changes of the disk it makes, about. */
  changes: number;
  /** How long it takes, about; a later moment is no kill. */
  lasts_ms: number;
  /** Its processes outlive it for a while, and the next one ends them. */
  leavesWorkers?: boolean;
  stage(folder: string, mock: MockEndpoint): Scene;
}

/** The whole events of a journal, as far as it is written. */
// deno-lint-ignore no-explicit-any
export function eventsOf(path: string): any[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

export function runsIn(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder).filter((name) => name.startsWith("bench_")).sort()
    : [];
}

const TESTS = 12;
const RUN = "bench_c0ffee00_20270114_120000";

/** The suite's file; the second one asks for other things than the first. */
function suiteFile(folder: string, name: "first" | "second" = "first"): string {
  const path = join(folder, `${name}.json`);
  const all = promptTests(2 * TESTS);
  const tests = name === "first" ? all.slice(0, TESTS) : all.slice(TESTS);
  writeFileSync(path, JSON.stringify({ test_suite_id: "chaos", tests }));
  return path;
}

const journalOf = (folder: string, run: string) => eventsOf(join(folder, run, "events.jsonl"));

const finishedTests = (folder: string) =>
  runsIn(folder).flatMap((run) =>
    journalOf(folder, run).flatMap(({ event, package_id }) =>
      event === "package_finished" ? [`${run} ${package_id}`] : []
    )
  );

const testEnds = (folder: string): Finish[] =>
  runsIn(folder).flatMap((run) =>
    journalOf(folder, run).flatMap(({ event, package_id, error, mono_ns }) =>
      event === "package_finished" && !error ? [{ item: `${package_id}`, mono_ns }] : []
    )
  );

/** Of suites made by suiteFile. */
const askingTests = (runs: string): Asking => ({
  of(request) {
    const number = /^Question number (\d+)$/.exec(promptOf(request))?.[1];
    return number === undefined ? null : `t${number}`;
  },
  done: () => testEnds(runs),
  each: 1,
});

/** `--run-id` for a run that has no journal yet, `--resume` for one that has. */
function goingOn(runs: string): string[] {
  return [existsSync(join(runs, RUN, "events.jsonl")) ? "--resume" : "--run-id", RUN];
}

const suite: Victim = {
  name: "run",
  changes: 208,
  lasts_ms: 1100,
  stage(folder, mock) {
    const file = suiteFile(folder);
    const runs = join(folder, "runs");
    const on = ["--endpoint", `${mock.url}/v1`, "--model", "mock", "--workers", "3"];
    return {
      args: () => ["run", file, ...on, "--out", runs, ...goingOn(runs)],
      finished: () => finishedTests(runs),
      asking: askingTests(runs),
      check() {
        assertEquals(finishedTests(runs).length, TESTS);
        const results = jsonIn(join(runs, RUN, "results.json"));
        assertEquals([results.complete, results.items.length], [true, TESTS]);
        assertEquals(readdirSync(join(runs, RUN, "items")).length, 2 * TESTS);
        assert(existsSync(join(runs, RUN, "report", "index.html")));
      },
    };
  },
};

const PROBLEM_NAMES = readFileSync(PROBLEMS, "utf8").trim().split("\n")
  .map((line): string => JSON.parse(line).entry_point);
const ATTEMPTS = 3;

const iterative: Victim = {
  name: "run --mode iterative",
  changes: 123,
  lasts_ms: 2200,
  stage(folder, mock) {
    const runs = join(folder, "runs");
    const on = ["--endpoint", `${mock.url}/v1`, "--model", "mock", "--workers", "2"];
    const args = ["--mode", "iterative", "--range", "0-3", "--max-iterations", `${ATTEMPTS}`];
    const attemptEnds = () =>
      journalOf(runs, RUN).flatMap(({ event, attempt, mono_ns }) =>
        event === "attempt_finished"
          ? [{ ...attempt as { problem_id: string; iteration: number }, mono_ns }]
          : []
      );
    const attempts = () =>
      attemptEnds().map(({ problem_id, iteration }) => `${problem_id} ${iteration}`);
    return {
      args: () => ["run", PROBLEMS, ...args, ...on, "--out", runs, ...goingOn(runs)],
      finished: () => [...attempts(), ...finishedTests(runs)],
      asking: {
        of(request) {
          const name = /def (\w+)\(/.exec(promptOf(request))?.[1] ?? "";
          const number = PROBLEM_NAMES.indexOf(name);
          return number < 0 ? null : `python_basics/${number}`;
        },
        done: () => attemptEnds().map(({ problem_id, mono_ns }) => ({ item: problem_id, mono_ns })),
        each: ATTEMPTS,
      },
      check() {
        assertEquals(finishedTests(runs).length, 3);
        assert(attempts().length >= 6, `${attempts().length} attempts`);
        assertEquals(jsonIn(join(runs, RUN, "results.json")).complete, true);
      },
    };
  },
};

/** A load is not gone on with: what was measured is summed up, and the same command measures anew. */
const load: Victim = {
  name: "load",
  changes: 128,
  lasts_ms: 2200,
  stage(folder, mock) {
    const runs = join(folder, "runs");
    const on = ["--endpoint", mock.url, "--model", "mock", "--concurrency", "3"];
    const requests = ["--requests", "30", "--warmup", "0"];
    const ended = (run: string) =>
      journalOf(runs, run).flatMap(({ event, result }) =>
        event === "request_finished" ? [`${run} ${(result as { request: number }).request}`] : []
      );
    const cutOff = () =>
      runsIn(runs).find((run) =>
        ended(run).length > 0 && !existsSync(join(runs, run, "report", "index.html"))
      );
    let sumsUp = false;
    return {
      args() {
        const run = cutOff();
        sumsUp = run !== undefined;
        return run === undefined
          ? ["load", ...on, ...requests, "--output-tokens", "8", "--out", runs]
          : ["load", "--resume", run, "--out", runs];
      },
      goesOn: ({ code }) => sumsUp && code === 0,
      finished: () => runsIn(runs).flatMap(ended),
      // of one that had asked for nothing yet, there is nothing to sum up
      mayLeave: (path) =>
        runsIn(runs).some((run) =>
          ended(run).length === 0 && path.startsWith(join(runs, run) + "/")
        ),
      check() {
        const measured = runsIn(runs).filter((run) => ended(run).length > 0);
        let complete = 0;
        for (const run of measured) {
          const results = jsonIn(join(runs, run, "results.json"));
          const { successful, outside } = results.total.requests;
          assertEquals(successful + outside, ended(run).length);
          if (results.complete) complete++;
        }
        assert(complete > 0);
        // behind its "Say yes." and two questions after the server's template, of one token each
        const asked = mock.requests.filter((request) =>
          promptOf(request).split(" ").length > 2 && !/_tokens":1\b/.test(request.body_text)
        );
        assertEquals(asked.length, 30, "it measured anew, nothing else");
      },
    };
  },
};

const RUNS = 8;

const sweep: Victim = {
  name: "sweep",
  changes: 52,
  lasts_ms: 900,
  stage(folder) {
    const file = join(folder, "sweep.json");
    const script = "echo {seed} > {out_dir}/said; sleep 0.05";
    writeFileSync(file, JSON.stringify({ ...shellSweep(script, RUNS), out_root: folder }));
    const tree = join(folder, "shell", "runs");
    const finished = () =>
      (existsSync(tree) ? readdirSync(tree) : []).filter((run) =>
        existsSync(join(tree, run, "meta.json"))
      );
    const meant = (run: string) => {
      const { params } = jsonIn(join(tree, run, "meta.json"));
      const said = join(tree, run, "out", "said");
      return existsSync(said) && readFileSync(said, "utf8") === `${params.seed}\n`;
    };
    return {
      args: () => ["sweep", "--config", file, "--resume"],
      finished: () =>
        // written once, so that a run that was repeated has another time
        finished().map((run) => {
          assert(meant(run), `${run} is finished, what it wrote is gone`);
          return `${run} ${jsonIn(join(tree, run, "meta.json")).start_time_unix_s}`;
        }),
      check() {
        assertEquals(finished().length, RUNS);
        for (const run of finished()) {
          assertEquals(jsonIn(join(tree, run, "meta.json")).exit_code, 0);
          assert(meant(run), run);
        }
      },
    };
  },
};

const SLOTS = 2;
const RECORDS = SLOTS * 2 * 3; // two models, three questions

/** Of the questions of writeBatch. */
export const askingBatch = (runs: string): Omit<Asking, "each"> => ({
  of(request) {
    const question = /Question: What is number (\w+)\?$/.exec(promptOf(request))?.[1];
    return question === undefined ? null : `retail/${question}`;
  },
  done: () => testEnds(runs),
});

const batch: Victim = {
  name: "batch run --speedup",
  changes: 539,
  lasts_ms: 1900,
  stage(folder, mock) {
    const schedule = { evaluations: SLOTS, period_h: 1, on_missed: "run_now" };
    const file = writeBatch(folder, schedule);
    const state = join(folder, "batches", "small-rehearsal");
    const events = (name: string) =>
      eventsOf(join(state, "events.jsonl")).filter(({ event }) => event === name);
    return {
      args: () => [
        ...["batch", "run", file, "--speedup", "20000", "--endpoint", `${mock.url}/v1`],
        ...["--batches", join(folder, "batches")],
      ],
      finished: () => [
        ...events("run_finished").map(({ run_id }) => `run ${run_id}`),
        ...events("slot_finished").map(({ slot }) => `slot ${slot}`),
        ...finishedTests(join(state, "runs")),
      ],
      asking: { ...askingBatch(join(state, "runs")), each: SLOTS * 2 }, // the models' are alike
      check() {
        assertEquals(events("slot_finished").length, SLOTS);
        assertEquals(jsonIn(join(state, "batch_eval_metrics.json")).length, RECORDS);
      },
    };
  },
};

/** Tasks are sent again after each restart with the same keys, as a careful client would. */
const serve: Victim = {
  name: "serve",
  changes: 42,
  lasts_ms: 3500,
  leavesWorkers: true,
  stage(folder, mock) {
    const suites = { first: suiteFile(folder), second: suiteFile(folder, "second") };
    const runs = join(folder, "runs");
    const body = { kind: "suite", endpoint: `${mock.url}/v1`, sample_rate_hz: 0, workers: 2 };
    const accepted = new Set<string>();
    const queued = () =>
      eventsOf(join(runs, "server", "tasks.jsonl")).flatMap(({ event, task_id }) =>
        event === "task_queued" ? [`${task_id}`] : []
      );
    return {
      args: () => ["serve", "--port", "0", "--runs", runs, "--allow", folder, "--rate-limit", "0"],
      finished: () => [
        ...queued(),
        ...finishedTests(runs),
      ],
      asking: askingTests(runs),
      check() {
        assertEquals(queued().sort(), [...accepted].sort(), "a task was lost, or taken twice");
        assertEquals(finishedTests(runs).length, 2 * TESTS);
      },
      async drive(running) {
        const over = running.finished.then(() => true);
        const ended = () => Promise.race([over, Promise.resolve(false)]);
        const url = await until(async () =>
          await ended() || /dyno serve at (\S+),/.exec(running.said())?.[1]
        );
        if (url === true) return;
        try {
          for (const [key, suite] of Object.entries(suites)) {
            const headers = { "idempotency-key": key };
            const answer = await post(`${url}/tasks`, { ...body, suite }, headers);
            const { task_id } = await answer.json();
            assert(answer.ok);
            accepted.add(task_id);
            const view = () => getJson<TaskView>(`${url}/tasks/${task_id}`);
            await until(async () => (await view()).status === "completed");
          }
        } catch (error) {
          if (!await Promise.race([over, new Promise((done) => setTimeout(done, 5000, false))])) {
            throw error;
          }
          return; // it was killed meanwhile
        }
        running.kill("SIGTERM");
      },
    };
  },
};

export const writers: Victim[] = [suite, iterative, load, sweep, batch, serve];

/** The mock that they all ask: at once, and wrong at every problem but two. */
export function mockForVictims(): Promise<MockEndpoint> {
  return MockEndpoint.start({
    behaviour: { delay_s: 0.02, default_response: "```python\ndef initials_badge(n): pass\n```" },
  });
}
