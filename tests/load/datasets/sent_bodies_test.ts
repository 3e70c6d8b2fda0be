/**
 * What each form of datasets makes a load send, told by a real server. Expectations are written by hand from
 * the forms' own descriptions, named at each.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parquetWriteBuffer } from "hyparquet-writer";
import { InputError } from "../../../lib/errors.ts";
import { datasetPrompts } from "../../../lib/load/prompts/prompts.ts";
import { UNKNOWN_ROW } from "../../../lib/load/datasets/row.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { load } from "../fixture.ts";
import type { LoadSettings } from "../../../lib/settings/load.ts";

const lines = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");

/** Sends a file's requests, and gives what came to the server in the order of its coming. */
async function send(name: string, content: string | Uint8Array, more: LoadSettings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "dyno-dataset-"));
  try {
    const path = join(folder, name);
    writeFileSync(path, content);
    await using mock = await MockEndpoint.start({ behaviour: { default_response: "so it is" } });
    using run = await load({
      endpoint: `${mock.url}/v1`,
      transport: "portable",
      concurrency: 1,
      ...("trace" in more ? {} : { prompts: path, requests: 100 }),
      ...more,
      ...("trace" in more ? { trace: path } : {}),
    });
    const posted = mock.requests.filter(({ method }) => method === "POST");
    return {
      bodies: posted.map(({ body }) => body as Record<string, unknown>),
      headers: posted.map(({ headers }) => headers as Record<string, string>),
      notes: run.results.notes.map((note) => note.replace(`${folder}/`, "")),
      records: run.records,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const OURS = { stream: true, stream_options: { include_usage: true } };
const prompts = ({ bodies }: { bodies: Record<string, unknown>[] }) =>
  bodies.map(({ messages }) => (messages as { content: string }[])[0].content);

Deno.test("a batch of OpenAI's form: every field of the body is sent, images and tools too", async () => {
  // OpenAI's guide to its Batch API: each line is a request, whose body is the endpoint's own
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
  const audio = { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } };
  const body = {
    model: "mock",
    messages: [
      { role: "system", content: "Be short." },
      { role: "user", content: [{ type: "text", text: "What is it?" }, image, audio] },
    ],
    temperature: 0.25,
    tools: [{ type: "function", function: { name: "look", parameters: { type: "object" } } }],
    tool_choice: "none",
    max_completion_tokens: 30,
    anything_new: [1],
  };
  const row = { custom_id: "request-1", method: "POST", url: "/v1/chat/completions", body };
  const sent = await send("batch.jsonl", lines(row, { ...row, body: { ...body, seed: 5 } }));
  assertEquals(sent.bodies, [{ ...body, ...OURS }, { ...body, seed: 5, ...OURS }]);
  assertEquals(sent.notes.filter((note) => note.includes("not used")), []);
  const other = { ...row, url: "/v1/embeddings", body: { input: "x" } };
  await assertRejects(() => send("b.jsonl", lines(row, other)), InputError, "b.jsonl:2: url:");
});

Deno.test("what a row says twice, or cannot be followed, is told and does not replace a turn", async () => {
  const messages = [{ role: "user", content: "Not this" }];
  const both = await send(
    "both.jsonl",
    lines({ turns: ["One", "Two"], messages, prompt: "Nor this" }),
  );
  assertEquals(both.bodies.map((body) => body.messages), [
    [{ role: "user", content: "One" }],
    [
      { role: "user", content: "One" },
      { role: "assistant", content: "so it is" },
      { role: "user", content: "Two" },
    ],
  ]);
  assertEquals(both.bodies.map(({ prompt }) => prompt), [undefined, undefined]);
  const asked = { messages: [{ role: "user", content: "Hi" }] };
  const rows = [0, -1, 1.5, "many", null].map((max_tokens) => ({ ...asked, max_tokens }));
  const odd = await send(
    "odd.jsonl",
    lines(...rows, { ...asked, prompt: "x", stream_options: { include_usage: false } }),
  );
  assertEquals(
    odd.bodies.map(({ max_tokens }) => max_tokens),
    rows.map(() => undefined).concat([undefined]),
  );
  const told = [...both.notes, ...odd.notes].join("\n");
  for (
    const words of [
      'beside "turns", "prompt", "messages" and "input" are not used',
      'beside "messages", "prompt" is not used',
      '"stream_options" is not used',
      '"max_tokens" that is not a whole number, at least 1, is not used',
    ]
  ) assertStringIncludes(told, words);
});

Deno.test("a chat log: fields of a body are sent, what else a row has is told", async () => {
  const row = { messages: [{ role: "user", content: "Hi" }], temperature: 0, max_tokens: 4 };
  const sent = await send("log.jsonl", lines({ id: 1, ...row, answer: "Hello", score: 1 }, row));
  const expected = { model: "mock", ...row, ...OURS };
  assertEquals(sent.bodies.map((body) => ({ ...body, model: "mock" })), [expected, expected]);
  assertEquals(sent.notes.slice(0, 2), [
    'log.jsonl (requests): "answer" is not used (1 row)',
    'log.jsonl (requests): "score" is not used (1 row)',
  ]);
  // --model goes before a row's, and says so
  const named = await send("log.jsonl", lines({ ...row, model: "other" }), { model: "mock" });
  assertEquals(named.bodies, [expected]);
  assert(named.notes.some((note) => note.includes('"model" of 1 row')), `${named.notes}`);
});

Deno.test("ShareGPT: the user's words are the turns, the history is the endpoint's own", async () => {
  const say = (from: string, value: string) => ({ from, value });
  const conversations = [
    say("human", "One?"),
    say("gpt", "1"),
    say("human", "Two?"),
    say("gpt", "2"),
  ];
  for (
    const [name, content] of [
      ["sharegpt.json", JSON.stringify([{ id: "a", conversations }])],
      ["sharegpt.jsonl", lines({ id: "a", conversations })],
    ]
  ) {
    const { bodies, notes, headers } = await send(name, content);
    assertEquals(bodies.map(({ messages }) => messages), [
      [{ role: "user", content: "One?" }],
      [
        { role: "user", content: "One?" },
        { role: "assistant", content: "so it is" },
        { role: "user", content: "Two?" },
      ],
    ]);
    assert(notes[0].includes("recorded answers are not sent"), notes[0]);
    const sessions = headers.map((each) => each["x-session-id"]);
    assert(sessions[0] !== undefined && sessions[0] === sessions[1], `${sessions}`);
  }
  const begun = lines({ conversations: [say("system", "Be."), ...conversations] });
  const system = await send("s.jsonl", begun);
  assertEquals((system.bodies[0].messages as unknown[])[0], { role: "system", content: "Be." });
  // the cleaned dump has such rows; vLLM's benchmark and SGLang's leave them out
  const silent = lines({ conversations: [] }, { conversations: [say("gpt", "1")] }, {
    conversations,
  });
  const { bodies, notes } = await send("e.jsonl", silent);
  assertEquals(bodies.length, 2);
  assertStringIncludes(notes.join(), "left out: the user says nothing in it (2 rows)");
  const odd = lines({ conversations: [say("narrator", "x")] });
  await assertRejects(() => send("o.jsonl", odd), InputError, '"from": "narrator"');
});

Deno.test("columns of JSON lines, CSV and Parquet are mapped", async () => {
  const columnData = [
    { name: "question", data: ["Why?", "How?"], type: "STRING" as const },
    { name: "limit", data: [3n, 4n], type: "INT64" as const },
  ];
  const files: [string, string | Uint8Array][] = [
    ["p.parquet", new Uint8Array(parquetWriteBuffer({ columnData }))],
    ["p.jsonl", lines({ question: "Why?", limit: 3 }, { question: "How?", limit: 4 })],
    ["p.csv", "question,limit\nWhy?,3\nHow?,4\n"],
  ];
  for (const [name, content] of files) {
    const sent = await send(name, content, { columns: ["prompt=question", "max_tokens=limit"] });
    assertEquals(prompts(sent), ["Why?", "How?"]);
    assertEquals(sent.bodies.map(({ max_tokens }) => max_tokens), [3, 4]);
    await assertRejects(() => send(name, content), InputError, "--columns prompt=NAME");
    const wrong = { columns: ["prompt=questions"] };
    await assertRejects(() => send(name, content, wrong), InputError, 'there is no "questions"');
  }
});

/** Words that two texts begin with in common. */
function common(a: string, b: string): number {
  const [first, second] = [a.split(" "), b.split(" ")];
  const end = first.findIndex((word, i) => word !== second[i]);
  return end < 0 ? first.length : end;
}

const TRACE: LoadSettings = { trace: "", trace_speed: 1000, model: "mock" };

Deno.test("Mooncake: equal hash_ids are equal blocks of 512 tokens, and no more is shared", async () => {
  const row = { output_length: 2 };
  const sent = await send(
    "m.jsonl",
    lines(
      { ...row, timestamp: 0, input_length: 1500, hash_ids: [7, 8, 9] },
      { ...row, timestamp: 1, input_length: 1300, hash_ids: [7, 8, 10] },
      { ...row, timestamp: 2, input_length: 700, hash_ids: [7, 11] },
      { ...row, timestamp: 3, input_length: 600, hash_ids: [12, 13] },
      { ...row, timestamp: 4, input_length: 1500, hash_ids: [7, 8, 9] },
    ),
    TRACE,
  );
  const texts = prompts(sent);
  assertEquals(texts.map((text) => text.split(" ").length), [1500, 1300, 700, 600, 1500]);
  const [first, ...others] = texts;
  assertEquals(others.map((text) => common(first, text)), [1024, 512, 0, 1500]);
});

Deno.test("Mooncake's blocks: prompts have in common what vLLM's bench gives them", async () => {
  // rows as in the published trace; common prefixes in tokens as TimedTrace of vllm 0.33.0 made them of it
  const rows: [number, number[]][] = [
    [6955, [46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 2353, 2354]],
    [6472, [46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 2366]],
    [1024, [46, 47]],
    [700, [46, 9]],
    [1100, [9, 46, 47]],
  ];
  const told = [
    [6955, 6144, 1024, 512, 0],
    [6144, 6472, 1024, 512, 0],
    [1024, 1024, 1024, 512, 0],
    [512, 512, 512, 700, 0],
    [0, 0, 0, 0, 1100],
  ];
  const trace = rows.map(([input_length, hash_ids], i) => ({
    timestamp: i,
    input_length,
    output_length: 2,
    hash_ids,
  }));
  const untimed = trace.map(({ timestamp: _, ...row }) => row); // as AIPerf takes it too
  for (
    const sent of [
      await send("m.jsonl", lines(...trace), TRACE),
      await send("u.jsonl", lines(...untimed)),
    ]
  ) {
    const texts = prompts(sent);
    assertEquals(texts.map((a) => texts.map((b) => common(a, b))), told);
  }
});

Deno.test("AIPerf's rows of Mooncake's form: texts, messages, payloads, fields of the body", async () => {
  // the kinds of input that MooncakeTrace of aiperf 0.13.0 has
  const hi = [{ role: "user", content: "Hi" }];
  const texts = await send(
    "t.jsonl",
    lines({ text_input: "Hello", output_length: 4, extra: { top_k: 3 } }),
  );
  assertEquals(texts.bodies, [{
    ...OURS,
    model: "mock",
    messages: [{ role: "user", content: "Hello" }],
    max_tokens: 4,
    top_k: 3,
  }]);
  const logged = await send(
    "m.jsonl",
    lines({ timestamp: 0, messages: hi, output_length: 5 }),
    TRACE,
  );
  assertEquals(logged.bodies, [{ ...OURS, model: "mock", messages: hi, max_tokens: 5 }]);
  const whole = lines({ timestamp: 0, payload: { messages: hi, max_tokens: 6, temperature: 0.5 } });
  const payloads = await send("p.jsonl", whole, TRACE);
  assertEquals(payloads.bodies, [
    { ...OURS, model: "mock", messages: hi, max_tokens: 6, temperature: 0.5 },
  ]);
  const turns = lines(
    { session_id: "s", input_length: 8, output_length: 4 },
    { session_id: "s", delay: 2, input_length: 6, output_length: 4 },
  );
  const session = await send("s.jsonl", turns);
  assertEquals(session.records.map(({ session }) => session), ["s", "s"]);
  const [first, second] = session.records;
  assertEquals(Math.round((second.t_intended_ns - first.t_end_ns) / 1e3), 2000); // 2 ms
  assertEquals((session.bodies[1].messages as unknown[]).length, 3);
  assertEquals(session.notes.filter((note) => note.includes("not used")), []);
});

Deno.test("the share that a trace's blocks have in common is what a cache may find", () => {
  const rowOf = (input_tokens: number, ...ids: number[]) => ({
    ...UNKNOWN_ROW,
    input_tokens,
    blocks: { ids, tokens: 512 },
  });
  const use = { name: "", words: 1, recycle: false, warmup: 0, output_tokens: null };
  const shared = (...rows: ReturnType<typeof rowOf>[]) => datasetPrompts(rows, use).shared;
  assertEquals(shared(rowOf(1024, 1, 2), rowOf(600, 1, 3)), 512 / 1624);
  // a block behind one that is new is not found: its text hangs on what comes before
  assertEquals(shared(rowOf(1024, 1, 2), rowOf(1024, 3, 2)), 0);
  assertEquals(shared(rowOf(600, 1, 2), rowOf(600, 1, 2)), 0.5);
});

Deno.test("Bailian: seconds, blocks of 16 tokens, sessions by the parents", async () => {
  const rowOf = (chat_id: number, parent_chat_id: number, turn: number, hash_ids: number[]) => ({
    type: "text",
    chat_id,
    parent_chat_id,
    timestamp: chat_id,
    turn,
    input_length: 16 * hash_ids.length,
    output_length: 2,
    hash_ids,
  });
  const sent = await send(
    "qwen.jsonl",
    lines(
      rowOf(5, -1, 1, [1, 2, 3]),
      rowOf(9, 5, 2, [1, 2, 4, 5]),
      rowOf(11, 9, 3, [1, 6]),
      rowOf(12, -1, 1, [7]),
    ),
    { ...TRACE, session_header: "x-user" },
  );
  const [first, ...others] = prompts(sent);
  assertEquals(others.map((text) => common(first, text)), [32, 16, 0]);
  assertEquals(sent.headers.map((each) => each["x-user"]), ["5", "5", "5", "12"]);
  assertEquals(sent.records.map(({ session }) => session), ["5", "5", "5", "12"]);
  assert(sent.notes.some((note) => note.includes('"type" is not used (4 rows)')), `${sent.notes}`);
});

Deno.test("rows as users of AIPerf, vLLM and GuideLLM have them", async () => {
  const lines_ = await send("p.txt", "Why is it?\r\n\nHow, then?\n", { output_tokens: 3 });
  assertEquals(prompts(lines_), ["Why is it?", "How, then?"]);
  // vLLM's custom data set, GuideLLM's column
  const lengths = await send(
    "l.jsonl",
    lines({ prompt: "a", output_tokens: 5 }, { prompt: "b", output_tokens_count: 6 }),
  );
  assertEquals(lengths.bodies.map(({ max_tokens }) => max_tokens), [5, 6]);
  // AIPerf's single_turn, as its loader's docstring has it
  const url = "https://h/a.png";
  const turns = await send(
    "s.jsonl",
    lines(
      { text: "What is it?", image: url, session_id: "s", output_length: 4, delay: 5 },
      { texts: ["One", "Two"], audio: "wav,UklGRg==", extra: { top_k: 1 } },
    ),
  );
  assertEquals(
    turns.bodies.map(({ messages }) => (messages as { content: unknown }[])[0].content),
    [
      [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url } }],
      [
        { type: "text", text: "One" },
        { type: "text", text: "Two" },
        { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
      ],
    ],
  );
  assertEquals(turns.bodies.map(({ max_tokens, top_k }) => [max_tokens, top_k]), [
    [4, undefined],
    [undefined, 1],
  ]);
  assertEquals(turns.headers[0]["x-session-id"], "s");
  assertStringIncludes(turns.notes[0], '"delay" is not used (1 row)');
  const missing = lines({ text: "Look", image: "cat.png" });
  await assertRejects(() => send("f.jsonl", missing), InputError, "f.jsonl:1: image:");
  const timed = lines({ timestamp: 1000, text: "a" }, { timestamp: 1500, text: "b" });
  assertEquals(prompts(await send("t.jsonl", timed, TRACE)), ["a", "b"]);
});

Deno.test("every request has an id of its own, which the journal has too", async () => {
  const sent = await send("p.jsonl", lines({ prompt: "a" }, { prompt: "b" }));
  const ids = sent.headers.map((each) => each["x-request-id"]);
  assertEquals(new Set(ids).size, 2);
  assertEquals(sent.records.map(({ request_id }) => request_id), ids);
  assertEquals(sent.records.map(({ finish_reason }) => finish_reason), ["stop", "stop"]);
  assert(sent.headers.every((each) => each["x-session-id"] === undefined));
});
