/**
 * Request templates: on the forms of SGLang's own /generate (its documentation, "SGLang Native APIs"), of
 * Cohere's v2 chat and of endpoints without a stream.
 */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { valuesAt } from "../../../lib/endpoint/forms/template.ts";
import { templateForm } from "../../../lib/endpoint/forms/template.ts";
import { InputError } from "../../../lib/errors.ts";
import { readRequestTemplate } from "../../../lib/settings/request_template.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import { asked, streamed, whole } from "./fixture.ts";

Deno.test("paths: names, indexes from both ends, quotes, all; what is not there is nothing", () => {
  // those of RFC 9535's examples that the paths have (its figure 1)
  const store = {
    store: {
      book: [{ author: "Nigel Rees", price: 8.95 }, { author: "Evelyn Waugh", price: 12.99 }],
      bicycle: { "colour of": "red" },
    },
  };
  const cases: [string, unknown[]][] = [
    ["$.store.book[*].author", ["Nigel Rees", "Evelyn Waugh"]],
    ["store.book[0].price", [8.95]],
    ["$['store'][\"book\"][-1].author", ["Evelyn Waugh"]],
    ["store.bicycle['colour of']", ["red"]],
    ["store.bicycle[*]", ["red"]],
    ["store.book[9].author", []],
    ["store.book.author", []],
    ["toString", []],
  ];
  for (const [path, expected] of cases) assertEquals(valuesAt(store, path), expected, path);
});

const SGLANG = {
  body: {
    text: "{{prompt}}",
    sampling_params: { max_new_tokens: "{{max_tokens}}", temperature: 0 },
    stream: "{{stream}}",
  },
  answer: {
    text: "text",
    finish_reason: "meta_info.finish_reason.type",
    prompt_tokens: "meta_info.prompt_tokens",
    cached_tokens: "meta_info.cached_tokens",
    completion_tokens: "meta_info.completion_tokens",
  },
  event: {
    text_so_far: "text",
    finish_reason: "meta_info.finish_reason.type",
    prompt_tokens: "meta_info.prompt_tokens",
    completion_tokens: "meta_info.completion_tokens",
  },
};

Deno.test("SGLang's events repeat the text from its beginning", () => {
  const event = (text: string, completion_tokens: number, type?: string) => ({
    text,
    meta_info: {
      id: "1",
      finish_reason: type === undefined ? null : { type, length: 3 },
      prompt_tokens: 4,
      completion_tokens,
      cached_tokens: 1,
    },
  });
  const events = [event(" Paris", 1), event(" Paris is", 2), event(" Paris is a", 3, "length")];
  const reply = streamed(templateForm(SGLANG), [...events, "[DONE]"]);
  assertEquals([reply.text, reply.finish_reason], [" Paris is a", "length"]);
  assertEquals([reply.tokens.count, reply.completion_tokens], [3, 3]);
  const all = whole(templateForm(SGLANG), events[2]);
  assertEquals([all.text, all.prompt_tokens, all.usage_details], [" Paris is a", 4, {
    cached_tokens: 1,
  }]);
  assertThrows(() => streamed(templateForm(SGLANG), events.slice(0, 2)), Error, "before its end");
});

Deno.test("events without a mark of the end end with HTTP's body; other events carry nothing", () => {
  const form = templateForm({
    answer: { text: "message.content[*].text", prompt_tokens: "usage.tokens.input_tokens" },
    event: {
      text: "delta.message.content.text",
      completion_tokens: "delta.usage.tokens.output_tokens",
    },
  });
  const reply = streamed(form, [
    { type: "message-start", delta: { message: { role: "assistant", content: [] } } },
    { type: "content-delta", delta: { message: { content: { text: "Hi" } } } },
    { type: "content-delta", delta: { message: { content: { text: "!" } } } },
    { type: "message-end", delta: { usage: { tokens: { output_tokens: 2 } } } },
  ]);
  assertEquals([reply.text, reply.tokens.first_ns, reply.tokens.count], ["Hi!", 2e6, 2]);
  assertEquals(reply.completion_tokens, 2);
  const parts = whole(form, {
    message: { content: [{ text: "a" }, { text: "b" }] },
    usage: { tokens: { input_tokens: 5 } },
  });
  assertEquals([parts.text, parts.prompt_tokens, parts.completion_tokens], ["ab", 5, null]);
  assertThrows(() => whole(form, { message: "?" }), Error, "no text where the template says");
});

Deno.test("a template that looks for no text takes any answer, and knows no tokens", () => {
  const reply = whole(templateForm({ answer: {} }), { scores: [0.1] });
  assertEquals([reply.empty, reply.counted().completion_tokens], [false, null]);
});

Deno.test("places are filled by kind, and a field whose place is not known is left out", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "template.json");
  const body = {
    ...SGLANG.body,
    chat: "{{ messages }}",
    tags: ["{{model}}", "run of {{model}} for {{max_tokens}}"],
  };
  writeFileSync(path, JSON.stringify({ ...SGLANG, body }));
  const options = { request_template: path };
  const url = "http://h/anything/generate";
  const { body: sent, url: to } = asked(url, {
    prompt: 'say "x"\n',
    parameters: { max_tokens: 7, more: 1 },
  }, options);
  assertEquals(to, url); // as it is given, whatever form it looks like
  assertEquals(sent, {
    text: 'say "x"\n',
    sampling_params: { max_new_tokens: 7, temperature: 0 },
    stream: true,
    chat: [{ role: "user", content: 'say "x"\n' }],
    tags: ["m", "run of m for 7"],
    more: 1,
  });
  const without = asked(url, { prompt: "x" }, options).body;
  assertEquals(without.sampling_params, { temperature: 0 });
  const payload = { anything: [1, { x: null }] };
  assertEquals(asked(url, { payload }, options).body, payload);
});

Deno.test("a template that is none is refused with its place", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "template.json");
  const refused: [unknown, string][] = [
    [{ answer: { text: "a..b" } }, "answer.text: expected a path into JSON"],
    [{ answer: { txt: "a" } }, '"txt" is not a field'],
    [{ body: {} }, "answer"],
    [{ answer: { text: "a", text_so_far: "b" } }, 'expected "text" or "text_so_far"'],
    [{ answer: {}, body: { x: "{{promt}}" } }, "{{promt}}"],
    [{ answer: {}, body: { x: ["{{\tconstructor\n}}"] } }, "{{constructor}}"],
  ];
  for (const [template, says] of refused) {
    writeFileSync(path, JSON.stringify(template));
    const { message } = assertThrows(() => readRequestTemplate(path), InputError);
    assertStringIncludes(message, says);
    assertStringIncludes(message, path);
  }
  assertThrows(() => readRequestTemplate(join(folder.path, "none.json")), InputError, "none.json");
  writeFileSync(path, JSON.stringify({ answer: {} }));
  const options = { request_template: path };
  assertThrows(() => asked("http://h/x", { prompt: "a" }, options), InputError, '"payload"');
});
