/** dyno batch as a user runs it: killed and started again, twice at once, from cron, by hand. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { command } from "../../lib/cli/batch/batch.ts";
import { InputError } from "../../lib/errors.ts";
import { BATCH_EVAL_FIELDS } from "../../lib/formats/batch_eval.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import { parseCsv } from "../../lib/formats/csv.ts";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { printed } from "../run/runs_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { eventsIn, recordsIn, writeBatch } from "./fixture.ts";
import { until } from "../until.ts";

const GOLDEN = fileURLToPath(new URL("../fixtures/batch_plan.txt", import.meta.url));
const SHIPPED = fileURLToPath(
  new URL("../../experiments/batches/retail_finance.json", import.meta.url),
);

/** What is read of a batch's folder is whole, whatever happened to the daemon. */
function checkFiles(folder: string): number {
  const json = join(folder, "batch_eval_metrics.json");
  if (!existsSync(json)) return 0;
  const records = recordsIn(folder);
  assert(Array.isArray(records));
  for (const record of records) assertEquals(Object.keys(record), [...BATCH_EVAL_FIELDS]);
  const csv = join(folder, "batch_eval_metrics.csv");
  if (existsSync(csv)) {
    const [head, ...rows] = parseCsv("table", readFileSync(csv, "utf8"));
    assertEquals(head, [...BATCH_EVAL_FIELDS]);
    assert(rows.every((row) => row.length === BATCH_EVAL_FIELDS.length));
    assert(rows.length <= records.length, "the JSON is written first");
  }
  return records.length;
}

const KILLS = Deno.env.get("DYNO_TEST_LONG") ? 10 : 5;

Deno.test(`a daemon killed at ${KILLS} moments runs every slot once and leaves whole files`, async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  const slots = 12; // one in 0.3 s of rehearsal; what was missed is run
  const file = writeBatch(place.path, { evaluations: slots, period_h: 1, on_missed: "run_now" });
  const args = ["batch", "run", file, "--speedup", "1000", "--endpoint", `${mock.url}/v1`];
  const folder = join(place.path, "batches", "small-rehearsal");
  const random = seededRandom(20_270_110);
  const journal = join(folder, "events.jsonl");
  const size = () => existsSync(journal) ? readFileSync(journal, "utf8").length : 0;
  for (let killed = 0; killed < KILLS; killed++) {
    const running = startDyno(args, { cwd: place.path });
    // a moment between two lines of the journal, or within one slot: by how far it has come
    const goal = size() + 1 + Math.floor(random() * 55_000 / KILLS);
    await until(() => size() >= goal || isOver(journal, slots), running.said);
    await new Promise((resolve) => setTimeout(resolve, random() * 40));
    running.kill("SIGKILL");
    await running.finished;
    checkFiles(folder);
  }
  const last = await dyno(args, { cwd: place.path });
  assertEquals(last.code, 0, last.stderr);
  assertStringIncludes(last.stderr, "all slots are done: 72 of 72 records, 0 without an answer");

  const events = await eventsIn(journal);
  const named = (name: string) => events.filter(({ event }) => event === name);
  for (const name of ["slot_started", "slot_finished"]) {
    assertEquals(
      named(name).map((event) => "slot" in event ? event.slot : null),
      Array.from({ length: slots }, (_, i) => i + 1),
    );
  }
  const [began, ...more] = events.filter((each) => each.event === "batch_started");
  assertEquals(more, []);
  // its clock stands before the first slot, so that what starting takes makes that one not late
  assert(began.rehearsal!.wall_ms > began.t * 1000, JSON.stringify(began));
  const runs = events.filter((each) => each.event === "run_finished").map(({ slot, provider }) =>
    `${slot} ${provider}`
  );
  assertEquals(new Set(runs).size, 2 * slots);
  assertEquals(runs.length, 2 * slots, "no run twice");
  assertEquals(named("run_started").length, 2 * slots, "a run that was begun was gone on with");
  assertEquals(
    readdirSync(join(folder, "runs")).filter((name) => name.startsWith("bench_")).length,
    2 * slots,
  );
  assertEquals(checkFiles(folder), 72);
  const asked = mock.requests.filter(({ path }) => path.includes("completions")).length;
  assert(asked <= 72 + KILLS * 4, `${asked} questions: more than 72 and those that kills cut off`);
});

function isOver(journal: string, slots: number): boolean {
  return existsSync(journal) &&
    readFileSync(journal, "utf8").includes(`"event":"slot_finished","slot":${slots},`);
}

Deno.test("a second daemon refuses, a look from cron does nothing; Ctrl-C stops, the next goes on", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const file = writeBatch(place.path, { evaluations: 3, period_h: 3 });
  const args = ["batch", "run", file, "--speedup", "1", "--endpoint", `${mock.url}/v1`];
  const first = startDyno(args, { cwd: place.path });
  await until(() => first.said().includes("slot 2 of 3 is due"), first.said);
  const second = await dyno(args, { cwd: place.path });
  assertEquals(second.code, 2);
  assertMatch(second.stderr, /batch\.lock: .*in use by process \d+/);
  const look = await dyno([...args, "--once"], { cwd: place.path });
  assertEquals([look.code, look.stderr], [
    0,
    "small: another process is working on it; nothing to do\n",
  ]);
  const status = await dyno(["batch", "status", file, "--rehearsal"], { cwd: place.path });
  assertStringIncludes(status.stdout, "1 of 3 slots are done; a process is working on it");
  assertStringIncludes(status.stdout, "6 of 18 records, 0 without an answer");
  const retry = await dyno(
    ["batch", "retry", file, "--rehearsal", "--endpoint", `${mock.url}/v1`],
    { cwd: place.path },
  );
  assertEquals(retry.code, 2);
  first.kill("SIGINT");
  const { code, stderr } = await first.finished;
  assertEquals(code, 130);
  assertStringIncludes(stderr, "stopped; the same command continues");
  const later = await dyno([...args, "--once"], { cwd: place.path });
  assertEquals(later.code, 0, later.stderr);
  assertStringIncludes(later.stderr, "1 are done");
  assertStringIncludes(
    later.stderr,
    "nothing more is due; slot 2 of 3 is due Sun 2027-01-10 09:00",
  );
});

Deno.test("--once on the clock on the wall runs the slot that is due, with the key of its provider", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const endpoint = `${mock.url}/v1`;
  const models = [{ provider: "mine", model: "mock", endpoint, api_key_env: "BATCH_TEST_KEY" }];
  const now = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19);
  const file = writeBatch(place.path, { evaluations: 2, period_h: 2, start: now }, { models });
  const args = [
    "batch",
    "run",
    file,
    "--once",
    "--json",
    "--key-env",
    `BATCH_TEST_KEY=${mock.url}`,
  ];
  const none = await dyno(args, { cwd: place.path });
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "BATCH_TEST_KEY");
  assert(!existsSync(join(place.path, "batches")), "nothing is begun without its key");
  const dry = await dyno(["batch", "run", file, "--dry-run"], { cwd: place.path });
  assertEquals(
    dry.stdout,
    "slot 1 of 2 would be skipped (missed)\nslot 2 of 2 would be run (on time)\n",
  );
  assert(!existsSync(join(place.path, "batches")), "a dry run writes nothing");

  const secret = "sk-batch-secret-1234";
  const done = await dyno(args, { cwd: place.path, env: { BATCH_TEST_KEY: secret } });
  assertEquals(done.code, 1, done.stderr); // a slot was missed
  assertMatch(done.stderr, /slot 1 of 2 missed by 1 h \d+ min: skipped/);
  assertStringIncludes(done.stderr, "slot 2 of 2 on time: 3 records");
  const lines = done.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ slot, status }) => [slot, status]), [[1, "skipped"], [2, "done"]]);
  const asked = mock.requests.filter(({ path }) => path.includes("completions"));
  assertEquals(
    asked.map(({ headers }) => headers.authorization),
    Array(3).fill(`Bearer ${secret}`),
  );
  for (const entry of readdirSync(place.path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    assert(!text.includes(secret), `${entry.name} holds the key`);
  }
  const listed = await dyno(["runs", "list", "--json"], { cwd: place.path });
  assertEquals(JSON.parse(listed.stdout).map(({ kind }: { kind: string }) => kind), ["batch"]);
});

Deno.test("the plan of the shipped batch", async () => {
  using place = temporaryFolder();
  const { code, stdout } = await dyno(["batch", "plan", SHIPPED], { cwd: place.path });
  assertEquals(code, 0);
  if (process.env.DYNO_GOLDEN === "write" || !existsSync(GOLDEN)) writeFileSync(GOLDEN, stdout);
  assertEquals(stdout, readFileSync(GOLDEN, "utf8"));
  const json = await dyno(["batch", "plan", SHIPPED, "--json"], { cwd: place.path });
  const plan = JSON.parse(json.stdout);
  assertEquals([plan.slots.length, plan.records_per_slot, plan.records_total], [56, 80, 4480]);
  assertEquals(plan.slots[1].due, "2027-03-01T07:51:25.714Z");
  assertEquals(readdirSync(place.path), [], "a plan writes nothing");
});

Deno.test("wrong input is told in one line", async () => {
  using place = temporaryFolder();
  const file = writeBatch(place.path, {}, { models: [{ provider: "grok", model: "m" }] });
  const cases: [string[], string][] = [
    [["run", file], `models[0].provider: "grok" is not known; did you mean "groq"?`],
    [["run", file, "--endpoint", "http://127.0.0.1:1"], "--endpoint: only for rehearsals"],
    [["retry", file], "this batch has not begun; dyno batch run starts it"],
    [["retry", file, "--slots", "3-1"], `--slots: "3-1" is not valid`],
    [
      ["plann", file],
      `"plann" is not known; expected plan, run, status, retry; did you mean "plan"?`,
    ],
  ];
  for (const [args, expected] of cases) {
    const { message } = await assertRejects(() => printed(command, args), InputError, expected);
    assertEquals(message.split("\n").length, 1);
  }
});
