/** The daemon's judgement by a clock that the test moves; the endpoint, journal and files are real. */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { runBatch } from "../../lib/schedule/run_batch.ts";
import { retryTasks, runRetry } from "../../lib/schedule/retry.ts";
import { BATCH_EVAL_FIELDS } from "../../lib/formats/batch_eval.ts";
import { CancelledError } from "../../lib/execute/scope.ts";
import { InputError } from "../../lib/errors.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { parseCsv } from "../../lib/formats/csv.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { batchOn, eventsIn, openBatch, recordsIn, TestClock, writeBatch } from "./fixture.ts";
import type { AddressInfo } from "node:net";
import type { BatchRunOptions, SlotOutcome } from "../../lib/schedule/run_batch.ts";

const NEVER = new AbortController().signal;

/** A batch in a folder, run in this process. */
async function rig(
  schedule: Record<string, unknown>,
  start: string,
  changes: Record<string, unknown> = {},
) {
  const folder = temporaryFolder();
  const mock = await MockEndpoint.start();
  const path = writeBatch(folder.path, schedule, changes);
  const clock = new TestClock(start);
  const state = join(folder.path, "batches", "small");
  const said: string[] = [];
  const run = async (more: Partial<BatchRunOptions> = {}, signal: AbortSignal = NEVER) => {
    const { batch, apis } = await batchOn(path, mock.url);
    using session = await openBatch(folder.path, batch, clock);
    const outcomes: SlotOutcome[] = [];
    await runBatch({
      session,
      apis,
      clock,
      out: join(folder.path, "runs"),
      onNotice: (line) => said.push(line),
      onSlotFinished: (outcome) => void outcomes.push(outcome),
      ...more,
    }, signal);
    return outcomes;
  };
  const retry = async (slots: number[] | null) => {
    const { batch, apis } = await batchOn(path, mock.url);
    using session = await openBatch(folder.path, batch, clock);
    const tasks = retryTasks(session, slots);
    await runRetry(tasks, { session, apis, out: join(folder.path, "runs") }, NEVER);
    return tasks;
  };
  return {
    folder: folder.path,
    mock,
    path,
    clock,
    state,
    said,
    run,
    retry,
    questions: () => mock.requests.filter(({ path }) => path.includes("completions")).length,
    async [Symbol.asyncDispose]() {
      await mock.close();
      folder[Symbol.dispose]();
    },
  };
}

const told = (outcomes: SlotOutcome[]) =>
  outcomes.map(({ slot, status, timeliness, records }) =>
    [slot.slot, status, timeliness, records].join(" ")
  );

Deno.test("every slot is run at its time, and its records are in both files", async () => {
  await using it = await rig({}, "2027-01-10T07:59:00Z");
  const due: string[] = [];
  const outcomes = await it.run({
    onSlotStarted: () => void due.push(new Date(it.clock.now_ms()).toISOString().slice(11, 19)),
  });
  assertEquals(due, ["08:00:00", "09:00:00", "10:00:00", "11:00:00"]);
  assertEquals(told(outcomes), [1, 2, 3, 4].map((slot) => `${slot} done on_time 6`));
  assertEquals(it.questions(), 24);
  const records = recordsIn(it.state);
  assertEquals(records.length, 24);
  for (const record of records) {
    assertEquals(Object.keys(record), [...BATCH_EVAL_FIELDS]);
    assertEquals([record.industry, record.llm_model, record.success], ["retail", "mock", true]);
    assertEquals(record.coverage_score, 0.5);
    assert(record.latency_sec! > 0 && record.prompt_tokens! > 0);
    assertEquals(record.throughput_tps, record.response_tokens! / record.latency_sec!);
    assertMatch(record.timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  }
  // imported, its coverage is what it is: dyno's
  const { runs } = await readForeign(join(it.state, "batch_eval_metrics.json"));
  assertEquals(runs.map(({ score_measure }) => score_measure), runs.map(() => undefined));
  assertEquals(records.slice(0, 4).map(({ llm_provider }) => llm_provider), [
    "vllm",
    "vllm",
    "vllm",
    "sglang",
  ]);
  const [head, ...rows] = parseCsv(
    "table",
    readFileSync(join(it.state, "batch_eval_metrics.csv"), "utf8"),
  );
  assertEquals(head, [...BATCH_EVAL_FIELDS]);
  assertEquals(
    rows,
    records.map((record) => BATCH_EVAL_FIELDS.map((field) => String(record[field] ?? ""))),
  );
  for (const name of ["batch_eval_metrics.json", "batch_eval_metrics.csv"]) {
    const { runs } = await readForeign(join(it.state, name)); // as files of the batch evaluator are read
    assertEquals(runs.map(({ items }) => items.length), Array(8).fill(3));
  }
  assertEquals(await it.run(), [], "a batch that is over does nothing more");
  assertEquals(it.questions(), 24);
});

Deno.test("a slot's runs are run directories of the kind batch", async () => {
  await using it = await rig({ evaluations: 1 }, "2027-01-10T08:00:00Z");
  await it.run();
  const starts = (await eventsIn(join(it.state, "events.jsonl")))
    .filter((each) => each.event === "run_started");
  assertEquals(starts.length, 2);
  for (const { run_id } of starts) {
    const { summary, items } = await readRunDirectory(join(it.folder, "runs", run_id));
    assertEquals([summary.kind, summary.status, summary.benchmark], ["batch", "complete", "small"]);
    assertEquals(summary.tags, ["batch", "small"]);
    assertEquals(items.length, 3);
  }
});

Deno.test("no text in the CSV is a formula to a spreadsheet", async () => {
  await using it = await rig({ evaluations: 1 }, "2027-01-10T08:00:00Z", {
    industries: [{ industry: "=1+1", questions: "questions.json" }],
  });
  await it.run();
  const [, first] = parseCsv(
    "table",
    readFileSync(join(it.state, "batch_eval_metrics.csv"), "utf8"),
  );
  assertEquals(first[1], "'=1+1");
  assertEquals(recordsIn(it.state)[0].industry, "=1+1");
});

Deno.test("late slots are run and missed ones skipped, or as the file says", async () => {
  // 30 minutes behind the second slot: the first is missed, the second late
  const expected: [string, string, string[]][] = [
    ["run_now", "skip", ["1 skipped missed 0", "2 done late 6"]],
    ["run_now", "run_now", ["1 done missed 6", "2 done late 6"]],
    ["skip", "skip", ["1 skipped missed 0", "2 skipped late 0"]],
    ["skip", "run_now", ["1 done missed 6", "2 skipped late 0"]],
  ];
  for (const [on_late, on_missed, first_two] of expected) {
    await using it = await rig({ on_late, on_missed }, "2027-01-10T09:30:00Z");
    const outcomes = await it.run();
    assertEquals(told(outcomes), [...first_two, "3 done on_time 6", "4 done on_time 6"]);
    assertEquals(outcomes[1].late_s, 1800);
    assertEquals(outcomes[0].late_s, 5400);
    const events = await eventsIn(join(it.state, "events.jsonl"));
    const skipped = events.filter(({ event }) => event === "slot_skipped");
    assertEquals(skipped.length, outcomes.filter(({ status }) => status === "skipped").length);
  }
});

Deno.test("a clock that goes forward misses slots, one that goes back repeats none", async () => {
  await using it = await rig({}, "2027-01-10T07:59:00Z");
  it.clock.longest_ms = 600_000;
  let jumped = 0;
  it.clock.onWait = (clock) => {
    const at = new Date(clock.wall_ms).toISOString().slice(11, 16);
    if (at === "08:30" && jumped === 0) {
      jumped = 1;
      clock.wall_ms -= 3 * 3_600_000; // to 05:30: the first slot was run already
    } else if (at === "07:00" && jumped === 1) {
      jumped = 2;
      clock.wall_ms += 4 * 3_600_000; // to 11:00: the second and third are missed
    }
  };
  const outcomes = await it.run();
  assertEquals(jumped, 2);
  assertEquals(told(outcomes), [
    "1 done on_time 6",
    "2 skipped missed 0",
    "3 skipped missed 0",
    "4 done on_time 6",
  ]);
  const jumps = (await eventsIn(join(it.state, "events.jsonl")))
    .filter((each) => each.event === "clock_jumped").map(({ by_s }) => by_s);
  assertEquals(jumps, [-10_800, 14_400]);
  assertEquals(it.said.filter((line) => line.startsWith("the clock went")), [
    "the clock went back by 10800 s: set, or the machine slept",
    "the clock went forward by 14400 s: set, or the machine slept",
  ]);
});

Deno.test("once runs what is due within a minute and leaves the rest", async () => {
  await using it = await rig({}, "2027-01-10T07:58:00Z");
  assertEquals(await it.run({ once: true }), []);
  it.clock.wall_ms = Date.parse("2027-01-10T07:59:10Z");
  assertEquals(told(await it.run({ once: true })), ["1 done on_time 6"]);
  assertEquals(new Date(it.clock.now_ms()).toISOString(), "2027-01-10T08:00:00.000Z");
  assertEquals(await it.run({ once: true }), []);
});

Deno.test("what stopped in a slot goes on there: no question that was answered is asked again", async () => {
  await using it = await rig({ evaluations: 1 }, "2027-01-10T08:00:00Z", { workers: 1 });
  it.mock.configure({ delay_s: 0.2 });
  const stop = new AbortController();
  const stopped = it.run({}, stop.signal);
  while (it.questions() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new CancelledError());
  await assertRejects(() => stopped, CancelledError);
  it.mock.configure({});
  assertEquals(recordsIn(it.state), []);
  it.clock.wall_ms += 60_000;
  assertEquals(told(await it.run()), ["1 done on_time 6"]);
  assertEquals(it.questions(), 7, "only the question that was on its way is asked twice");
  assertEquals(recordsIn(it.state).length, 6);
});

Deno.test("a slot that was begun too long ago keeps the records that it has; retry adds the rest", async () => {
  await using it = await rig({ evaluations: 2 }, "2027-01-10T08:00:00Z", { workers: 1 });
  it.mock.configure({ delay_s: 0.2 });
  const stop = new AbortController();
  const stopped = it.run({}, stop.signal);
  while (it.questions() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new CancelledError());
  await assertRejects(() => stopped, CancelledError);
  it.mock.configure({});
  it.clock.wall_ms = Date.parse("2027-01-10T10:00:00Z"); // the second slot's time
  assertEquals(told(await it.run()), ["1 partial on_time 1", "2 done on_time 6"]);
  assertEquals(recordsIn(it.state).length, 7);
  const tasks = await it.retry(null);
  assertEquals(tasks.map(({ slot, tests }) => [slot, tests?.length]), [[1, 2], [1, 3]]);
  assertEquals(recordsIn(it.state).length, 12);
  assertEquals(await it.retry(null), []);
});

Deno.test("failures are records; retry asks again only what failed, and takes its place", async () => {
  await using it = await rig({ evaluations: 2 }, "2027-01-10T08:00:00Z", { workers: 1 });
  it.mock.configure({ error_mode: "server_error", fault_count: 2 });
  assertEquals((await it.run()).map(({ records, failed }) => [records, failed]), [[6, 2], [6, 0]]);
  const before = recordsIn(it.state);
  for (const record of before.slice(0, 2)) {
    assertEquals(
      [record.success, record.latency_sec, record.coverage_score, record.response_tokens],
      [false, null, null, null],
    );
  }
  const asked = it.questions();
  await it.retry(null);
  assertEquals(it.questions() - asked, 2);
  const after = recordsIn(it.state);
  assertEquals(after.map(({ success }) => success), Array(12).fill(true));
  assertEquals(after.slice(2), before.slice(2), "others stay as they are");
});

Deno.test("whole slots are run again, skipped ones for the first time; others are refused", async () => {
  await using it = await rig({}, "2027-01-10T09:59:00Z");
  const stop = new AbortController();
  await assertRejects(
    () =>
      it.run({ onSlotFinished: ({ slot }) => void (slot.slot === 3 && stop.abort()) }, stop.signal),
    CancelledError,
  );
  assertEquals(recordsIn(it.state).length, 12); // the first was missed
  await it.retry([1, 2]);
  assertEquals(recordsIn(it.state).length, 18);
  const refused: [number, string][] = [[4, "has not come"], [0, "no such slot"], [
    5,
    "no such slot",
  ]];
  for (const [slot, why] of refused) {
    await assertRejects(() => it.retry([slot]), InputError, why);
  }
  assertEquals(told(await it.run()), ["4 done on_time 6"]);
});

Deno.test("a refused key fails its model's records and no other's, and is told nowhere", async () => {
  await using it = await rig({ evaluations: 1 }, "2027-01-10T08:00:00Z");
  const key = "sk-batch-refused-1234";
  const strict = createServer((request, response) => {
    const said = { error: { message: `no such key: ${request.headers.authorization}` } };
    response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify(said));
  });
  await new Promise<void>((resolve) => strict.listen(0, "127.0.0.1", resolve));
  const { port } = strict.address() as AddressInfo;
  const { batch, apis } = await batchOn(it.path, it.mock.url);
  const refusing = `http://127.0.0.1:${port}/v1/chat/completions`;
  const said: string[] = [];
  process.env.BATCH_REFUSED_KEY = key;
  try {
    using session = await openBatch(it.folder, batch, it.clock);
    await runBatch({
      session,
      apis: [{ ...apis[0], endpoint: refusing, api_key_env: "BATCH_REFUSED_KEY" }, apis[1]],
      clock: it.clock,
      out: join(it.folder, "runs"),
      onNotice: (line) => said.push(line),
    }, NEVER);
  } finally {
    delete process.env.BATCH_REFUSED_KEY;
    strict.closeAllConnections();
    await new Promise((resolve) => strict.close(resolve));
  }
  const records = recordsIn(it.state);
  assertEquals(records.map(({ success }) => success), [false, false, false, true, true, true]);
  assert(
    said.some((line) => line.includes("slot 1, vllm mock: authentication failed")),
    said.join(),
  );
  assert(!said.join().includes(key));
  for (const entry of readdirSync(it.folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    assert(!text.includes(key), `${entry.name} holds the key`);
  }
});

Deno.test("a torn or damaged journal costs a line; the files are made anew from the rest", async () => {
  await using it = await rig({ evaluations: 2 }, "2027-01-10T08:00:00Z");
  await it.run();
  const whole = recordsIn(it.state);
  const json = join(it.state, "batch_eval_metrics.json");
  writeFileSync(json, "[{");
  appendFileSync(join(it.state, "events.jsonl"), '{"t":1,"event":"run_fin');
  assertEquals(await it.run(), []);
  assertEquals(recordsIn(it.state), whole);
  assert(!existsSync(`${json}.tmp`));
  assert(readFileSync(join(it.state, "events.jsonl"), "utf8").endsWith("}\n"));
});

Deno.test("a batch file that changed what it is refuses to go on; patience may change", async () => {
  await using it = await rig({}, "2027-01-10T07:00:00Z");
  assertEquals(await it.run({ once: true }), []);
  writeBatch(it.folder, { on_missed: "run_now" }, { timeout: 5 });
  assertEquals(await it.run({ once: true }), []);
  writeBatch(it.folder, { evaluations: 5 });
  await assertRejects(() => it.run(), InputError, "give the changed batch another name");
});

Deno.test("a batch whose last slot is missed before it begins refuses, and leaves nothing", async () => {
  await using it = await rig({}, "2027-01-10T12:00:00Z");
  await assertRejects(() => it.run(), InputError, "every slot is missed already");
  assert(!existsSync(join(it.state, "events.jsonl")) && !existsSync(join(it.state, "batch.lock")));
});
