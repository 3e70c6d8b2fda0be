/**
 * What servers in the wild say, byte for byte, and what it must be read as: the one table of kinds.
 * The forms are those of OpenAI's API reference and of what vLLM, SGLang, llama.cpp, Ollama, TGI,
 * OpenRouter, Mistral, DeepSeek, Groq, Moonshot and Azure send; texts and counts stand in them.
 */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { FailureClass } from "../../lib/endpoint/errors.ts";
import type { UsageDetails } from "../../lib/endpoint/usage.ts";

/** A server's answer to one question, and what is to come of it. */
export interface Behaviour {
  name: string;
  path: "/chat/completions" | "/completions" | "/responses";
  /** The whole response, head and body. */
  response: string;
  expected: {
    /** Null: an answer. */
    failure: FailureClass | null;
    /** Must be in the failure's message. */
    says?: string;
    text: string;
    reasoning?: string;
    token_events: number;
    prompt_tokens: number | null;
    completion_tokens: number | null;
    source: "usage" | "events" | null;
    details?: UsageDetails;
  };
}

const json = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);
const data = (...events: unknown[]) => events.map((event) => `data: ${json(event)}\n\n`).join("");
const DONE = "[DONE]";
const length = (text: string) => new TextEncoder().encode(text).length;

function response(body: string, type: string | null = "text/event-stream", status = "200 OK") {
  const typed = type === null ? "" : `content-type: ${type}\r\n`;
  return `HTTP/1.1 ${status}\r\n${typed}content-length: ${length(body)}\r\n\r\n${body}`;
}
const whole = (value: unknown, status?: string) =>
  response(json(value), "application/json", status);

const delta = (fields: unknown, finish_reason: string | null = null, more: object = {}) => ({
  id: "x",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta: fields, finish_reason }],
  ...more,
});
const STOP = delta({}, "stop");
const usage = (fields: object) => ({ id: "x", choices: [], usage: fields });
const count = (prompt_tokens: number, completion_tokens: number, more: object = {}) => ({
  prompt_tokens,
  completion_tokens,
  total_tokens: prompt_tokens + completion_tokens,
  ...more,
});
const HELLO = ["Hel", "lo", " wor", "ld", "!"].map((content) => delta({ content }));
const call = (fields: object, call: object = {}) =>
  delta({ tool_calls: [{ ...fields, type: "function", function: call }] });

const good: Behaviour["expected"] = {
  failure: null,
  text: "Hello world!",
  token_events: 5,
  prompt_tokens: null,
  completion_tokens: 5,
  source: "events",
};
const counted = { ...good, prompt_tokens: 7, source: "usage" as const };
const failed: Behaviour["expected"] = {
  failure: "http_5xx",
  text: "a",
  token_events: 1,
  prompt_tokens: null,
  completion_tokens: null,
  source: null,
};
const refused = (failure: FailureClass, says: string): Behaviour["expected"] => ({
  ...failed,
  failure,
  says,
  text: "",
  token_events: 0,
});

type Row = [name: string, response: string, expected: Behaviour["expected"]];

const CHAT: Row[] = [
  ["a plain stream", response(data(...HELLO, STOP, usage(count(7, 5)), DONE)), counted],
  ["status 201", response(data(...HELLO, STOP, DONE), "text/event-stream", "201 Created"), good],
  ["a body with status 202", whole(message({ content: "hi" }), "202 Accepted"), bodyOf("hi")],
  ["no content type", response(data(...HELLO, STOP, DONE), null), good],
  ["a stream called plain text", response(data(...HELLO, STOP, DONE), "text/plain"), good],
  ["a stream called JSON", response(data(...HELLO, STOP, DONE), "application/json"), good],
  ["JSON where a stream was asked", whole(message({ content: "hi" })), bodyOf("hi")],
  ["JSON that is called a stream", response(json(message({ content: "hi" }))), bodyOf("hi")],
  // what content may be
  [
    "content as parts, with thinking",
    response(data(
      delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] }),
      ...["Hel", "lo"].map((text) => delta({ content: [{ type: "text", text }] })),
      STOP,
      usage(count(7, 3)),
      DONE,
    )),
    { ...counted, text: "Hello", reasoning: "hm", token_events: 3, completion_tokens: 3 },
  ],
  [
    "a body with parts",
    whole(
      message({ content: [{ type: "thinking", thinking: "hm" }, { type: "text", text: "hi" }] }),
    ),
    { ...bodyOf("hi"), reasoning: "hm" },
  ],
  [
    "a refusal",
    response(data(
      ...["I ", "cannot"].map((refusal) => delta({ refusal, content: null })),
      STOP,
      usage(count(7, 2)),
      DONE,
    )),
    { ...counted, text: "I cannot", token_events: 2, completion_tokens: 2 },
  ],
  ["a refusal in a body", whole(message({ content: null, refusal: "No." })), bodyOf("No.")],
  ...["reasoning_content", "reasoning", "thinking"].map((field): Row => [
    `reasoning in ${field}`,
    response(data(
      delta({ role: "assistant", content: "" }),
      ...["th", "ink"].map((text) => delta({ [field]: text })),
      delta({ content: "hi", [field]: null }),
      STOP,
      DONE,
    )),
    { ...good, text: "hi", reasoning: "think", token_events: 3, completion_tokens: 3 },
  ]),
  [
    "reasoning in two fields that say the same",
    response(
      data(delta({ reasoning: "a", reasoning_content: "a" }), delta({ content: "b" }, "stop")),
    ),
    { ...good, text: "b", reasoning: "a", token_events: 2, completion_tokens: 2 },
  ],
  [
    "a transcript of speech",
    response(
      data(delta({ audio: { data: "AAAA" } }), delta({ audio: { transcript: "hi" } }), STOP, DONE),
    ),
    { ...good, text: "hi", token_events: 2, completion_tokens: 2 },
  ],
  [
    "two answers: the first one is the text",
    response(data(
      ...["a", "b"].flatMap((content) =>
        [0, 1].map((index) => ({ choices: [{ index, delta: { content: content + index } }] }))
      ),
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { choices: [{ index: 1, delta: {}, finish_reason: "stop" }] },
      DONE,
    )),
    { ...good, text: "a0b0", token_events: 4, completion_tokens: 4 },
  ],
  // calls of tools
  [
    "a call without an index",
    response(data(
      call({ id: "c" }, { name: "f", arguments: "" }),
      call({}, { arguments: "{}" }),
      delta({}, "tool_calls"),
      DONE,
    )),
    { ...good, text: "", token_events: 2, completion_tokens: 2 },
  ],
  [
    "a call in one event, of many tokens",
    response(data(
      call({ index: 0, id: "c" }, { name: "f", arguments: '{"a": 1}' }),
      delta({}, "tool_calls"),
      usage(count(7, 20)),
      DONE,
    )),
    { ...counted, text: "", token_events: 1, completion_tokens: 20 },
  ],
  [
    "arguments as an object",
    whole(message({ content: "", tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }] })),
    bodyOf(""),
  ],
  [
    "the old function_call",
    response(data(
      delta({ function_call: { name: "f", arguments: "" } }),
      delta({ function_call: { arguments: "{}" } }),
      delta({}, "function_call"),
      DONE,
    )),
    { ...good, text: "", token_events: 2, completion_tokens: 2 },
  ],
  // how events come
  [
    "comments and pings",
    response(`: hi\n\nevent: ping\n\n${data(...HELLO, STOP, DONE)}: bye\n\n`),
    good,
  ],
  ["data that is empty", response(`data:\n\n${data(...HELLO)}data: \n\n${data(STOP, DONE)}`), good],
  ["CRLF", response(data(...HELLO, STOP, DONE).replaceAll("\n", "\r\n")), good],
  ["no empty lines", response(data(...HELLO, STOP, DONE).replaceAll("\n\n", "\n")), good],
  ["no [DONE]", response(data(...HELLO, STOP)), good],
  ["no finish reason", response(data(...HELLO, DONE)), good],
  ["no line end at the end", response(data(...HELLO, STOP, usage(count(7, 5))).trimEnd()), counted],
  [
    "JSON over several lines",
    response(
      HELLO.map((event) =>
        `data: ${JSON.stringify(event, null, 1).replaceAll("\n", "\ndata: ")}\n\n`
      )
        .join("") + data(STOP, DONE),
    ),
    good,
  ],
  ["a finish reason much later", response(data(...HELLO, delta({}), { choices: [] }, STOP)), good],
  ["no end at all", response(data(...HELLO)), {
    ...failed,
    failure: "truncated",
    text: "Hello world!",
    token_events: 5,
  }],
  // usage
  [
    "usage in every event",
    response(data(...HELLO.map((event, i) => ({ ...event, usage: count(7, i + 1) })), STOP, DONE)),
    counted,
  ],
  [
    "usage of zeros, then the real one, then null",
    response(data(
      ...HELLO.map((event) => ({ ...event, usage: count(0, 0) })),
      { ...STOP, usage: count(7, 9) },
      { choices: [], usage: null },
      DONE,
    )),
    { ...counted, completion_tokens: 9 },
  ],
  [
    "usage of zeros alone",
    response(data(...HELLO.map((event) => ({ ...event, usage: count(7, 0) })), STOP, DONE)),
    { ...good, prompt_tokens: 7 },
  ],
  [
    "a total alone",
    response(data(...HELLO, STOP, usage({ prompt_tokens: 7, total_tokens: 16 }), DONE)),
    {
      ...counted,
      completion_tokens: 9,
    },
  ],
  [
    "usage in the choice",
    response(data(...HELLO, {
      choices: [{ index: 0, delta: {}, finish_reason: "stop", usage: count(7, 5) }],
    }, DONE)),
    counted,
  ],
  [ // as Google's page on Grok models has it: "separated from the completion_tokens"
    "xAI's usage, reasoning beside the answer's tokens",
    response(data(
      ...HELLO,
      STOP,
      usage({
        ...{ prompt_tokens: 7, completion_tokens: 5, total_tokens: 106 },
        completion_tokens_details: { reasoning_tokens: 94 },
      }),
      DONE,
    )),
    { ...counted, completion_tokens: 99, details: { reasoning_tokens: 94 } },
  ],
  [
    "Groq's usage",
    response(data(...HELLO, { ...STOP, x_groq: { usage: count(7, 5) } }, DONE)),
    counted,
  ],
  [
    "all that usage may tell",
    response(data(
      ...HELLO,
      STOP,
      usage(count(9, 5, {
        prompt_tokens_details: { cached_tokens: 4, audio_tokens: 1, cache_write_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 0 },
      })),
      DONE,
    )),
    {
      ...counted,
      prompt_tokens: 9,
      details: {
        cached_tokens: 4,
        cache_written_tokens: 2,
        reasoning_tokens: 3,
        prompt_audio_tokens: 1,
        completion_audio_tokens: 0,
      },
    },
  ],
  [
    "DeepSeek's cache and SGLang's reasoning",
    response(data(
      ...HELLO,
      STOP,
      usage(count(7, 5, {
        prompt_cache_hit_tokens: 6,
        prompt_cache_miss_tokens: 1,
        reasoning_tokens: 2,
        prompt_tokens_details: null,
      })),
      DONE,
    )),
    { ...counted, details: { cached_tokens: 6, reasoning_tokens: 2 } },
  ],
  [
    "Anthropic's names, whose input leaves out the cache",
    response(data(
      ...HELLO,
      STOP,
      usage({
        input_tokens: 2,
        cache_read_input_tokens: 4,
        cache_creation_input_tokens: 1,
        output_tokens: 5,
      }),
      DONE,
    )),
    { ...counted, details: { cached_tokens: 4, cache_written_tokens: 1 } },
  ],
  // answers that are none
  ["usage without a text", response(data(delta({ content: "" }), STOP, usage(count(7, 5)), DONE)), {
    ...refused("empty_reply", "its usage says 5 tokens"),
    prompt_tokens: 7,
    completion_tokens: 5,
    source: "usage",
  }],
  ["a filtered answer", response(data(delta({}, "content_filter"), DONE)), {
    ...refused("empty_reply", "content_filter"),
  }],
  // errors within a success
  [
    "an event called an error",
    response(
      `${data(delta({ content: "a" }))}event: error\ndata: {"message":"it died"}\n\n${data(DONE)}`,
    ),
    { ...failed, says: "it died" },
  ],
  [
    "an event called an error, of a kind that is not tried again",
    response('event: error\ndata: {"error":{"type":"invalid_request_error","message":"no"}}\n\n'),
    refused("http_4xx", "no"),
  ],
  [
    "a field called error",
    response(`${data(delta({ content: "a" }))}error: {"message":"it died"}\n\n`),
    {
      ...failed,
      says: "it died",
    },
  ],
  [
    "an object without its field",
    response(`${data(delta({ content: "a" }))}{"error":"it died"}\n`),
    {
      ...failed,
      says: "it died",
    },
  ],
  ...[
    ["an error in an event", { error: { message: "it died", code: 500 } }],
    ["an error that is a text", { error: "it died" }],
    ["an object that is an error", { object: "error", message: "it died", code: 500 }],
    ["a finish reason that is an error", delta({}, "error", { error: { message: "it died" } })],
    ["a choice's error", {
      choices: [{ delta: {}, finish_reason: "error", error: { code: 502, message: "it died" } }],
    }],
  ].map(([name, event]): Row => [
    name as string,
    response(data(delta({ content: "a" }), event, DONE)),
    { ...failed, says: "it died" },
  ]),
  [
    "a finish reason error alone",
    response(data(delta({ content: "a" }), delta({}, "error"), DONE)),
    {
      ...failed,
      says: '"error"',
    },
  ],
  [
    "DeepSeek's want of resources",
    response(data(
      delta({ content: "a" }),
      delta({}, "insufficient_system_resource"),
    )),
    { ...failed, says: "insufficient_system_resource" },
  ],
  ["vLLM's abort", response(data(delta({ content: "a" }), delta({}, "abort"), DONE)), {
    ...failed,
    failure: "truncated",
    says: "abort",
  }],
  [
    "busy",
    response(data({ error: { message: "slow down", code: 429 } })),
    refused("http_429", "slow"),
  ],
  [
    "overloaded by its type",
    response(data({ error: { message: "slow", type: "rate_limit_error" } })),
    {
      ...refused("http_429", "slow"),
    },
  ],
  [
    "a code that is a text",
    response(data({ error: { message: "who", code: "invalid_api_key" } })),
    {
      ...refused("auth", "who"),
    },
  ],
  [
    "an error's JSON where a stream was asked: a context that is exceeded",
    whole({
      error: {
        message: "This model's maximum context length is 4096 tokens.",
        type: "invalid_request_error",
        code: "context_length_exceeded",
      },
    }),
    refused("http_4xx", "maximum context length"),
  ],
  [
    "the same as vLLM has it, called a stream",
    response(json({
      object: "error",
      message: "This model's maximum context length is 4096 tokens.",
      type: "BadRequestError",
      code: 400,
    })),
    refused("http_4xx", "maximum context length"),
  ],
  [
    "TGI's validation",
    whole({ error: "Input validation error: too many", error_type: "validation" }),
    refused("http_4xx", "too many"),
  ],
  ["Gemini's list", whole([{ error: { code: 400, message: "no", status: "INVALID_ARGUMENT" } }]), {
    ...refused("http_4xx", "no"),
  }],
  ["an HTTP error in FastAPI's form", whole({ detail: "Not Found" }, "404 Not Found"), {
    ...refused("http_4xx", "HTTP 404: Not Found"),
  }],
  ["an HTTP error as a gateway of AWS has it", whole({ Message: "denied" }, "404 Not Found"), {
    ...refused("http_4xx", "HTTP 404: denied"),
  }],
  [
    "an HTTP error as Cloudflare has it",
    whole({ errors: [{ code: 7003, message: "no route" }], success: false }, "400 Bad Request"),
    refused("http_4xx", "HTTP 400: no route"),
  ],
  [
    "an error of Hugging Face's router",
    response(data({ error: { message: "bad", http_status_code: 422 } })),
    refused("http_4xx", "bad"),
  ],
  [
    "an HTTP error as an event",
    response(data({ error: { message: "it died" } }), "text/event-stream", "500 Error"),
    refused("http_5xx", "HTTP 500: it died"),
  ],
];

const COMPLETIONS: Row[] = [
  [
    "a stream of texts",
    response(data(
      ...["Hel", "lo"].map((text) => ({ choices: [{ index: 0, text, finish_reason: null }] })),
      { choices: [{ index: 0, text: "", finish_reason: "length" }], usage: count(7, 2) },
      DONE,
    )),
    { ...counted, text: "Hello", token_events: 2, completion_tokens: 2 },
  ],
  [
    "a body of a text",
    whole({ choices: [{ index: 0, text: "hi", finish_reason: "stop" }], usage: count(7, 1) }),
    { ...bodyOf("hi"), prompt_tokens: 7, completion_tokens: 1, source: "usage" },
  ],
];

const said = (type: string, fields: object) => ({ type: `response.${type}`, ...fields });
const output = (delta: string) => said("output_text.delta", { delta, output_index: 0 });
const completed = (fields: object = {}) =>
  said("completed", {
    response: {
      status: "completed",
      error: null,
      usage: { input_tokens: 7, output_tokens: 3 },
      ...fields,
    },
  });

const RESPONSES: Row[] = [
  [
    "a stream",
    response(data(
      said("created", { response: { status: "in_progress", error: null, output: [] } }),
      said("reasoning_summary_text.delta", { delta: "hm" }),
      output("Hel"),
      output("lo"),
      completed({
        usage: {
          input_tokens: 7,
          input_tokens_details: { cached_tokens: 4 },
          output_tokens: 3,
          output_tokens_details: { reasoning_tokens: 1 },
        },
      }),
    )),
    {
      ...counted,
      text: "Hello",
      reasoning: "hm",
      token_events: 3,
      completion_tokens: 3,
      details: { cached_tokens: 4, reasoning_tokens: 1 },
    },
  ],
  ["a refusal", response(data(said("refusal.delta", { delta: "No." }), completed())), {
    ...counted,
    text: "No.",
    token_events: 1,
    completion_tokens: 3,
  }],
  [
    "a call",
    response(data(
      said("output_item.added", { output_index: 0, item: { type: "function_call", name: "f" } }),
      said("function_call_arguments.delta", { output_index: 0, delta: "{}" }),
      completed(),
    )),
    { ...counted, text: "", token_events: 2, completion_tokens: 3 },
  ],
  [
    "an answer that its last event alone tells",
    response(data(completed({
      output: [{ type: "message", content: [{ type: "output_text", text: "hi" }] }],
    }))),
    { ...counted, text: "hi", token_events: 1, completion_tokens: 3 },
  ],
  [
    "an answer that is cut by its limit",
    response(data(
      output("a"),
      said("incomplete", {
        response: { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
      }),
    )),
    { ...good, text: "a", token_events: 1, completion_tokens: 1 },
  ],
  [
    "a response that failed",
    response(data(
      output("a"),
      said("failed", {
        response: { status: "failed", error: { code: "server_error", message: "it died" } },
      }),
    )),
    { ...failed, says: "it died" },
  ],
  [
    "an error",
    response(data(output("a"), { type: "error", code: "rate_limit_exceeded", message: "slow" })),
    { ...failed, failure: "http_429", says: "slow" },
  ],
  ["a stream that is cut", response(data(output("a"))), { ...failed, failure: "truncated" }],
  [
    "a body",
    whole({
      status: "completed",
      error: null,
      output: [
        { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }] },
        { type: "message", content: [{ type: "output_text", text: "hi" }] },
      ],
      usage: { input_tokens: 7, output_tokens: 3 },
    }),
    {
      ...bodyOf("hi"),
      reasoning: "hm",
      prompt_tokens: 7,
      completion_tokens: 3,
      source: "usage",
    },
  ],
  [
    "a body that failed",
    whole({ status: "failed", error: { code: "server_error", message: "it died" }, output: [] }),
    refused("http_5xx", "it died"),
  ],
];

function message(fields: object) {
  return {
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", ...fields }, finish_reason: "stop" }],
  };
}

/** A whole answer without usage: nobody counts its tokens. */
function bodyOf(text: string): Behaviour["expected"] {
  return { ...good, text, token_events: 0, completion_tokens: null, source: null };
}

const rows = (path: Behaviour["path"], list: Row[]): Behaviour[] =>
  list.map(([name, response, expected]) => ({ name, path, response, expected }));

export const BEHAVIOURS: readonly Behaviour[] = [
  ...rows("/chat/completions", CHAT),
  ...rows("/completions", COMPLETIONS),
  ...rows("/responses", RESPONSES),
];

/** A server that behaves as the question's text names it; its other paths are not found. */
export async function behaving(): Promise<{ url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let asked = "";
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      asked += bytes.toString();
      const [head, body] = asked.split("\r\n\r\n");
      const bytes_expected = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
      if (body === undefined || length(body) < bytes_expected) return;
      const [method, path] = asked.split(" ");
      asked = "";
      if (method === "GET") return socket.write(whole({}, "404 Not Found"));
      const { messages, prompt, input } = JSON.parse(body);
      const words = messages?.[0].content ?? prompt ?? input?.[0]?.content ?? input;
      const found = BEHAVIOURS.find((each) => `/v1${each.path}` === path && each.name === words);
      socket.write(found!.response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
