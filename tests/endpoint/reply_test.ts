import { assert, assertEquals, assertThrows } from "@std/assert";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { Reply } from "../../lib/endpoint/reply.ts";

const delta = (fields: object, finish_reason: string | null = null) =>
  JSON.stringify({ id: "c1", model: "m", choices: [{ index: 0, delta: fields, finish_reason }] });

function reply(...chunks: string[]): Reply {
  const whole = new Reply();
  chunks.forEach((chunk, i) => whole.event(chunk, 1000 * (i + 1)));
  return whole;
}

Deno.test("a role-only or empty delta is not a token", () => {
  const whole = reply(
    delta({ role: "assistant" }),
    delta({ content: "" }),
    delta({ content: "Hi" }),
  );
  assertEquals([whole.text, whole.token_events, whole.t_first_token_ns], ["Hi", 1, 3000]);
});

Deno.test("reasoning and tool calls are tokens, apart from the text", () => {
  const call = (name: string | undefined, part: string) =>
    delta({ tool_calls: [{ index: 0, function: { name, arguments: part } }] });
  const whole = reply(
    delta({ reasoning_content: "Hm" }),
    call("add", '{"a":'),
    call(undefined, "1}"),
  );
  assertEquals([whole.text, whole.reasoning, whole.token_events], ["", "Hm", 3]);
  assertEquals(whole.gap_max_ns, 1000);
  assert(JSON.stringify(whole.toJson("chat")).includes('"arguments":"{\\"a\\":1}"'));
});

Deno.test("a stream is complete with [DONE] or a finish reason, not without", () => {
  assertEquals(reply(delta({ content: "a" })).complete, false);
  assertEquals(reply(delta({ content: "a" }), "[DONE]").complete, true);
  assertEquals(reply(delta({ content: "a" }, "length")).complete, true);
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
});

Deno.test("a stream in the form of one answer, chat and completions", () => {
  const chat = reply(delta({ content: "Hel" }), delta({ content: "lo" }, "stop"));
  assertEquals(chat.toJson("chat"), {
    id: "c1",
    model: "m",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hello" },
      finish_reason: "stop",
    }],
  });
  const base = reply('{"choices":[{"text":"Hi","finish_reason":"length"}]}');
  assertEquals(base.toJson("completions").choices, [{
    index: 0,
    text: "Hi",
    finish_reason: "length",
  }]);
});

Deno.test("what is not JSON, not an object, or an error is told apart", () => {
  const failure = (chunk: string) => assertThrows(() => reply(chunk), EndpointError).failure;
  assertEquals(failure('{"choices": [{"delta": {"conte'), "malformed");
  assertEquals(failure("[1]"), "malformed");
  assertEquals(failure("null"), "malformed");
  assertEquals(failure('{"error": {"message": "out of memory", "code": 500}}'), "http_5xx");
  assertEquals(failure('{"error": {"message": "bad", "code": 400}}'), "http_4xx");
  assertEquals(failure('{"error": {"message": "slow down", "code": 429}}'), "http_429");
});

Deno.test("a whole answer: text and usage; without choices it is malformed", () => {
  const whole = new Reply();
  whole.body(
    '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}}',
  );
  assertEquals([whole.text, whole.completion_tokens, whole.complete], ["Hi", 1, true]);
  assertThrows(() => new Reply().body('{"object":"list"}'), EndpointError, "no choices");
});
