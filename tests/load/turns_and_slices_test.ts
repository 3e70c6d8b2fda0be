/** Figures by turn, and a load in slices of time: of records whose figures are counted by hand. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { requestRows, sliceRows } from "../../lib/compare/export_rows.ts";
import { InputError } from "../../lib/errors.ts";
import { figuresByTurn } from "../../lib/load/by_turn.ts";
import { slicesOf } from "../../lib/load/slices.ts";
import { sliceTable } from "../../lib/report/load/time_tables.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load, record } from "./fixture.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";
import type { IndexedRun } from "../../lib/run/index.ts";

Deno.test("first turns beside later ones, of conversations and of a trace's sessions", () => {
  const usage = (cached_tokens: number) => ({ usage_details: { cached_tokens } });
  const records = [
    record({ at_ms: 0, ttft_ms: 100, conversation: 1, turn: 0, prompt_tokens: 100, ...usage(0) }),
    record({
      at_ms: 500,
      ttft_ms: 20,
      conversation: 1,
      turn: 1,
      prompt_tokens: 200,
      ...usage(160),
    }),
    // a trace's: requests of their own; they ended in another order than they came
    record({ at_ms: 300, ttft_ms: 30, session: "a", prompt_tokens: 300, ...usage(240) }),
    record({ at_ms: 100, ttft_ms: 80, session: "a", prompt_tokens: 200, ...usage(0) }),
    record({ at_ms: 600, session: "a", failure: "http_5xx" }),
    record({ at_ms: 700, ttft_ms: 900 }), // of no session
  ];
  const [first, later] = figuresByTurn(records)!;
  assertEquals([first.turn, first.requests, first.answered], ["first", 2, 2]);
  assertEquals([later.turn, later.requests, later.answered], ["later", 3, 2]);
  assertEquals([first.ttft_ms!.mean, later.ttft_ms!.mean], [90, 25]);
  assertEquals([first.cached_share, later.cached_share], [0, 0.8]);
  assertEquals([first.prompt_tokens_mean, later.prompt_tokens_mean], [150, 250]);
  assertEquals(figuresByTurn([record({ at_ms: 0, session: "a" })]), null);
  const untold = [0, 1].map((turn) => record({ at_ms: turn, conversation: 1, turn }));
  assertEquals(figuresByTurn(untold)![1].cached_share, null);
});

Deno.test("a load of conversations tells later turns and what a cache gave them", async () => {
  await using mock = await MockEndpoint.start({ prefix_cache_blocks: 100_000 });
  using run = await load({
    endpoint: `${mock.url}/v1`,
    model: "mock",
    concurrency: 2,
    requests: 4,
    turns: 3,
    input_tokens: 64,
  });
  const [first, later] = run.results.turns!;
  assertEquals([first.answered, later.answered], [4, 8]);
  // vLLM's blocks of 16 tokens: all but the newest words of a later prompt are known
  assert(first.cached_share! < 0.3 && later.cached_share! > 0.4, `${later.cached_share}`);
  const headers = mock.requests.filter(({ method }) => method === "POST")
    .map(({ headers }) => (headers as Record<string, string>)["x-session-id"]);
  assertEquals(new Set(headers).size, 4);
});

Deno.test("slices count what happened in each", () => {
  const records = [
    // 11 tokens: the first after 100 ms, then each 90 ms, the last after 1,000
    record({ at_ms: 0, ttft_ms: 100, e2e_ms: 1000 }),
    record({ at_ms: 600, ttft_ms: 100, e2e_ms: 1000 }),
    record({ at_ms: 700, ttft_ms: 100, e2e_ms: 200, failure: "http_5xx" }),
    record({ at_ms: -5000, warmup: true }),
  ];
  const slices = slicesOf(records, () => new Float32Array(10).fill(90), 1.2);
  assertEquals(slices.map(({ start_s }) => start_s), [0, 1.2]);
  assertAlmostEquals(slices[1].duration_s, 0.4, 1e-9);
  assertEquals(slices.map(({ sent, answered, failed }) => [sent, answered, failed]), [
    [3, 1, 1],
    [0, 1, 0],
  ]);
  // of the second answer the tokens at 700, 790, … 1,150 ms, 6 of 11, are in the first slice
  assertAlmostEquals(slices[0].output_tokens_per_s!, (11 + 6) / 1.2, 1e-6);
  assertAlmostEquals(slices[1].output_tokens_per_s!, 5 / 0.4, 1e-6);
  assertAlmostEquals(slices[0].in_flight, (1000 + 600 + 200) / 1200, 1e-6);
  assertEquals([slices[0].ttft_p50_ms, slices[1].e2e_p99_ms], [100, 1000]);
  const untold = [record({ at_ms: 0, completion_tokens: null })];
  assertEquals(slicesOf(untold, () => new Float32Array(), 1)[0].output_tokens_per_s, null);
  assertEquals(slicesOf([], () => new Float32Array(), 1), []);
});

Deno.test("sound and images of requests and slices are columns, unknown where nobody told them", async () => {
  await using mock = await MockEndpoint.start();
  const common = { model: "mock", concurrency: 1, requests: 2, input_tokens: 20 };
  const rowsOf = async (path: string, more: LoadSettings = {}) => {
    using run = await load({ ...common, endpoint: mock.url + path, ...more });
    const { run_id, directory: { path: folder } } = run;
    const indexed = { kind: "load", source_form: "dyno", run_id, path: folder } as IndexedRun;
    const [request] = [...(await requestRows([indexed])).rows];
    const { rows: [slice], columns } = await sliceRows([indexed], 1000);
    assertEquals(Object.keys(slice), columns.map(({ name }) => name));
    const over_s = Number(slice.duration_s);
    const sums = [slice.audio_s_per_s, slice.images_per_s]
      .map((rate) => rate === null ? null : Math.round(Number(rate) * over_s * 1e6) / 1e6);
    return [[request.audio_s, request.images, request.media_bytes], sums];
  };
  // as tests/load/forms_test.ts has it: a second of speech is 8,000 bytes behind a head of 44
  assertEquals(await rowsOf("/v1/audio/speech"), [[1, null, 8044], [2, null]]);
  const [[, images, bytes], sums] = await rowsOf("/v1/images/generations", { body: { n: 3 } });
  assertEquals([images, sums], [3, [null, 6]]);
  assert(Number(bytes) > 0);
  assertEquals(await rowsOf("/v1/chat/completions"), [[null, null, null], [null, null]]);
});

Deno.test("the report's slices have sound and images where a load has any", () => {
  const media = { audio_s: 2, images: 1 };
  const table = (more: Partial<RequestRecord>) =>
    sliceTable(
      [0, 1, 2].map((i) => record({ at_ms: i * 2000, ...more })),
      () => new Float32Array(),
    )!;
  assertEquals(["s/s", "images/s"].map((unit) => table({ media }).includes(`>${unit}<`)), [
    true,
    true,
  ]);
  assertEquals(["s/s", "images/s"].map((unit) => table({}).includes(`>${unit}<`)), [false, false]);
});

Deno.test("a load's requests and slices as rows, which a recount of its journal gives too", async () => {
  const behaviour = { default_response: "one two three", tokens_per_second: 500 };
  await using mock = await MockEndpoint.start({ behaviour });
  using run = await load({ endpoint: mock.url, model: "mock", concurrency: 2, requests: 10 });
  const indexed = {
    kind: "load",
    source_form: "dyno",
    run_id: run.run_id,
    path: run.directory.path,
  } as IndexedRun;
  const { columns, ...requests } = await requestRows([indexed]);
  const rows = [...requests.rows];
  assertEquals(rows.map(({ request }) => request), Array.from({ length: 10 }, (_, i) => i));
  const journal = (await Deno.readTextFile(run.directory.journal)).trim().split("\n")
    .map((line) => JSON.parse(line)).filter(({ event }) => event === "request_finished");
  for (const { result } of journal) {
    const row = rows[result.request];
    assertEquals([row.request_id, row.finish_reason], [result.request_id, "stop"]);
    assertAlmostEquals(Number(row.e2e_ms), (result.t_end_ns - result.t_sent_ns) / 1e6, 1e-9);
  }
  const names = new Set(columns.map(({ name }) => name));
  assertEquals(Object.keys(rows[0]).filter((name) => !names.has(name)), []);
  const slices = await sliceRows([indexed], 0.005);
  const sum = (of: (row: typeof slices.rows[number]) => number) =>
    slices.rows.reduce((total, row) => total + of(row), 0);
  assertEquals([sum((row) => Number(row.sent)), sum((row) => Number(row.answered))], [10, 10]);
  assertAlmostEquals(sum((r) => Number(r.output_tokens_per_s) * Number(r.duration_s)), 30, 1e-6);
  await assertRejects(
    () => requestRows([{ ...indexed, kind: "suite" } as IndexedRun]),
    InputError,
    "expected a load",
  );
});
