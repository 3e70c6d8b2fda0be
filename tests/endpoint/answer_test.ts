/** What an endpoint says, event by event and whole. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Reply } from "../../lib/endpoint/answer.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import type { ApiType } from "../../lib/endpoint/forms/forms.ts";

const delta = (fields: object, finish_reason: string | null = null) =>
  JSON.stringify({ id: "c1", model: "m", choices: [{ index: 0, delta: fields, finish_reason }] });

function reply(...chunks: string[]): Reply {
  const whole = new Reply("chat");
  chunks.forEach((chunk, i) => whole.event(chunk, 1000 * (i + 1)));
  return whole;
}

Deno.test("a role-only or empty delta is not a token", () => {
  const whole = reply(
    delta({ role: "assistant" }),
    delta({ content: "" }),
    delta({ content: "Hi" }),
  );
  assertEquals([whole.text, whole.tokens.count, whole.tokens.first_ns], ["Hi", 1, 3000]);
});

Deno.test("reasoning and tool calls are tokens, apart from the text", () => {
  const call = (name: string | undefined, part: string) =>
    delta({ tool_calls: [{ index: 0, function: { name, arguments: part } }] });
  const whole = reply(
    delta({ reasoning_content: "Hm" }),
    call("add", '{"a":'),
    call(undefined, "1}"),
  );
  assertEquals([whole.text, whole.reasoning, whole.tokens.count], ["", "Hm", 3]);
  assertEquals([...whole.tokens.gaps_ms], [Math.fround(1e-3), Math.fround(1e-3)]);
  assert(JSON.stringify(whole.toJson()).includes('"arguments":"{\\"a\\":1}"'));
});

Deno.test("a stream is complete with [DONE] or a finish reason, not without", () => {
  assertEquals(reply(delta({ content: "a" })).complete, false);
  assertEquals(reply(delta({ content: "a" }), "[DONE]").complete, true);
  assertEquals(reply(delta({ content: "a" }, "length")).complete, true);
});

Deno.test("an event of nothing, or of null, keeps a connection alive and says nothing", () => {
  // openai-python yields None for `data: null`, which servers send while they think (hermes-agent, 80822)
  const kept = reply(
    "null",
    "",
    delta({ content: "a" }),
    " null ",
    delta({ content: "b" }, "stop"),
  );
  assertEquals([kept.text, kept.tokens.count, kept.complete], ["ab", 2, true]);
  assertEquals(reply("null").complete, false);
});

Deno.test("usage is taken from any event; counts that cannot be are unknown", () => {
  const usage = (prompt_tokens: unknown, completion_tokens: unknown) =>
    JSON.stringify({ choices: [], usage: { prompt_tokens, completion_tokens } });
  const whole = reply(delta({ content: "a" }), usage(7, 3));
  assertEquals([whole.prompt_tokens, whole.completion_tokens], [7, 3]);
  const lied = reply(
    usage(-1, 1.5),
    usage("7", null),
    '{"choices":[],"usage":{"prompt_tokens":1e400}}',
  );
  assertEquals([lied.prompt_tokens, lied.completion_tokens], [null, null]);
  // a part above its sum is no part of it
  const parts = reply(JSON.stringify({
    usage: {
      ...{ prompt_tokens: 7, prompt_tokens_details: { cached_tokens: 100 } },
      ...{ completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 50 } },
    },
  }));
  assertEquals(parts.usage_details, null);
  const all = { prompt_tokens: 7, prompt_tokens_details: { cached_tokens: 7 } };
  assertEquals(reply(JSON.stringify({ usage: all })).usage_details, { cached_tokens: 7 });
});

Deno.test("a stream in the form of one answer, chat and completions", () => {
  const chat = reply(delta({ content: "Hel" }), delta({ content: "lo" }, "stop"));
  assertEquals(chat.toJson(), {
    id: "c1",
    model: "m",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hello" },
      finish_reason: "stop",
    }],
  });
  const base = new Reply("completions");
  base.event('{"choices":[{"text":"Hi","finish_reason":"length"}]}', 1);
  assertEquals(base.toJson().choices, [{
    index: 0,
    text: "Hi",
    finish_reason: "length",
  }]);
});

Deno.test("what is not JSON, not an object, or an error is told apart", () => {
  const failure = (chunk: string) => assertThrows(() => reply(chunk), EndpointError).failure;
  assertEquals(failure('{"choices": [{"delta": {"conte'), "malformed");
  assertEquals(failure("[1]"), "malformed");
  assertEquals(failure("1"), "malformed");
  assertEquals(failure('{"error": {"message": "out of memory", "code": 500}}'), "http_5xx");
  assertEquals(failure('{"error": {"message": "bad", "code": 400}}'), "http_4xx");
  assertEquals(failure('{"error": {"message": "slow down", "code": 429}}'), "http_429");
});

Deno.test("JSON that nests too deeply is said to be that, not to be no JSON", () => {
  const deep = `{"choices":[],"x":${"[".repeat(600)}${"]".repeat(600)}}`;
  assertThrows(() => reply(deep), EndpointError, "an event nests deeper than 500 levels");
});

Deno.test("a whole answer: text and usage; without choices it is malformed", () => {
  const whole = new Reply("chat");
  whole.body(
    '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}}',
  );
  assertEquals([whole.text, whole.completion_tokens, whole.complete], ["Hi", 1, true]);
  assertThrows(() => new Reply("chat").body('{"object":"list"}'), EndpointError, "no choices");
  const marked = new Reply("chat"); // by a byte order mark, which RFC 8259, 8.1 lets a reader ignore
  marked.body('\uFEFF{"choices":[{"message":{"content":"Hi"}}]}');
  assertEquals(marked.text, "Hi");
});

const chat = (delta: object, more: object = {}) =>
  JSON.stringify({ id: "c-1", created: 17, choices: [{ index: 0, delta, ...more }] });

/** Every event parsed, by a reader that has learnt nothing yet. */
function slowly(events: readonly string[], api_type: ApiType) {
  const stamps: number[] = [];
  let text = "", reasoning = "";
  events.forEach((data, i) => {
    const fresh = new Reply(api_type);
    fresh.event(data, i * 1e6);
    text += fresh.text;
    reasoning += fresh.reasoning;
    if (fresh.tokens.count > 0) stamps.push(i * 1e6);
  });
  return { text, reasoning, stamps };
}

function quickly(events: readonly string[], api_type: ApiType) {
  const reply = new Reply(api_type);
  events.forEach((data, i) => reply.event(data, i * 1e6));
  return reply;
}

Deno.test("streams of any text: the same tokens at the same times as a parser finds", () => {
  const random = seededRandom(7);
  const words = [
    " the",
    "",
    "\n",
    '"quoted"',
    "back\\slash",
    "naïve",
    "日本語",
    "🦀",
    "\u0001",
    "content",
    "}]}",
    '":"',
    "{",
    "~",
    " ",
    "\\",
    "\t",
    "a".repeat(300),
  ];
  for (let round = 0; round < 300; round++) {
    const field = ["content", "reasoning_content", "content", "content"][round % 4];
    const events = Array.from({ length: 40 }, (_, i) => {
      const word = words[Math.floor(random() * words.length)];
      const more = round % 5 === 0 ? { logprobs: null } : round % 7 === 0 ? { n: i } : {};
      return round % 3 === 0
        ? JSON.stringify({ id: "x", choices: [{ index: 0, text: word, ...more }] })
        : chat({ [field]: word }, more);
    });
    const api_type = round % 3 === 0 ? "completions" : "chat";
    const { text, reasoning, stamps } = slowly(events, api_type);
    const reply = quickly(events, api_type);
    assertEquals([reply.text, reply.reasoning], [text, reasoning]);
    assertEquals(reply.tokens.count, stamps.length);
    assertEquals(reply.tokens.first_ns, stamps[0] ?? null);
    assertEquals(reply.tokens.last_ns, stamps.at(-1) ?? null);
    assertEquals([...reply.tokens.gaps_ms], stamps.slice(1).map((t, i) => (t - stamps[i]) / 1e6));
  }
});

Deno.test("an event that only looks like the others is parsed all the same", () => {
  const times = quickly([
    chat({ content: "one" }),
    chat({ content: "two" }),
    chat({ content: "three" }),
    chat({ content: "" }),
    chat({}, { finish_reason: "stop" }),
    JSON.stringify({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } }),
    "[DONE]",
  ], "chat");
  assertEquals([times.tokens.count, times.text], [3, "onetwothree"]);
  assertEquals([times.prompt_tokens, times.completion_tokens, times.complete], [5, 9, true]);
});

Deno.test("a role-only chunk is a choice but no token; reasoning and tool calls are tokens", () => {
  const times = quickly([
    chat({ role: "assistant", content: "" }),
    chat({ reasoning_content: "hm" }),
    chat({ tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] }),
    chat({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] }),
    chat({ content: "x" }),
  ], "chat");
  assertEquals([times.choices.first_ns, times.tokens.first_ns], [0, 1e6]);
  assertEquals([times.tokens.count, times.text], [4, "x"]);
});

Deno.test("an empty text without a role is told apart; all events with a choice are counted", () => {
  const tokens = Array.from({ length: 50 }, () => chat({ content: "x" })); // most of them not parsed
  const times = quickly([
    chat({ role: "assistant", content: "" }),
    ...tokens,
    chat({ content: "" }),
    chat({}),
  ], "chat");
  assertEquals({ ...times.blank }, { first_ns: 51e6, last_ns: 51e6, count: 1 });
  assertEquals({ ...times.choices }, { first_ns: 0, last_ns: 52e6, count: 53 });
  assertEquals(times.tokens.count, 50);
});

Deno.test("a server that counts in every event is read in every event", () => {
  const events = Array.from({ length: 20 }, (_, i) =>
    JSON.stringify({
      choices: [{ index: 0, delta: { content: "w" } }],
      usage: { prompt_tokens: 3, completion_tokens: i + 1 },
    }));
  assertEquals(quickly(events, "chat").completion_tokens, 20);
});

Deno.test("the Responses API: deltas are tokens, its last event has usage", () => {
  const times = quickly([
    JSON.stringify({ type: "response.created", response: {} }),
    JSON.stringify({ type: "response.reasoning_text.delta", delta: "hm" }),
    JSON.stringify({ type: "response.output_text.delta", delta: "a" }),
    JSON.stringify({ type: "response.output_text.delta", delta: "b" }),
    JSON.stringify({ type: "response.output_text.delta", delta: "c" }),
    JSON.stringify({
      type: "response.completed",
      response: { usage: { input_tokens: 2, output_tokens: 4 } },
    }),
  ], "responses");
  assertEquals([times.tokens.count, times.text, times.complete], [4, "abc", true]);
  assertEquals([times.prompt_tokens, times.completion_tokens], [2, 4]);
});

Deno.test("bad events are classed", () => {
  const times = new Reply("chat", false);
  for (const data of ["{", "[]", "nul", '{"error":{"message":"busy","code":429}}']) {
    assertThrows(() => times.event(data, 0), EndpointError);
  }
});
