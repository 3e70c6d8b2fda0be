/**
 * What a load's settings and rows ask that a form of API has no place for, by the documentation of each API:
 * it is told by name, or refused before anything is sent.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { load } from "./fixture.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const shape = { concurrency: 1, requests: 1 };

/** The notes on what is not sent. */
async function told(path: string, settings: LoadSettings): Promise<string[]> {
  const { notes } = await planLoad({ endpoint: `http://h${path}`, ...shape, ...settings });
  return notes;
}

async function refused(path: string, settings: LoadSettings, why: string): Promise<void> {
  await assertRejects(() => told(path, settings), InputError, why);
}

Deno.test("settings that a form has no field for are told, those that it has are not", async () => {
  const m = { model: "m" };
  const audio = "1s";
  const cases: [path: string, settings: LoadSettings, notes: string[]][] = [
    ...["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/completion"]
      .map((path): [string, LoadSettings, string[]] => [path, { output_tokens: 5 }, []]),
    ["/generate", { output_tokens: 5, stream: false }, []],
    ["/v2/models/m/generate", { output_tokens: 5 }, []],
    ["/v2/models/m/infer", { ...m, output_tokens: 5 }, []],
    ["/model/m/converse", { output_tokens: 5, body: { top_k: 3 } }, []],
    ["/v1/embeddings", {}, []], // nobody asked for the usual length
    [
      "/v1/embeddings",
      { output_tokens: 5, ignore_eos: true },
      [
        "--output-tokens: not sent: requests of embeddings have no place for it",
        "--ignore-eos: not sent: requests of embeddings have no place for it",
      ],
    ],
    [
      "/v1/audio/speech",
      { output_tokens: 5, body: { voice: "ash" } },
      ["--output-tokens: not sent: requests of speech have no place for it"],
    ],
    [
      "/v1/audio/transcriptions",
      { audio, output_tokens: 5, input_tokens: 9, prefix_share: 0.5 },
      [
        "--output-tokens: not sent: requests of transcription have no place for it",
        "--input-tokens and --prefix-share: not sent: this endpoint takes only sound",
      ],
    ],
    ["/v1/audio/transcriptions", { audio }, []],
    [
      "/v1/chat/completions",
      { output_tokens: 5, body: { max_tokens: 6, stream: false, top_k: 3 } },
      [
        '--output-tokens: not sent: --body has its own "max_tokens"',
        '--body: "stream" is not sent: dyno sets it itself',
      ],
    ],
    [
      "/v1/chat/completions",
      { ...m, body: { model: "n" } },
      ['--body: its "model" n is used, not m'],
    ],
    [
      "/v1/chat/completions",
      { headers: { "X-Request-Id": "1", "x-user": "2" }, session_header: "X-User" },
      ["X-Request-Id", "x-user"].map((name) =>
        `--header ${name}: all requests send this value instead of the journal's`
      ),
    ],
    [
      "/v1/chat/completions",
      { body: { messages: [{ role: "user", content: "Hi" }] } },
      ["prompts: not sent: --body says what is asked: every request has the same text"],
    ],
  ];
  for (const [path, settings, notes] of cases) {
    assertEquals([path, ...await told(path, settings)], [path, ...notes]);
  }
});

Deno.test("what a form cannot ask, or would ask untruly, is refused before anything is sent", async () => {
  const two = ["a=3", "b=1"];
  await refused("/v2/models/a/generate", { model: two }, "the URL names a");
  await refused("/v1beta/models/a:generateContent", { model: two }, "the URL names a");
  await refused("/model/a/converse", { model: two }, "a and b cannot share this load");
  await refused("/openai/deployments/a/chat/completions", { model: two }, "the URL names a");
  await refused("/generate", { model: two }, "requests of tgi have no place for it");
  await told("/completion", { model: two }); // llama.cpp's router reads it
  await refused("/v1/audio/transcriptions", { audio: "1s", images: "8x8" }, "--images");
  await refused("/v1/audio/transcriptions", { images: "8x8" }, "give --audio");
  await refused("/v1/audio/transcriptions", { audio: "1s", turns: 2 }, "takes one sound");
  await refused("/v1/audio/transcriptions", { audio: "1s", probe_rate: 1 }, "--probe-rate");
  for (const path of ["/v1/completions", "/generate", "/completion", "/v2/models/a/infer"]) {
    await refused(path, { turns: 2 }, "this question has messages");
    await refused(path, { audio: "1s" }, "this question has messages");
  }
  await refused("/v1/messages", { audio: "1s" }, "--audio: a message has a part");
  await refused("/v1/embeddings", { turns: 2 }, "--turns: ");
  await refused("/v1/chat/completions", { input_tokens: 1 }, "--input-tokens: 1; expected");
  await refused("/generate", { ignore_eos: true }, "ignore_eos");
  await refused("/v1/realtime", {}, "the Realtime API, over WebSocket");
  await assertRejects(
    () => planLoad({ ...shape, endpoint: "wss://h/v1/realtime" }),
    InputError,
    "the Realtime API",
  );
  await refused("/v1/embeddings", { slo: ["ttft:5"] }, "no ttft");
  await refused("/v2/models/a/infer", { probe_rate: 1 }, "no ttft");
});

Deno.test("rows: a model, fields and texts that are not sent are told with their count", async () => {
  using folder = temporaryFolder();
  const prompts = join(folder.path, "rows.jsonl");
  const write = (...rows: unknown[]) =>
    writeFileSync(prompts, rows.map((row) => JSON.stringify(row)).join("\n"));
  const notes = async (path: string, settings: LoadSettings = {}) =>
    (await told(path, { prompts, ...settings })).map((note) => note.replace(`${prompts}: `, ""));

  write({ prompt: "Hi", model: "x", max_tokens: 3 }, { prompt: "Hi", model: "y" }, {
    prompt: "Hi",
  });
  assertEquals(await notes("/v1/chat/completions"), []);
  assertEquals(await notes("/v2/models/x/generate"), [
    '"model" of 1 row is not sent: the URL names x',
  ]);
  assertEquals(await notes("/generate"), [
    '"model" of 2 rows is not sent: requests of tgi have no place for it',
  ]);
  assertEquals(await notes("/v1/images/generations"), [
    "the answers' lengths in 1 row: not sent: requests of images have no place for it",
  ]);
  write({ session_id: "s", turns: [{ text: "Hi", extra: { stream: false, top_k: 3 } }] });
  assertEquals(await notes("/v1/chat/completions", { output_tokens: 4 }), [
    '"stream" of 1 row is not sent: dyno sets it itself',
  ]);
  const input_audio = { data: "UklGRg==", format: "wav" };
  const sound = { type: "input_audio", input_audio };
  write({ messages: [{ role: "user", content: [{ type: "text", text: "Who speaks?" }, sound] }] });
  assertEquals(await notes("/v1/audio/transcriptions"), [
    "the texts of 1 row: not sent: this endpoint takes only sound",
  ]);
  write({ messages: [{ role: "user", content: [sound, sound] }] });
  await refused("/v1/audio/transcriptions", { prompts }, "this question has 2");
  write({ prompt: "Hi" }, { prompt: "Hi", tools: [{ type: "function" }] });
  await refused("/generate", { prompts }, `${prompts}: parameters: TGI's /generate has no "tools"`);
});

Deno.test("a request template: what has no place in it is told by its place's name", async () => {
  using folder = temporaryFolder();
  const request_template = join(folder.path, "template.json");
  const prompts = join(folder.path, "rows.jsonl");
  const write = (body: unknown, more = {}) =>
    writeFileSync(request_template, JSON.stringify({ body, answer: { text: "t" }, ...more }));
  const notes = (settings: LoadSettings) => told("/x", { request_template, ...settings });
  const m = { model: "m" };

  write({ q: "{{prompt}}" }, { event: { text: "t" } });
  assertEquals(await notes({ ...m, output_tokens: 5, stream: false }), [
    "--output-tokens: not sent: the template has no {{max_tokens}}",
    "--model m: not sent: the template has no {{model}}",
    "--no-stream: not sent: the template has no {{stream}}",
  ]);
  await refused("/x", { request_template, model: ["a", "b"] }, "the template has no {{model}}");
  await refused("/x", { request_template, turns: 2 }, "use {{messages}}");
  await refused("/x", { request_template, images: "8x8" }, "use {{messages}}");
  writeFileSync(prompts, '{"prompt": "Hi", "temperature": 1, "model": "x"}\n');
  assertEquals(await notes({ prompts }), [
    `${prompts}: "model" of 1 row is not sent: the template has no {{model}}`,
    '--request-template: "temperature" of requests: sent at the top of the body, as the template names no place',
  ]);
  write({ q: "What is it?", of: "{{model}}" });
  assertEquals(await notes({ ...m, input_tokens: 9 }), [
    "--input-tokens: not sent: the template has no {{prompt}} or {{messages}}: every request has the same text",
  ]);
  await refused("/x", { request_template, slo: ["ttft:5"] }, "no ttft"); // it has no "event"

  // rows with a payload are bodies as they are
  write(undefined, { event: { text: "t" } });
  writeFileSync(
    prompts,
    '{"payload": {"prompt": "Hi", "model": "x", "max_tokens": 3, "stream": false}}\n',
  );
  const whole = "not sent: payloads are sent as they are";
  assertEquals(await notes({ prompts, ...m, output_tokens: 5, stream: false }), [
    `--output-tokens: ${whole}`,
    `--model m: ${whole}`,
    `--no-stream: ${whole}`,
  ]);
  assertEquals(await notes({ prompts, model: "x" }), []);
});

Deno.test("a template's {{model}} is each request's own, wherever it stands", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  const request_template = join(folder.path, "template.json");
  writeFileSync(
    request_template,
    JSON.stringify({
      body: { prompt: "{{prompt}}", options: { of: "{{model}}" } },
      answer: { text: "choices[0].text" },
    }),
  );
  using run = await load({
    endpoint: `${mock.url}/v1/completions`,
    request_template,
    model: ["a=3", "b=1"],
    concurrency: 1,
    requests: 4,
  });
  const asked = mock.requests.filter(({ method }) => method === "POST")
    .map(({ body }) => (body as { options: { of: string } }).options.of);
  assertEquals(asked.toSorted(), ["a", "a", "a", "b"]);
  assertEquals(run.records.map(({ model }) => model).toSorted(), asked.toSorted());
  assertEquals(run.results.models!.map(({ requests }) => requests.successful), [3, 1]);
});
