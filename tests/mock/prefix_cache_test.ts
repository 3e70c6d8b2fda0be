/**
 * The mock's prefix cache. Right values are counted by hand from vLLM's rules (docs/design/
 * prefix_caching.md of 0.11): full blocks of 16 tokens, a chain of hashes, the last token always computed.
 */
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { PrefixCache } from "../../lib/mock/prefix_cache.ts";
import { posted, says, streamed } from "./fixture.ts";
import type { Json } from "./fixture.ts";

const words = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `w${from + i}`);

Deno.test("full blocks before the last token are found again, as far as the beginning is the same", () => {
  const cache = new PrefixCache(100);
  const again = (tokens: string[], seed = "m") => cache.use(seed, tokens);
  assertEquals(again(words(100)), 0);
  assertEquals(again(words(100)), 96);
  assertEquals(again(words(96)), 80); // the sixth block holds the last token
  assertEquals(again(words(97)), 96);
  assertEquals(again([...words(40), ...words(60, 500)]), 32);
  assertEquals(again(["other", ...words(99, 1)]), 0); // the same blocks behind another first one
  assertEquals(again(words(100), "another model"), 0);
  assertEquals([again(words(15)), again([])], [0, 0]);
  assertEquals([cache.queries, cache.hits], [100 + 100 + 96 + 97 + 100 + 100 + 100 + 15, 304]);
  cache.reset();
  assertEquals([again(words(100)), cache.hits], [0, 304]);
});

Deno.test("the least recently used block goes first, and of one prompt the last", () => {
  const cache = new PrefixCache(4);
  const a = words(33), b = words(33, 1000), c = words(17, 2000);
  cache.use("m", a); // 2 blocks
  cache.use("m", b); // 2 blocks: full
  assertEquals(cache.use("m", a), 32); // a is the newer now
  cache.use("m", c); // 1 block: b's last goes
  assertEquals([cache.size, cache.use("m", b.slice(0, 17))], [4, 16]);
  assertEquals(cache.use("m", a), 32);
  // a prompt larger than the cache keeps its beginning
  const large = words(16 * 9 + 1, 3000);
  cache.use("m", large);
  assertEquals([cache.size, cache.use("m", large)], [4, 64]);
});

const cached = async (mock: MockEndpoint, path: string, body: Json) => {
  const { usage } = (await posted(mock, path, body)).body;
  return (usage.prompt_tokens_details ?? usage.input_tokens_details).cached_tokens;
};

Deno.test("usage tells cached tokens, and /metrics counts them under vLLM's names", async () => {
  await using mock = await MockEndpoint.start({ model: "m", prefix_cache_blocks: 64 });
  const prompt = words(50).join(" ");
  const body = { prompt, model: "m" };
  assertEquals(await cached(mock, "/v1/completions", body), 0);
  assertEquals(await cached(mock, "/v1/completions", body), 48);
  assertEquals(await cached(mock, "/v1/chat/completions", says(prompt)), 0); // a role is before it
  assertEquals(await cached(mock, "/v1/responses", { input: prompt }), 48);
  const { events } = await streamed(mock, "/v1/completions", {
    ...body,
    stream_options: { include_usage: true },
  });
  assertEquals(events.at(-1)!.json.usage.prompt_tokens_details, { cached_tokens: 48 });
  const page = await (await fetch(`${mock.url}/metrics`)).text();
  const value = (name: string) =>
    page.match(new RegExp(`^vllm:${name}\\{engine="0",model_name="m"[^}]*\\} (\\d+)$`, "m"))?.[1];
  assertEquals(
    [
      "prefix_cache_queries_total",
      "prefix_cache_hits_total",
      "prompt_tokens_total",
      "generation_tokens_total",
      "num_requests_running",
      "num_requests_waiting",
    ].map(value),
    ["250", "144", "250", "15", "0", "0"],
  );
  assert(page.includes('finished_reason="stop"} 5\n'), page);
  const reset = await fetch(`${mock.url}/reset_prefix_cache`, { method: "POST" });
  assertEquals([reset.status, await reset.text()], [200, "{}"]);
  assertEquals(await cached(mock, "/v1/completions", body), 0);
});

Deno.test("a conversation's next turn finds the answer too", async () => {
  await using mock = await MockEndpoint.start({
    prefix_cache_blocks: 64,
    behaviour: { default_response: words(20, 700).join(" ") },
  });
  const first = { role: "user", content: words(12).join(" ") };
  await posted(mock, "/v1/chat/completions", { messages: [first] });
  const messages = [
    first,
    { role: "assistant", content: words(20, 700).join(" ") },
    { role: "user", content: "and then?" },
  ];
  assertEquals(await cached(mock, "/v1/chat/completions", { messages }), 32);
  const tools = [{ type: "function", function: { name: "f" } }];
  assertEquals(await cached(mock, "/v1/chat/completions", { messages, tools }), 0);
});

Deno.test("prompt tokens that are not cached take their time before the first token", async () => {
  await using mock = await MockEndpoint.start({
    prefix_cache_blocks: 64,
    behaviour: { prefill_tokens_per_second: 400 },
  });
  const body = { prompt: words(81).join(" ") };
  const took = async () => {
    const start = performance.now();
    await posted(mock, "/v1/completions", body);
    return performance.now() - start;
  };
  const first = await took();
  assert(first >= 200, `${first}`); // 81 tokens at 400 a second are 202.5 ms
  const again = await took(); // one token is left: 2.5 ms
  assert(again < first, `${again} ms after ${first} ms`);
});

Deno.test("a client that leaves is counted as an abort, with the tokens that it got", async () => {
  await using mock = await MockEndpoint.start({
    prefix_cache_blocks: 4,
    behaviour: { default_response: "a b c", tokens_per_second: 1 },
  });
  const leaving = new AbortController();
  const response = await fetch(`${mock.url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({ prompt: "x", stream: true }),
    signal: leaving.signal,
  });
  await response.body!.getReader().read();
  leaving.abort();
  let page = "";
  while (!page.includes('abort"} 1')) page = await (await fetch(`${mock.url}/metrics`)).text();
  assert(/num_requests_running\{.*\} 0$/m.test(page), page);
  assert(/generation_tokens_total\{.*\} 1$/m.test(page), page);
});

Deno.test("without a prefix cache there is no /metrics, and usage says nothing of one", async () => {
  await using mock = await MockEndpoint.start();
  assertEquals(await fetch(`${mock.url}/metrics`).then((r) => (r.body?.cancel(), r.status)), 404);
  const { usage } = (await posted(mock, "/v1/completions", { prompt: "x" })).body;
  assertEquals("prompt_tokens_details" in usage, false);
});
