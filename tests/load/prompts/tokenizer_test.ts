/** The tokenizer against known tokens, and on text that could trip it. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { loadTokenizer, openTokenizer } from "../../../lib/load/prompts/tokenizer.ts";
import { seededRandom } from "../../../lib/stats/random.ts";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { settleApi } from "../../../lib/endpoint/api.ts";
import { EndpointClient } from "../../../lib/endpoint/client.ts";
import { openTransport } from "../../../lib/endpoint/open_transport.ts";
import { InputError } from "../../../lib/errors.ts";
import { measureLoad } from "../../../lib/load/run_loads.ts";
import { corpusStock } from "../../../lib/load/prompts/stock.ts";
import { syntheticPrompts } from "../../../lib/load/prompts/synthetic.ts";
import { tokenizedLength } from "../../../lib/load/prompts/template.ts";
import { wordsOfOneToken } from "../../../lib/load/prompts/common_words.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import type { AddressInfo } from "node:net";
import type { LoadSettings } from "../../../lib/settings/load.ts";

Deno.test("known texts have their known tokens, and come back", async () => {
  const tokenizer = await loadTokenizer();
  // OpenAI's cookbook, "How to count tokens with tiktoken", o200k_base.
  assertEquals(tokenizer.encode("antidisestablishmentarianism"), [
    493,
    129901,
    376,
    160388,
    21203,
    2367,
  ]);
  assertEquals(tokenizer.count("2 + 2 = 4"), 7);
  assertEquals(tokenizer.count("お誕生日おめでとう"), 8);
  assertEquals(tokenizer.count(""), 0);
  for (
    const text of ["How many tokens?", "naïve 🤖\n\n\tfn(x) => x²", "\uFEFFa", "a".repeat(5000)]
  ) {
    assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    assertEquals(tokenizer.encode(text).length, tokenizer.count(text));
  }
  assertEquals(tokenizer.count("How many tokens?"), 4);
});

Deno.test("a part of a character shows as such and leaves nothing for later texts", async () => {
  const { decode, encode } = await loadTokenizer();
  const [first, ...rest] = encode("🤖");
  assert(rest.length > 0, "one character of several tokens");
  assertEquals(decode([first]), "\uFFFD");
  assertEquals(decode(encode("a")), "a");
  assertEquals(decode([first, ...rest]), "🤖");
});

Deno.test("special tokens in a text are plain text", async () => {
  const tokenizer = await loadTokenizer();
  const text = "a<|endoftext|>b<|im_start|>";
  assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  assert(tokenizer.count(text) > 8);
});

Deno.test("ids outside the vocabulary are refused", async () => {
  const { decode, vocabulary_size } = await loadTokenizer();
  assertEquals(typeof decode([vocabulary_size - 1]), "string");
  for (const id of [-1, 0.5, vocabulary_size, 199_999]) {
    assertThrows(() => decode([1, id]), RangeError, `token ${id}: expected`);
  }
});

Deno.test("a sample is of whole texts, from all of the vocabulary, by seed", async () => {
  const tokenizer = await loadTokenizer();
  const ids = tokenizer.sample(2000, seededRandom(1));
  assertEquals(tokenizer.sample(2000, seededRandom(1)), ids);
  for (const id of ids) assert(!tokenizer.decode([id]).includes("\uFFFD"), `token ${id}`);
  assert(Math.min(...ids) < 1000 && Math.max(...ids) > tokenizer.vocabulary_size - 1000);
  assert(new Set(ids).size > 1950);
});

Deno.test("one letter over and over, as of a model that does not stop, is counted in linear time", async () => {
  const tokenizer = await loadTokenizer();
  // the package alone, on what it can take in time
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  for (const piece of ["a", "中", "!", " ", "é", "😀", "ab"]) {
    const text = `So ${piece.repeat(3000 / piece.length)}, so`;
    assert(Math.abs(tokenizer.count(text) - countTokens(text)) <= 3, piece);
    assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    assert(tokenizer.count(piece.repeat(200_000)) > 100, piece); // took minutes
  }
  const words = "Plain words, 1234 of them. ".repeat(2000);
  assertEquals(tokenizer.count(words), countTokens(words));
});

const FOLDER = fileURLToPath(new URL("../../fixtures/tokenizers", import.meta.url));
const KINDS = ["bpe", "wordpiece", "unigram"] as const;
const told: { texts: string[]; ids: Record<string, number[][]> } = JSON.parse(
  readFileSync(join(FOLDER, "expected_ids.json"), "utf8"),
);
const fileOf = (kind: string) => join(FOLDER, `${kind}.json`);

for (const kind of KINDS) {
  Deno.test(`${kind}: as many tokens as the reference has, no more for beginning, end or padding`, async () => {
    const { count, name } = await openTokenizer(fileOf(kind));
    assertEquals(told.texts.map(count), told.ids[kind].map(({ length }) => length));
    assertEquals(name, fileOf(kind));
  });

  Deno.test(`${kind}: made-up prompts have exactly the asked tokens, in words and nearly in prose`, async () => {
    const tokenizer = await openTokenizer(fileOf(kind));
    const vocabulary = wordsOfOneToken(tokenizer);
    assert(vocabulary.length >= 20 && vocabulary.length < 400);
    const load = { input: { min: 5, max: 300 }, output: 1, seed: 3, words: 9, vocabulary };
    const words = syntheticPrompts(load);
    const begun = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { prompt, input_tokens } = words.next().value;
      assertEquals(tokenizer.count(prompt), input_tokens);
      begun.add(prompt.split(" ").slice(0, 4).join(" "));
    }
    assertEquals(begun.size, 100);
    const prose = syntheticPrompts({ ...load, stock: corpusStock("prose", tokenizer) });
    for (let i = 0; i < 30; i++) {
      const { prompt, input_tokens } = prose.next().value;
      assert(Math.abs(tokenizer.count(prompt) - input_tokens) <= 3, `${input_tokens}: ${prompt}`);
    }
  });
}

Deno.test("a folder has its tokenizer.json; what is none is refused by name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-tokenizer-"));
  try {
    await assertRejects(() => openTokenizer(folder), InputError, "tokenizer.json: no such file");
    copyFileSync(fileOf("bpe"), join(folder, "tokenizer.json"));
    assertEquals((await openTokenizer(folder)).count("able"), 1);
    const bad = join(folder, "bad.json");
    const refused: [string, string][] = [
      ["{", "JSON"],
      ["{}", 'no "model"'],
      [readFileSync(fileOf("bpe"), "utf8").replace('"normalizer":null', UNHEARD), "Unheard"],
    ];
    for (const [text, message] of refused) {
      writeFileSync(bad, text);
      const error = await assertRejects(() => openTokenizer(bad), InputError, "--tokenizer: ");
      assert(error.message.includes(message), error.message);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const foreign = { name: "x", count: (text: string) => text.length };
  assertThrows(() => wordsOfOneToken(foreign), InputError, "0 of 400 common English words");
});

const UNHEARD = '"normalizer":{"type":"Unheard"}';

/** A server with a chat template, which counts prompts as its tokenizer does, or tells no usage at all. */
async function serve(
  count: (text: string) => number,
  { template, usage, tokenize }: {
    template: number;
    usage: boolean;
    /** Whose way of counting it has besides. */
    tokenize?: "vllm" | "llama.cpp";
  },
) {
  const counts: number[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    if (tokenize !== undefined && request.method === "POST" && !request.url!.startsWith("/v1/")) {
      // as vLLM's protocol and llama.cpp's README ("POST /tokenize", "POST /apply-template") have them
      const { messages, content } = JSON.parse(text);
      const asked: string = messages?.[0].content ?? content ?? "";
      const tokens = Array(count(asked) + (messages ? template : 0)).fill(1);
      const said = request.url === "/apply-template"
        ? { prompt: `${"<s> ".repeat(template)}${asked}` }
        : tokenize === "vllm"
        ? { count: tokens.length, max_model_len: 4096, tokens }
        : { tokens: content === undefined ? [] : Array(asked.split(" ").length).fill(1) };
      return response.end(JSON.stringify(said));
    }
    const [{ content }] = JSON.parse(text || '{"messages":[{"content":""}]}').messages;
    const prompt_tokens = count(content) + template;
    counts.push(prompt_tokens);
    const told = usage ? { usage: { prompt_tokens, completion_tokens: 2 } } : {};
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({
      choices: [{ index: 0, message: { role: "assistant", content: "able age" } }],
      ...told,
    }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    counts,
    endpoint: `http://127.0.0.1:${port}/v1`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function measured(settings: LoadSettings) {
  const out = mkdtempSync(join(tmpdir(), "dyno-tokenizer-"));
  try {
    const { signal } = new AbortController();
    const fixed = { model: "m", stream: false, transport: "portable", sample_rate_hz: 0 } as const;
    const given = { ...fixed, concurrency: 1, requests: 6, ...settings };
    return await measureLoad("lengths", given, { out, signal });
  } finally {
    rmSync(out, { recursive: true });
  }
}

Deno.test("the server counts what --input-tokens asks, its chat template included", async () => {
  for (const kind of [...KINDS, null]) {
    const tokenizer = kind === null ? undefined : fileOf(kind);
    const { count } = await openTokenizer(tokenizer ?? "o200k_base");
    await using server = await serve(count, { template: 11, usage: true });
    const { endpoint } = server;
    const run = await measured({ endpoint, tokenizer, input_tokens: 100, output_tokens: 2 });
    assertEquals(run.records.map(({ prompt_tokens }) => prompt_tokens), Array(6).fill(100));
    const notes = run.results.notes.filter((note) => note.includes("template"));
    assertEquals(notes, [
      "the server adds 11 tokens to each prompt (its chat template): made-up prompts are that much " +
      "shorter, so that its count is the length asked for",
    ]);
    // a trace's lengths are what a server counted then
    const folder = mkdtempSync(join(tmpdir(), "dyno-tokenizer-"));
    try {
      const trace = join(folder, "t.jsonl");
      const rows = [
        { timestamp: 0, input_length: 60, output_length: 2 },
        { timestamp: 1, input_length: 600, output_length: 2, hash_ids: [4, 5] },
      ];
      writeFileSync(trace, rows.map((row) => JSON.stringify(row)).join("\n"));
      const replay = { endpoint, tokenizer, trace, concurrency: undefined, requests: undefined };
      const { records } = await measured(replay);
      assertEquals(records.map(({ prompt_tokens }) => prompt_tokens).sort(), [60, 600]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

Deno.test("a server that tells no usage counts by its tokenizer, if it has one", async () => {
  const { count } = await openTokenizer("o200k_base");
  const notes = async (tokenize: "vllm" | "llama.cpp" | undefined) => {
    await using server = await serve(count, { template: 11, usage: false, tokenize });
    const run = await measured({ endpoint: server.endpoint, input_tokens: 100, output_tokens: 2 });
    assertEquals(server.counts.slice(-6), Array(6).fill(tokenize ? 100 : 111));
    return run.results.notes.filter((note) => note.includes("template"));
  };
  const told =
    "the server adds 11 tokens to each prompt (its chat template): made-up prompts are that " +
    "much shorter, so that its count is the length asked for";
  assertEquals(await notes("vllm"), [told]);
  assertEquals(await notes("llama.cpp"), [told]);
  assertEquals(await notes(undefined), []);
});

Deno.test("the mock's tokenizer counts what its usage says", async () => {
  await using mock = await MockEndpoint.start();
  await using transport = await openTransport({ only: "portable" });
  const { signal } = new AbortController();
  for (const path of ["/v1/chat/completions", "/v1/completions"]) {
    const api = settleApi({ endpoint: mock.url + path, model: "mock" }, () => {});
    const { reply } = await new EndpointClient(api, transport).ask(
      { prompt: "one two three" },
      signal,
    );
    const told = await tokenizedLength("one two three", api, transport, signal);
    assertEquals([told, reply.prompt_tokens], [3, 3]);
  }
});

Deno.test("a template longer than the prompt, and words of several tokens, are told", async () => {
  const { count } = await openTokenizer("o200k_base");
  await using long = await serve(count, { template: 30, usage: true });
  const short = await measured({ endpoint: long.endpoint, input_tokens: 20 });
  const told = short.results.notes.join("\n");
  assert(told.includes("34 tokens by the server's count, where --input-tokens says 20"), told);
  await using double = await serve((text) => 2 * count(text), { template: 5, usage: true });
  const other = await measured({ endpoint: double.endpoint, input_tokens: 20 });
  const notes = other.results.notes.join("\n");
  assert(notes.includes("64 tokens for 32 words of one token each"), notes);
  await using same = await serve(() => 0, { template: 5, usage: true });
  const unknown = (await measured({ endpoint: same.endpoint })).results.notes.join("\n");
  assert(unknown.includes("the server reports 5 prompt tokens for any prompt"), unknown);
});

Deno.test("a tokenizer counts answers where the server tells no usage, and is named", async () => {
  const { count } = await openTokenizer(fileOf("unigram"));
  await using server = await serve(count, { template: 0, usage: false });
  const tokenizer = fileOf("unigram");
  const { records, results } = await measured({ endpoint: server.endpoint, tokenizer });
  assertEquals(records.map((each) => [each.completion_tokens, each.token_source]), [
    ...Array(6).fill([2, "tokenizer"]),
  ]);
  assert(results.notes.some((note) => note.includes(`${tokenizer} counted their tokens`)));
});

Deno.test("an answer of any length and letters is counted: no stack runs out, no word takes hours", async () => {
  for (const kind of KINDS) {
    const { count } = await openTokenizer(fileOf(kind));
    const [one, many] = [count("a b ".repeat(1000)), count("a b ".repeat(100_000))];
    assert(Math.abs(many - 100 * one) <= 100, `${kind}: ${one}, ${many}`);
    count("a".repeat(300_000));
  }
});
