/** Records of batches: read back whoever wrote them, and summed up for the dashboard. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { batchViews, recordsThatFit } from "../../lib/compare/batch_views.ts";
import { batchNames, readBatchRecords } from "../../lib/schedule/read_records.ts";
import { InputError } from "../../lib/errors.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { TimedRecord } from "../../lib/schedule/read_records.ts";

const HOUR_S = 3600;

function record(t_s: number, fields: Partial<TimedRecord> = {}): TimedRecord {
  return {
    t_s,
    timestamp: new Date(t_s * 1000).toISOString(),
    industry: "retail",
    question: "Why?",
    llm_provider: "groq",
    llm_model: "llama3",
    latency_sec: 1,
    throughput_tps: 50,
    success: true,
    coverage_score: 0.5,
    prompt_tokens: 10,
    response_tokens: 20,
    ...fields,
  };
}

/** What a failed request leaves. */
const FAILED = {
  success: false,
  latency_sec: null,
  throughput_tps: null,
  coverage_score: null,
  prompt_tokens: null,
  response_tokens: null,
};

Deno.test("a batch's views are sums of its records; failures are in no latency", () => {
  const records = [
    ...[1, 2, 3, 4].map((latency_sec, i) =>
      record(i * 10, { latency_sec, throughput_tps: 10 * latency_sec, question: `q${i}` })
    ),
    record(50, FAILED),
    record(60, { llm_model: "other", industry: "finance", coverage_score: 1 }),
    record(120, { llm_model: "other", ...FAILED }),
  ];
  const { models, questions, first_s, last_s, bucket_s } = batchViews(records);
  assertEquals([first_s, last_s, bucket_s], [0, 120, 60]);
  const [llama, other] = models;
  assertEquals([llama.model, llama.records, llama.success.value], ["groq/llama3", 5, 0.8]);
  assertAlmostEquals(llama.success.low, 0.3755, 1e-3); // Wilson, 4 of 5
  const { p10, p50, p90, p95, interval } = llama.latency_s!;
  assertEquals([p10, p50, p90, p95, interval], [1, 2, 4, 4, null]);
  assertEquals(llama.throughput_tps!.p50, 20);
  assertEquals([llama.prompt_tokens, llama.response_tokens], [40, 80]);
  assertEquals(llama.coverage.map(({ industry, n, mean }) => [industry, n, mean]), [
    [null, 4, 0.5],
    ["retail", 4, 0.5],
  ]);
  assertEquals(llama.points.map(({ t_s, records }) => [t_s, records]), [[0, 5]]);
  assertEquals([llama.points[0].latency_p50_s, llama.points[0].success.value], [2, 0.8]);
  assertEquals(other.points.map(({ t_s, latency_p50_s }) => [t_s, latency_p50_s]), [
    [60, 1],
    [120, null],
  ]);
  assertEquals(
    questions.map((each) => [each.question, each.industry, each.answered, each.coverage]),
    [
      ...[0, 1, 2, 3].map((i) => [`q${i}`, "retail", 1, 0.5]),
      ["Why?", "finance", 1, 1],
      ["Why?", "retail", 0, null], // nobody answered it
    ],
  );
  const [both] = batchViews([
    record(0, { coverage_score: 0.75, latency_sec: 3 }),
    record(1, { coverage_score: 0.25, llm_model: "other" }),
  ]).questions;
  assertEquals([both.coverage, both.latency_p50_s, both.lowest], [
    0.5,
    1, // the lower of two, as everywhere
    { model: "groq/other", coverage: 0.25 },
  ]);
  const covered = (scores: number[]) =>
    batchViews(scores.map((coverage_score, i) => record(i, { coverage_score, question: `q${i}` })))
      .models[0].coverage[0];
  const two = covered([0, 1]);
  assertEquals([two.mean, two.interval, two.no_interval], [0.5, null, "too few questions"]);
  assertEquals(covered(Array(8).fill(0.5)).no_interval, "all alike");
  const near = covered([1, 1, 1, 1, 1, 1, 0.2]).interval!; // Student's t would end at 1.165
  assertAlmostEquals(near.low, 0.606, 1e-3);
  assertEquals(near.high, 1);
  assertEquals(batchViews([]), {
    records: 0,
    bucket_s: 60,
    first_s: null,
    last_s: null,
    models: [],
    questions: [],
    questions_left: 0,
  });
});

Deno.test("filters hold together, times from the first to before the last", () => {
  const records = [0, 1, 2, 3].map((hour) =>
    record(hour * HOUR_S, {
      industry: hour % 2 ? "finance" : "retail",
      llm_model: hour < 2 ? "a" : "b",
    })
  );
  const fit = (filter: Parameters<typeof recordsThatFit>[1]) =>
    recordsThatFit(records, filter).map(({ t_s }) => t_s / HOUR_S);
  assertEquals(fit({}), [0, 1, 2, 3]);
  assertEquals(fit({ since: HOUR_S, until: 3 * HOUR_S }), [1, 2]);
  assertEquals(fit({ model: "groq/b" }), [2, 3]);
  assertEquals(fit({ model: "groq/b", industry: "finance" }), [3]);
  assertEquals(fit({ model: "b" }), []);
});

Deno.test("property: points over time hold every record, and are never too many to see", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 60; round++) {
    const span_s = 10 ** (1 + 7 * random());
    const records = Array.from(
      { length: 1 + Math.floor(300 * random()) },
      () => record(1.7e9 + span_s * random(), random() < 0.2 ? FAILED : {}),
    ).sort((a, b) => a.t_s - b.t_s);
    const [{ points, success }] = batchViews(records).models;
    assert(points.length <= 101, `${points.length} points over ${span_s} s`);
    assertEquals(points.reduce((sum, point) => sum + point.records, 0), records.length);
    const answered = points.reduce((sum, point) => sum + point.success.value * point.records, 0);
    assertAlmostEquals(answered, success.value * records.length, 1e-6);
  }
});

Deno.test("records of another program are read, and read again when they change", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "theirs", "batch_eval_metrics.json");
  mkdirSync(join(folder.path, "theirs"));
  mkdirSync(join(folder.path, "empty"));
  const theirs = {
    timestamp: "2024-01-15T10:30:00Z",
    industry: "retail",
    question: "Which product category generates the highest revenue?",
    llm_provider: "groq",
    llm_model: "llama3-70b-8192",
    latency_sec: 2.34,
    throughput_tps: 45.2,
    success: true,
    coverage_score: 0.78,
    prompt_tokens: 150,
    response_tokens: 200,
  };
  const odd = [null, 7, {}, { ...theirs, timestamp: "soon" }, { ...theirs, success: "yes" }];
  writeFileSync(path, JSON.stringify([{ ...theirs, latency_sec: "slow" }, ...odd, theirs]));
  assertEquals(batchNames(folder.path), ["theirs"]);
  assertEquals(batchNames(join(folder.path, "none")), []);
  const { records, left_out } = readBatchRecords(folder.path, "theirs")!;
  assertEquals(records.map(({ latency_sec }) => latency_sec), [null, 2.34]);
  assertEquals([records[1].t_s, left_out], [Date.parse(theirs.timestamp) / 1000, 5]);
  writeFileSync(path, "[");
  utimesSync(path, 1, 1);
  assertThrows(() => readBatchRecords(folder.path, "theirs"), InputError, "cannot be read");
  writeFileSync(path, "{}");
  assertThrows(() => readBatchRecords(folder.path, "theirs"), InputError, "a list of records");
  assertEquals(readBatchRecords(folder.path, "none"), null);
});
