/** Tests of several turns and with functions: an endpoint of our own that plays a script, and the mock. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { InputError } from "../../lib/errors.ts";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { readResults } from "../../lib/suite/resume.ts";
import { runSuite } from "../../lib/suite/run_suite.ts";
import { runOnMock, suiteFrom, temporaryFolder } from "./fixture.ts";
import type { Answer } from "../../lib/suite/evaluator.ts";
import type { LoadedSuite } from "../../lib/settings/load_suite.ts";

// deno-lint-ignore no-explicit-any
type Body = any;

/** An endpoint whose model answers as `play` says, whole; what it was asked is kept. */
async function played(suite: LoadedSuite, out: string, play: (body: Body) => object) {
  const bodies: Body[] = [];
  await using server = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
    if (request.method === "GET") return Response.json({ data: [{ id: "m" }] });
    const body = await request.json();
    bodies.push(body);
    const message = { role: "assistant", content: null, ...play(body) };
    return Response.json({
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage: { prompt_tokens: 10, completion_tokens: 2 },
    });
  });
  await using transport = await openTransport();
  const endpoint = `http://127.0.0.1:${server.addr.port}/v1`;
  const api = await configureApi({ endpoint, model: "m", stream: false }, transport, () => {});
  const run = await runSuite({ suite, api, transport, out, sample_rate_hz: 0 });
  return { run, bodies, test: (await readResults(run.directory))[0] };
}

const call = (name: string, given: object, id?: string) => ({
  tool_calls: [{
    ...(id ? { id } : {}),
    type: "function",
    function: { name, arguments: JSON.stringify(given) },
  }],
});

const contains = (expected: string) => ({ name: "contains", expected });

Deno.test("turns: each answer is judged by its own evaluator, and the model sees all that was said", async () => {
  using folder = temporaryFolder();
  const suite = suiteFrom([{
    id: "t",
    name: "t",
    category: "c",
    messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "I am Mara." }],
    evaluator: contains("Mara"),
    turns: [
      { prompt: "Who am I?", evaluator: contains("Mara") },
      { prompt: "And who are you?" },
      { prompt: "Bye", evaluator: contains("farewell") },
    ],
  }]);
  const { run, bodies, test } = await played(suite, folder.path, ({ messages }) => ({
    content: messages.length > 5 ? "Bye" : `Hello Mara ${messages.length}`,
  }));
  assertEquals(bodies.map(({ messages }) => messages.length), [2, 4, 6, 8]);
  assertEquals(bodies[3].messages[2], { role: "assistant", content: "Hello Mara 2" });
  assertEquals(bodies[3].messages[7], { role: "user", content: "Bye" });
  assertEquals(run.results.items[0].score, { targets: 3, created_hits: 2, hit_rate: 2 / 3 });
  assertEquals([test.prompt_tokens, test.completion_tokens, test.attempts], [40, 8, 4]);
  assertEquals(test.conversation!.length, 9);
  assertEquals(run.results.ledger.total.requests, 4);
});

Deno.test("functions: the table and the program answer, what does not fit is told to the model", async () => {
  using folder = temporaryFolder();
  const suite = suiteFrom([{
    id: "t",
    name: "t",
    category: "c",
    prompt: "Weather?",
    functions: [
      {
        name: "weather",
        results: [
          { arguments: { city: "Oslo" }, result: { rain: true } },
          { arguments: { city: "Rome" }, result: "sun" },
        ],
      },
      { name: "echo", command: ["cat"] },
      { name: "broken", command: ["false"] },
    ],
    evaluator: {
      name: "all",
      evaluators: [
        contains("done"),
        {
          name: "tool_calls",
          ordered: true,
          allow_more: true,
          expected: [
            { name: "weather", arguments: { city: "Oslo" } },
            { name: "echo" },
          ],
        },
      ],
    },
  }]);
  const script = [
    call("weather", { city: "Oslo" }, "a"),
    call("weather", { city: "Bern" }),
    call("echo", { x: 1 }),
    call("broken", {}),
    call("nothing", {}),
    { content: "done" },
  ];
  const { run, bodies } = await played(
    suite,
    folder.path,
    ({ messages }) => script[messages.filter(({ role }: Body) => role === "assistant").length],
  );
  const results = bodies.at(-1).messages.filter(({ role }: Body) => role === "tool");
  assertEquals(results.slice(0, 3).map(({ content }: Body) => content), [
    '{"rain":true}',
    "error: no result for these arguments",
    '{"x":1}',
  ]);
  assertMatch(results[3].content, /^error: false: exit code 1/);
  assertEquals(results[4].content, 'error: there is no function "nothing"');
  assertEquals(results[0].tool_call_id, "a");
  assert(results.every(({ tool_call_id }: Body) => typeof tool_call_id === "string"));
  assertEquals(bodies[0].tools.map((tool: Body) => tool.function.name), [
    "weather",
    "echo",
    "broken",
  ]);
  assertEquals(run.results.items[0].passed, true, JSON.stringify(run.results.items[0]));
});

Deno.test("a model that calls without end is stopped by rounds, by tokens and by time", async () => {
  using folder = temporaryFolder();
  const stopped = async (limits: object) => {
    const suite = suiteFrom([{
      id: "t",
      name: "t",
      category: "c",
      prompt: "Go",
      limits,
      functions: [{ name: "f", results: [{ result: "again" }] }],
      evaluator: contains("done"),
    }]);
    const { test, bodies } = await played(suite, folder.path, () => call("f", {}, "a"));
    const judged = test.evaluation_result as { passed: boolean; detail: string };
    assertEquals(judged.passed, false);
    return [bodies.length, judged.detail];
  };
  assertEquals(await stopped({ rounds: 2 }), [
    3,
    "no answer: the model called functions more than 2 times in a row",
  ]);
  assertEquals(await stopped({ tokens: 20 }), [2, "no answer: it took more than 20 tokens"]);
  assertEquals((await stopped({ time_s: 1e-6 }))[0], 1);
});

Deno.test("images, sound and files go by their path, from the suite's folder alone", async () => {
  using folder = temporaryFolder();
  writeFileSync(`${folder.path}/cat.png`, "png bytes");
  writeFileSync(`${folder.path}/say.wav`, "wav bytes");
  writeFileSync(`${folder.path}/note.pdf`, "pdf bytes");
  const suite = (...content: object[]) => ({
    ...suiteFrom([{ id: "t", name: "t", category: "c", messages: [{ role: "user", content }] }]),
    directory: folder.path,
  });
  await using mock = await MockEndpoint.start();
  const base64 = (text: string) => btoa(text);
  const given = suite(
    { type: "text", text: "What is it?" },
    { type: "image", path: "cat.png" },
    { type: "audio", path: "say.wav" },
    { type: "file", path: "note.pdf" },
  );
  await runOnMock(mock, { out: folder.path, suite: given });
  const { body } = mock.requests.find(({ method }) => method === "POST")!;
  assertEquals((body as Body).messages[0].content, [
    { type: "text", text: "What is it?" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${base64("png bytes")}` } },
    { type: "input_audio", input_audio: { data: base64("wav bytes"), format: "wav" } },
    {
      type: "file",
      file: {
        filename: "note.pdf",
        file_data: `data:application/pdf;base64,${base64("pdf bytes")}`,
      },
    },
  ]);
  const fails = (part: object, message: string) =>
    assertRejects(
      () => runOnMock(mock, { out: folder.path, suite: suite(part) }),
      InputError,
      message,
    );
  await fails({ type: "image", path: "dog.png" }, "tests[0].messages[0].content[0]: path:");
  await fails(
    { type: "image", path: "say.wav" },
    '"say.wav" is not a file of type image; expected .png',
  );
  await fails({ type: "file", path: "/etc/hosts.txt" }, "/etc/hosts.txt");
  Deno.symlinkSync("/etc/passwd", `${folder.path}/p.txt`);
  await fails({ type: "file", path: "p.txt" }, "is outside the suite's folder");
});

Deno.test("the evaluator of a turn reads all that was said before its answer", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "Aye" } });
  const read: string[] = [];
  const reader = {
    name: "reader",
    options: { safeParse: () => ({ success: true as const, data: {} }) },
    evaluate: ({ prompt_text }: { prompt_text: string }) => {
      read.push(prompt_text);
      return {
        evaluator: "reader",
        passed: true,
        targets: 1,
        created_hits: 1,
        hit_rate: 1,
        detail: "",
      };
    },
  };
  const evaluator = { name: "reader" };
  const suite = suiteFrom([{
    id: "t",
    name: "t",
    category: "c",
    prompt: "One?",
    evaluator,
    turns: [{ prompt: "Two?", evaluator }],
  }]);
  await runOnMock(mock, { out: folder.path, suite, evaluators: { reader } });
  assertEquals(read, ["One?", "user: One?\nassistant: Aye\nuser: Two?"]);
});

Deno.test("the same over Anthropic's messages and Gemini: calls and results in their own form", async () => {
  const functions = [{
    name: "price",
    description: "of a thing",
    parameters: { type: "object", properties: { thing: { type: "string" } } },
    results: [{ arguments: { thing: "book" }, result: "12 EUR" }],
  }];
  const suite = suiteFrom([{
    id: "t",
    name: "t",
    category: "c",
    prompt: "What is the book?",
    functions,
    evaluator: contains("12 EUR"),
    turns: [{ prompt: "Thank you", evaluator: contains("welcome") }],
  }]);
  // as the two APIs' documentation has a call, its result and an answer
  const forms = {
    "/v1/messages": (body: Body) => {
      const last = body.messages.at(-1).content;
      const [result] = Array.isArray(last) ? last : [];
      const content = last === "What is the book?"
        ? [{ type: "tool_use", id: "toolu_1", name: "price", input: { thing: "book" } }]
        : [{ type: "text", text: result ? `It is ${result.content}` : "You are welcome" }];
      const stop_reason = content[0].type === "tool_use" ? "tool_use" : "end_turn";
      return { content, stop_reason, usage: { input_tokens: 10, output_tokens: 2 } };
    },
    "/v1beta/models/m:generateContent": (body: Body) => {
      const [last] = body.contents.at(-1).parts;
      const result = last.functionResponse?.response.result;
      const part = last.text === "What is the book?"
        ? { functionCall: { name: "price", args: { thing: "book" } } }
        : { text: result ? `It is ${result}` : "You are welcome" };
      return {
        candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP" }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2 },
      };
    },
  };
  for (const [path, answer] of Object.entries(forms)) {
    using folder = temporaryFolder();
    const bodies: Body[] = [];
    await using server = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
      if (request.method === "GET") return Response.json({ data: [{ id: "m" }] });
      bodies.push(await request.json());
      return Response.json(answer(bodies.at(-1)));
    });
    await using transport = await openTransport();
    const endpoint = `http://127.0.0.1:${server.addr.port}${path}`;
    const api = await configureApi({ endpoint, model: "m", stream: false }, transport, () => {});
    const run = await runSuite({ suite, api, transport, out: folder.path, sample_rate_hz: 0 });
    assertEquals(run.results.aggregate.passed, 1, JSON.stringify(run.results.items[0]));
    assertEquals(bodies.length, 3);
    const said = bodies[1].messages ?? bodies[1].contents;
    const call = said[1].content?.[0] ?? said[1].parts[0].functionCall;
    assertEquals(call.input ?? call.args, { thing: "book" });
    const back = said[2].content?.[0] ?? said[2].parts[0].functionResponse;
    // a result names its call where calls have ids, and its function where they have none
    assertEquals(back.tool_use_id ?? back.name, call.id ?? "price");
  }
});

Deno.test("the journal hears of more requests of a test at once before they are made", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using folder = temporaryFolder();
  // one model named, asked 3 times at once, then twice
  const jury = {
    name: "jury",
    options: { safeParse: () => ({ success: true as const, data: {} }) },
    models: () => [{ model: "m" }],
    async evaluate({ ask }: Answer) {
      for (const votes of [3, 2]) {
        await Promise.all(
          Array.from({ length: votes }, () => ask!({ model: "m" }, { prompt: "?" })),
        );
      }
      return true;
    },
  };
  const suite = suiteFrom([{
    id: "t",
    name: "t",
    category: "c",
    prompt: "p",
    evaluator: { name: "jury" },
  }]);
  const { directory } = await runOnMock(mock, { out: folder.path, suite, evaluators: { jury } });
  const events = readFileSync(directory.journal, "utf8").trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const names = ["package_started", "package_asks", "evaluator_asked"];
  const told = events.filter(({ event }) => names.includes(event))
    .map(({ event, requests_at_once: n }) => n === undefined ? event : `${event} ${n}`);
  assertEquals(told.slice(0, 4), [
    "package_started",
    "package_asks 2",
    "package_asks 3",
    "evaluator_asked",
  ]);
  assertEquals(told.filter((line) => line.startsWith("package_asks")).length, 2);
});
