/** Token times: what the quick way takes down is what a parser would have. */
import { assertEquals, assertThrows } from "@std/assert";
import { readChunk } from "../../lib/endpoint/chunk.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { TokenTimes } from "../../lib/endpoint/token_times.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import type { ApiType } from "../../lib/endpoint/api.ts";

const chat = (delta: object, more: object = {}) =>
  JSON.stringify({ id: "c-1", created: 17, choices: [{ index: 0, delta, ...more }] });

/** Every event parsed, with no short cut. */
function slowly(events: readonly string[], api_type: ApiType) {
  const stamps: number[] = [];
  let text = "";
  events.forEach((data, i) => {
    const chunk = readChunk(data, api_type);
    text += chunk.text;
    if (chunk.has_token) stamps.push(i * 1e6);
  });
  return { text, stamps };
}

function quickly(events: readonly string[], api_type: ApiType) {
  const times = new TokenTimes(api_type, true);
  events.forEach((data, i) => times.event(data, i * 1e6, null));
  return times;
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
    const { text, stamps } = slowly(events, api_type);
    const times = quickly(events, api_type);
    assertEquals(times.text, text);
    assertEquals(times.token_events, stamps.length);
    assertEquals(times.t_first_token_ns, stamps[0] ?? null);
    assertEquals(times.t_last_token_ns, stamps.at(-1) ?? null);
    assertEquals([...times.gaps_ms], stamps.slice(1).map((t, i) => (t - stamps[i]) / 1e6));
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
  assertEquals([times.token_events, times.text], [3, "onetwothree"]);
  assertEquals([times.prompt_tokens, times.completion_tokens, times.finished], [5, 9, true]);
});

Deno.test("a role-only chunk is a choice but no token; reasoning and tool calls are tokens", () => {
  const times = quickly([
    chat({ role: "assistant", content: "" }),
    chat({ reasoning_content: "hm" }),
    chat({ tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] }),
    chat({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] }),
    chat({ content: "x" }),
  ], "chat");
  assertEquals([times.t_first_choice_ns, times.t_first_token_ns], [0, 1e6]);
  assertEquals([times.token_events, times.text], [4, "x"]);
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
  assertEquals([times.token_events, times.text, times.finished], [4, "abc", true]);
  assertEquals([times.prompt_tokens, times.completion_tokens], [2, 4]);
});

Deno.test("bad events are classed", () => {
  const times = new TokenTimes("chat", false);
  for (const data of ["{", "[]", "null", '{"error":{"message":"busy","code":429}}']) {
    assertThrows(() => times.event(data, 0, null), EndpointError);
  }
});
