/**
 * Folds of journals: a part and then the rest come to what the whole comes to. The right value is the
 * whole journal folded at once, from the file, by the reader of whole files; the parts go through the
 * follower of growing files, cut anywhere, also within a line. Real journals (those of version 0.1.0,
 * and runs made here) and generated ones, with damaged lines.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { recalled } from "../../lib/coding/solver.ts";
import { loadState, requestRecords } from "../../lib/load/load_journal.ts";
import { settledCallbacks } from "../../lib/notify/queue.ts";
import { runMarks } from "../../lib/report/perfetto.ts";
import { lineOf } from "../../lib/run/event_forms.ts";
import { both, foldJournal, JournalFollower, leftOut } from "../../lib/run/fold.ts";
import { runItems } from "../../lib/run/read_run.ts";
import { runState } from "../../lib/run/run_state.ts";
import { BatchState, batchState } from "../../lib/schedule/state.ts";
import { batchSums } from "../../lib/server/tasks/batch_watch.ts";
import { loadSums, suiteSums } from "../../lib/server/tasks/run_watch.ts";
import { TaskList, taskList } from "../../lib/server/tasks/task_list.ts";
import { LogHistogram } from "../../lib/stats/histogram.ts";
import { testResults } from "../../lib/suite/resume.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load } from "../load/fixture.ts";
import { fixture } from "../formats/fixtures.ts";
import { temporary } from "./runs_fixture.ts";
import type { BatchModel } from "../../lib/settings/batch.ts";
import type { JournalKind } from "../../lib/run/events.ts";
import type { Fold } from "../../lib/run/fold.ts";

const KEPT = new URL("../fixtures/runs_v2/", import.meta.url).pathname;

/** Every fold of a run's journal. */
const RUN: Record<string, Fold<"run", unknown>> = {
  runState,
  runItems,
  testResults,
  recalled,
  requestRecords,
  loadState,
  runMarks,
  suiteSums,
  loadSums,
  both: both(runState, runItems),
} as Record<string, Fold<"run", unknown>>;

/** States as texts, maps and sets and all; what is private by what can be asked of it. */
function shown(state: unknown): string {
  return Deno.inspect(asked(state), { depth: 20, iterableLimit: Infinity, strAbbreviateSize: 1e6 });
}

function asked(state: unknown): unknown {
  if (state instanceof TaskList) return [state.tasks, state.byKey, state.queued()];
  if (state instanceof LogHistogram) {
    return [state.n, ...[0, 0.1, 0.5, 0.9, 1].map((q) => state.quantile(q))];
  }
  if (state instanceof BatchState) {
    const models = ["a", "b"].flatMap((provider) =>
      ["a", "b"].map((model) => ({ provider, model } as BatchModel))
    );
    return [
      state.start,
      [state.runsToUpload(), state.uploadPending],
      [1, 2, 3].map((slot) => [
        state.slot(slot),
        models.map((model) => [
          state.hasRun(slot, model),
          state.pendingRun(slot, model, true),
          state.pendingRun(slot, model, false),
          ["a", "b"].map((test) => state.record(slot, model, test)),
        ]),
      ]),
    ];
  }
  if (typeof state !== "object" || state === null || Array.isArray(state)) return state;
  if (state instanceof Map || state instanceof Set) return state;
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, asked(value)]));
}

/** Writes a journal piece by piece and folds what is whole after each. */
function inParts<Kind extends JournalKind, State>(
  path: string,
  bytes: Uint8Array,
  cuts: readonly number[],
  how: Fold<Kind, State>,
): State {
  writeFileSync(path, "");
  using follower = new JournalFollower(path, how.kind);
  const state = how.begin();
  for (const [i, cut] of [...cuts, bytes.length].entries()) {
    appendFileSync(path, bytes.subarray(i === 0 ? 0 : cuts[i - 1], cut));
    for (const { event } of follower.lines()) if (event !== null) how.take(state, event);
  }
  return state;
}

async function assertSame(
  folder: string,
  bytes: Uint8Array,
  cuts: readonly number[],
  folds: Record<string, Fold<JournalKind, unknown>>,
) {
  for (const [name, how] of Object.entries(folds)) {
    const whole = join(folder, "whole.jsonl");
    writeFileSync(whole, bytes);
    const { state } = await foldJournal(whole, how);
    const parts = inParts(join(folder, "parts.jsonl"), bytes, cuts, how);
    assertEquals(shown(parts), shown(state), `${name}, cut at ${cuts}`);
  }
}

const anyFold = (folds: object) => folds as Record<string, Fold<JournalKind, unknown>>;

Deno.test("journals of version 0.1.0, cut at every line and within", async () => {
  using folder = temporary();
  for (const run of ["bench_0dd23a73_20261121_105303", "bench_01ffc71a_20261121_105307"]) {
    const bytes = new Uint8Array(readFileSync(join(KEPT, run, "events.jsonl")));
    const { damaged } = await foldJournal(join(KEPT, run, "events.jsonl"), runState);
    assertEquals(damaged, [], "nothing of it is left out");
    const ends = [...bytes].flatMap((byte, i) => byte === 10 ? i + 1 : []);
    for (const end of ends) {
      await assertSame(folder.path, bytes, [end], anyFold(RUN));
      await assertSame(folder.path, bytes, [Math.max(0, end - 40), end], anyFold(RUN));
    }
  }
});

Deno.test("a load made here: any cuts, any damaged lines; each is named", async () => {
  await using mock = await MockEndpoint.start();
  using run = await load({ endpoint: mock.url, concurrency: 2, requests: 12, warmup: 2 });
  const text = readFileSync(run.directory.journal, "utf8");
  const lines = text.trimEnd().split("\n");
  using folder = temporary();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: text.length }), { maxLength: 4 }),
      fc.array(fc.tuple(fc.nat({ max: lines.length }), fc.constantFrom(...DAMAGE)), {
        maxLength: 3,
      }),
      async (places, damage) => {
        const changed = [...lines];
        for (const [at, line] of damage) changed.splice(at, 0, line);
        const bytes = new TextEncoder().encode(changed.join("\n") + "\n");
        const cuts = places.map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b);
        await assertSame(folder.path, bytes, cuts, anyFold(RUN));
        const path = join(folder.path, "whole.jsonl");
        const reading = await foldJournal(path, requestRecords);
        assertEquals(reading.state.length, 14, "what is damaged takes no other with it");
        assertEquals(reading.damaged.length, damage.length);
        assertEquals(leftOut(path, reading).length, damage.length);
      },
    ),
    { numRuns: 25 },
  );
});

/** Lines that no reader may take for what their name says. */
const DAMAGE = [
  "",
  "nonsense",
  "[1]",
  '{"t":1}',
  '{"t":"1","event":"run_finished"}',
  '{"t":1,"mono_ns":1,"event":"request_finished"}',
  '{"t":1,"mono_ns":1,"event":"request_finished","result":{"request":"7"}}',
  '{"t":1,"mono_ns":1,"event":"package_finished","package_id":"a","result":{"item_id":"x"}}',
  '{"t":1,"mono_ns":1,"event":"load_progress","in_flight":3}',
];

const stamp = { t: fc.nat({ max: 100 }), mono_ns: fc.nat() };
const slot = fc.integer({ min: 1, max: 3 });
const named = fc.constantFrom("a", "b");
const record = fc.record({
  timestamp: fc.constant("2027-01-01T00:00:00Z"),
  ...{ industry: named, question: named, llm_provider: named, llm_model: named },
  ...{ latency_sec: fc.option(fc.nat()), throughput_tps: fc.option(fc.nat()) },
  ...{ success: fc.boolean(), coverage_score: fc.option(fc.double({ min: 0, max: 1 })) },
  ...{ prompt_tokens: fc.option(fc.nat()), response_tokens: fc.option(fc.nat()) },
});
const times = {
  ...stamp,
  slot,
  timeliness: fc.constantFrom("late", "missed"),
  late_s: fc.nat(),
  planned: fc.constant(null),
};
const event = (name: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ ...stamp, event: fc.constant(name), ...fields });
const result = fc.record({
  ...{ test_id: named, test_name: named, category: named, item_id: named },
  ...{ success: fc.boolean(), response_text: named, timed_out: fc.boolean(), timestamp: named },
  ...{ execution_time: fc.nat(), elapsed_seconds: fc.nat(), attempts: fc.nat() },
  ...{ prompt_tokens: fc.option(fc.nat()), completion_tokens: fc.option(fc.nat()) },
});
const attempt = fc.record({
  ...{ experiment_id: named, problem_id: named, iteration: fc.nat(), passed: fc.boolean() },
  ...{ outcome: named, detail: named, how: named, cost_usd: fc.option(fc.nat()), result },
  reused_from: fc.option(named),
});
const GENERATED: Record<string, { line: fc.Arbitrary<unknown>; folds: object }> = {
  run: {
    line: fc.oneof(
      event("run_started", { planned: fc.nat() }),
      event("run_resumed", { planned: fc.nat() }),
      event("package_started", { package_id: named }),
      event("package_finished", { package_id: named, result: fc.option(result) }),
      event("attempt_finished", { attempt }),
      event("review_finished", {
        experiment_id: named,
        advice: named,
        spent: fc.option(fc.record({ usd: fc.option(fc.nat()), tokens: fc.option(fc.nat()) })),
      }),
      event("workers_changed", { workers: fc.nat(), reason: named }),
      event("run_interrupted", {}),
      event("run_finished", {}),
    ),
    folds: RUN,
  },
  batch: {
    line: fc.oneof(
      event("batch_started", {
        ...{ batch: named, start_ms: fc.nat(), identity: named, rehearsal: fc.constant(null) },
      }),
      event("slot_started", times),
      event("slot_skipped", times),
      event("slot_finished", { slot, records: fc.nat(), partial: fc.boolean() }),
      event("run_started", {
        ...{ slot, provider: named, model: named, run_id: named, tests: fc.constant(null) },
        retry: fc.boolean(),
      }),
      event("run_finished", {
        ...{ slot, provider: named, model: named, run_id: named, error: fc.option(named) },
        records: fc.array(fc.tuple(named, record), { maxLength: 3 }),
      }),
      event("run_uploaded", { run_id: named, to: named }),
      event("records_uploaded", { to: named }),
    ),
    folds: { batchState, batchSums },
  },
  tasks: {
    line: fc.oneof(
      event("task_queued", {
        task_id: named,
        request: fc.constant({ kind: "suite", model: "m" }),
        idempotency: fc.option(fc.record({ key: named, digest: named })),
      }),
      event("task_started", { task_id: named, run_id: fc.option(named) }),
      event("task_process", { task_id: named, pid: fc.nat(), start_ticks: fc.option(named) }),
      event("task_requeued", { task_id: named, reason: named }),
      event("task_ended", { task_id: named, status: fc.constantFrom("failed", "completed") }),
    ),
    folds: { taskList },
  },
  callbacks: {
    line: fc.oneof(
      event("callback_queued", { id: named, url: named }),
      event("callback_failed", { id: named, url: named, attempt: fc.nat(), error: named }),
      event("callback_delivered", { id: named, url: named, attempt: fc.nat(), status: fc.nat() }),
    ),
    folds: { settledCallbacks },
  },
};

for (const [kind, { line, folds }] of Object.entries(GENERATED)) {
  Deno.test(`generated journals of ${kind}: any cuts`, async () => {
    using folder = temporary();
    let read = 0;
    const lines = fc.array(
      fc.oneof(
        { weight: 9, arbitrary: line.map((value) => JSON.stringify(value)) },
        { weight: 1, arbitrary: fc.constantFrom(...DAMAGE.slice(0, 4), '{"event":"run_started"}') },
      ),
      { maxLength: 12 },
    );
    const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(lines, places, async (lines, places) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
        const cuts = places.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b);
        await assertSame(folder.path, bytes, cuts, anyFold(folds));
        for (const text of lines) read += "why" in lineOf(kind as JournalKind, text) ? 0 : 1;
      }),
      { numRuns: 60 },
    );
    assert(read > 100, "most of what is generated is read");
  });
}

Deno.test("what does not fit is named by its place; what older journals lack is null", () => {
  const why = (text: string) => {
    const line = lineOf("run", text);
    return "why" in line ? line.why : null;
  };
  const lacks = (name: string) => `${name} is missing or not what it should be`;
  assertEquals(why("{"), "not a journal event");
  assertEquals(why('{"event":"package_started"}'), lacks("package_started: t"));
  assertEquals(
    why('{"t":1,"event":"package_finished","package_id":"a","result":{"test_id":"a"}}'),
    lacks("package_finished: result.test_name"),
  );
  assertEquals(
    why('{"t":1,"event":"load_finished","complete":true,"verdict":{"verdict":3}}'),
    lacks("load_finished: verdict.verdict"),
  );
  const other = lineOf("run", '{"event":"of another program"}');
  assert(!("why" in other) && other.event === null && other.name === "of another program");
  const first = readFileSync(join(KEPT, "bench_01ffc71a_20261121_105307", "events.jsonl"), "utf8")
    .split("\n").find((line) => line.includes("request_finished"))!;
  assert(!first.includes("cost_usd"), "version 0.1.0 told no cost");
  const line = lineOf("run", first);
  assert(!("why" in line) && line.event?.event === "request_finished");
  assertEquals(line.event.result.cost_usd, null);
  const withSound = (audio_s: unknown) => {
    const { result, ...event } = JSON.parse(first);
    return JSON.stringify({ ...event, result: { ...result, media: { audio_s } } });
  };
  assert(!("why" in lineOf("run", withSound(1.5))));
  assertEquals(why(withSound("1.5")), lacks("request_finished: result.media.audio_s"));
});

Deno.test("another program's journal is read with what it tells", async () => {
  const path = join(fixture("smi_bench"), "logs/phase2_1234567890/events.jsonl");
  const { state: items, damaged } = await foldJournal(path, runItems);
  assertEquals(damaged, []);
  const finished = readFileSync(path, "utf8").split("\n")
    .filter((line) => line.includes('"package_finished"')).map((line) => JSON.parse(line));
  assertEquals([...items.keys()], finished.map(({ package_id }) => package_id));
});
