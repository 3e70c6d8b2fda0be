/**
 * Prefix caches: a load's prompts are its own, and where a cache answers unasked the verdict says so.
 * The cache is the mock's, which follows vLLM's rules of blocks; its own log and counters tell what was
 * sent and found.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { cacheText, cacheUse, isInflated } from "../../lib/load/cache_use.ts";
import { compareLoads } from "../../lib/compare/compare_load.ts";
import { readLoadSample } from "../../lib/compare/load_sample.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load, record } from "./fixture.ts";
import type { LoadRun } from "../../lib/load/conclude_run.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const PREFILL = { prefill_tokens_per_second: 4000, default_response: "one two three" };

function cachingMock(): Promise<MockEndpoint> {
  return MockEndpoint.start({ prefix_cache_blocks: 100_000, behaviour: PREFILL });
}

const settingsFor = (mock: MockEndpoint, more: LoadSettings = {}): LoadSettings => ({
  endpoint: `${mock.url}/v1`,
  model: "mock",
  concurrency: 4,
  requests: 40,
  input_tokens: 128,
  output_tokens: 8,
  transport: "portable",
  ...more,
});

/** The prompts that the mock was asked, but for the first short question. */
function asked(mock: MockEndpoint): string[] {
  return mock.requests.flatMap(({ path, body }) => {
    const { messages } = (body ?? {}) as { messages?: { content: string }[] };
    return path === "/v1/chat/completions" && messages ? [messages[0].content] : [];
  });
}

Deno.test("a command that is repeated on a caching server sends other prompts, and finds the same", async () => {
  await using mock = await cachingMock();
  using first = await load(settingsFor(mock));
  using second = await load(settingsFor(mock));
  const prompts = asked(mock);
  assertEquals([prompts.length, new Set(prompts).size], [80, 80]);
  assertEquals(first.results.verdict.verdict === "cached", false);
  assertEquals(second.results.verdict.verdict === "cached", false);
  const samples = await Promise.all(
    [first, second].map(async ({ directory }) =>
      await readLoadSample((await readRunDirectory(directory.path)).summary)
    ),
  );
  const [{ metrics }] = compareLoads(samples);
  const ttft = metrics.find(({ metric }) => metric === "ttft_p50_ms")!;
  // a cache that answered would make it a thirtieth: 128 tokens take 32 ms to be read
  assert(ttft.second > ttft.first / 2, `${ttft.first} -> ${ttft.second} ms`);
});

Deno.test("what a chat template shares is told as that", () => {
  // llama.cpp with SmolLM2 on 2026-11-30: 24 of 90 tokens of each prompt, the template's first
  const use = { share: 24 / 90, from: "usage" as const, asked: 0, prompt_tokens: 90 };
  assertEquals(isInflated(use), false);
  assertStringIncludes(
    cacheText(use),
    "the rest is 24 tokens of each, as a chat template's own words are",
  );
  const inflated = { ...use, share: 0.8 };
  assertEquals([isInflated(inflated), cacheText(inflated).includes("template")], [true, false]);
  assertEquals(cacheText({ ...use, share: 0.5, asked: 0.5 }).includes("template"), false);
});

Deno.test("lengths are those of the seed, whatever the words", async () => {
  await using mock = await cachingMock();
  const lengths: number[][] = [];
  for (let i = 0; i < 2; i++) {
    using run = await load(
      settingsFor(mock, { input_tokens: "16-64", concurrency: 1, requests: 8 }),
    );
    lengths.push(run.records.map(({ prompt_tokens }) => prompt_tokens ?? 0));
  }
  assertEquals(lengths[0], lengths[1]);
  assert(new Set(lengths[0]).size > 3);
});

Deno.test("--prompt-seed sends the same again: the verdict says that the figures are a cache's", async () => {
  await using mock = await cachingMock();
  const settings = settingsFor(mock, { prompt_seed: 5 });
  using first = await load(settings);
  using second = await load(settings);
  const prompts = asked(mock);
  assertEquals(new Set(prompts).size, 40);
  assertEquals(first.results.verdict.verdict === "cached", false);
  const reason = cachedBy(second);
  assert(/^8\d\.\d % of the prompt tokens .*, 0\.0 % were asked for/.test(reason), reason);
  // a run's own journal repeats it: what it drew is there
  using third = await load(settingsFor(mock));
  const { started } = await journaled(third.directory.journal);
  using fourth = await load(settingsFor(mock, { prompt_seed: started.prompt_seed }));
  assertEquals(new Set(asked(mock)).size, 80);
  cachedBy(fourth);
});

/** Why the figures are a cache's; on a busy machine the client may have limited them, too. */
function cachedBy({ results: { verdict: { verdict, reasons } } }: LoadRun): string {
  assert(verdict === "cached" || verdict === "client_limited", verdict);
  const reason = reasons.find((each) => each.includes("prefix cache"));
  assert(reason !== undefined, reasons.join());
  return reason;
}

async function journaled(path: string): Promise<{ started: { prompt_seed: number } }> {
  for (const line of (await Deno.readTextFile(path)).split("\n")) {
    const event = JSON.parse(line);
    if (event.event === "load_started") return { started: event.settings };
  }
  throw new Error("no load_started");
}

Deno.test("--reset-cache begins with an empty cache; a server without it is named", async () => {
  await using mock = await cachingMock();
  const settings = settingsFor(mock, { prompt_seed: 6, reset_cache: true });
  using _first = await load(settings);
  using second = await load(settings);
  assertEquals(second.results.verdict.verdict === "cached", false);
  await using plain = await MockEndpoint.start();
  await assertRejects(
    () => load(settingsFor(plain, { reset_cache: true })),
    InputError,
    "--reset-cache: this server has no call for it",
  );
});

Deno.test("hits that the load asks for are none of a cache's figures", async () => {
  await using mock = await cachingMock();
  using run = await load(settingsFor(mock, { prefix_share: 0.5, requests: 60 }));
  assertEquals(run.results.verdict.verdict === "cached", false);
  assert(run.results.notes.some((note) => /4\d\.\d % .* 50\.0 % were asked for/.test(note)));
});

Deno.test("what is told where only counters speak, and what is not told", () => {
  const none = { usage_details: null, prompt_tokens: 100 };
  const records = [0, 10].map((at_ms) => record({ at_ms, ...none }));
  assertEquals(cacheUse(records, null, 0), null);
  const counters = { prefix_cache_hit_rate: 0.9, prefix_cache_hit_rate_from: "counters" };
  const use = cacheUse(records, counters as Parameters<typeof cacheUse>[1], 0)!;
  assertEquals([use.share, use.from, isInflated(use)], [0.9, "counters", true]);
  assertEquals(isInflated({ ...use, asked: null }), false, "the prompts do not tell");
  assertEquals(isInflated({ ...use, share: 0.3 }), false, "a template of 30 tokens in 100");
  const told = record({ at_ms: 0, prompt_tokens: 100, usage_details: { cached_tokens: 96 } });
  assertEquals(cacheUse([told], null, 0)?.share, 0.96);
});
