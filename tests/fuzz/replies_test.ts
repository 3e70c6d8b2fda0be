/** Random answers: bytes of HTTP and of event streams, chunks of JSON, code between prose. */
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { coveredPoints } from "../../lib/schedule/coverage.ts";
import { Reply } from "../../lib/endpoint/answer.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { ResponseParser } from "../../lib/endpoint/http_response.ts";
import { EventSplitter } from "../../lib/endpoint/sse.ts";
import { parseExposition } from "../../lib/load/server/prometheus_text.ts";
import { exportedMemories } from "../../lib/run/memory_session.ts";
import { resolveEvaluator } from "../../lib/suite/evaluate.ts";
import { splitThinking } from "../../lib/suite/thinking.ts";
import { jsonIn } from "../../lib/suite/evaluators/json_schema.ts";
import { chosenLetter } from "../../lib/suite/evaluators/choice_reader.ts";
import { numbersIn } from "../../lib/suite/evaluators/numbers.ts";
import { extractCode } from "../../lib/coding/extract/extract_code.ts";
import { nearJson } from "./near_json.ts";
import { property, texts } from "./fuzzing.ts";

/** The share of key points that an answer holds. */
const coverageScore = (answer: string, key_points: readonly string[]) =>
  coveredPoints(answer, key_points).filter(Boolean).length / key_points.length;

/** Runs a parser; its complaint, where it has one. */
function refusal(attempt: () => void): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    assert(error instanceof EndpointError, (error as Error).stack);
    return error.failure;
  }
}

/** The text's bytes in pieces, cut at the given places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

function parsed(parts: Buffer[]) {
  const seen = { heads: 0, status: 0, body: "", done: false, refused: null as string | null };
  const parser = new ResponseParser({
    onHead: ({ status }) => Object.assign(seen, { heads: seen.heads + 1, status }),
    onBody: (bytes) => seen.body += bytes.toString("latin1"),
  });
  seen.refused = refusal(() => {
    for (const part of parts) parser.push(part);
    parser.end();
  });
  return { ...seen, done: parser.done };
}

const HTTP = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "content-length: 5\r\n",
  "transfer-encoding: chunked\r\n",
  "connection: close\r\n",
  "__proto__: polluted\r\n",
  "\r\n",
  "\n",
  "5\r\n",
  "hello",
  "0\r\n",
  ":",
  " ",
  ";",
  "ffffffffffff\r\n",
];

property(
  "HTTP means the same however it is cut",
  fc.tuple(texts(...HTTP), cuts),
  ([text, at]) => {
    const bytes = Buffer.from(text, "latin1");
    const whole = parsed([bytes]);
    const cut = parsed(pieces(bytes, at));
    assertEquals(cut.refused === null, whole.refused === null);
    assert(whole.heads <= 1);
    if (whole.refused === null) assertEquals(cut, whole);
  },
  { runs: 600 },
);

function events(parts: Buffer[]): string[] {
  const seen: string[] = [];
  const splitter = new EventSplitter((data) => seen.push(data));
  for (const part of parts) splitter.push(part);
  return seen;
}

property(
  "events are the same however they are cut",
  fc.tuple(texts("data:", "data", " ", "\n", "\r", "\r\n", ":", "event: x", "é", "\uFEFF"), cuts),
  ([text, at]) => {
    const bytes = Buffer.from(text);
    assertEquals(events(pieces(bytes, at)), events([bytes]));
  },
  { runs: 600 },
);

const call = { index: 0, id: "c", function: { name: "f", arguments: "{}" } };
const usage = { prompt_tokens: 3, completion_tokens: 5 };
const chunks = [
  { choices: [{ index: 0, delta: { content: "a", reasoning_content: "b", tool_calls: [call] } }] },
  { choices: [{ index: 0, text: "a", finish_reason: "stop" }], usage },
  { error: { message: "no", code: 429 } },
];
const body = {
  id: "1",
  choices: [{ index: 0, message: { role: "assistant", content: "a", tool_calls: [call] } }],
  usage,
};

property(
  "a stream's chunks near valid ones",
  fc.array(nearJson(...chunks), { maxLength: 6 }),
  (list) => {
    const reply = new Reply("chat");
    refusal(() => {
      list.forEach((chunk, i) => reply.event(chunk, i));
      reply.event("[DONE]", list.length);
    });
    JSON.stringify(reply.toJson());
    for (const count of [reply.prompt_tokens, reply.completion_tokens, reply.tokens.count]) {
      assert(count === null || (Number.isSafeInteger(count) && count >= 0));
    }
    assertEquals(typeof reply.text + typeof reply.reasoning, "stringstring");
  },
  { runs: 600, earlier: [['{"error":{"message":{"toString":null},"code":429}}']] },
);

const typed = [
  { type: "response.output_text.delta", delta: "a", output_index: 0, item_id: "m" },
  { type: "response.function_call_arguments.delta", delta: "{}", output_index: 1 },
  {
    type: "response.output_item.added",
    output_index: 1,
    item: { type: "function_call", name: "f" },
  },
  { type: "response.failed", response: { status: "failed", error: { code: "c", message: "no" } } },
  {
    type: "response.completed",
    response: {
      status: "completed",
      incomplete_details: { reason: "max_output_tokens" },
      output: [
        { type: "reasoning", summary: [{ text: "b" }] },
        { type: "message", content: [{ type: "output_text", text: "a" }, { refusal: "no" }] },
      ],
      usage: { input_tokens: 3, output_tokens: 5, input_tokens_details: { cached_tokens: 2 } },
    },
  },
];

property(
  "a response's events near valid ones, named errors among them",
  fc.array(fc.tuple(nearJson(...typed), fc.boolean()), { maxLength: 6 }),
  (list) => {
    const reply = new Reply("responses");
    refusal(() => {
      list.forEach(([event, error], i) => error ? reply.errorEvent(event) : reply.event(event, i));
      reply.end();
    });
    refusal(() => list.forEach(([event]) => new Reply("responses").body(event)));
    JSON.stringify([reply.toJson(), reply.usage_details, reply.counted()]);
    assertEquals(typeof reply.text + typeof reply.reasoning, "stringstring");
  },
  { runs: 600 },
);

property("an answer's body near a valid one", nearJson(body), (text) => {
  const reply = new Reply("completions");
  refusal(() => reply.body(text));
  JSON.stringify(reply.toJson());
  assertEquals(typeof reply.text, "string");
}, { runs: 600 });

const CODE = [
  "```",
  "```python\n",
  "~~~",
  "def twice(n):\n",
  "    return 2 * n\n",
  "class A:\n",
  '"""',
  "'''",
  "'",
  '"',
  "<think>",
  "</think>",
  "\n",
  "\t",
  "    ",
  "#",
  "\\",
  "(",
  "]",
  "{",
  '{"code": "',
  "if __name__ == '__main__':\n",
  "Here is the code:\n",
  ">>> ",
  "`",
  "<code>",
  "import os\n",
  "@wraps\n",
  "lambda",
  "twice",
  "1. ",
  "\u00a0",
];
const problem = { prompt: 'def twice(n):\n    """Twice n."""\n', entry_point: "twice" };

property(
  "code of a reply",
  fc.tuple(texts(...CODE), fc.option(texts(...CODE))),
  ([text, reasoning]) => {
    const { code, how } = extractCode({ text, reasoning }, problem);
    if (code !== null) assert(code.includes("twice"));
    assert(how.length > 0);
  },
);

property(
  "code of a reply in which one piece comes very often",
  fc.tuple(fc.constantFrom(...CODE), fc.constantFrom(...CODE), fc.integer({ min: 1, max: 3000 })),
  ([piece, other, times]) => {
    extractCode({ text: (piece + other).repeat(times), reasoning: null }, problem);
  },
  { runs: 30 },
);

property(
  "code for a problem that is strange itself",
  fc.tuple(texts(...CODE), texts("twice", "(", "*", "\\", "$")),
  ([prompt, entry_point]) => {
    extractCode({ text: `${prompt}\n${entry_point}`, reasoning: null }, { prompt, entry_point });
  },
);

/** Every evaluator that runs nothing of the user's, with options of its own. */
const judges = await Promise.all(
  [
    { name: "exact", expected: "a" },
    { name: "contains", expected: "a" },
    { name: "regex", pattern: "a|b" },
    { name: "targets", targets: ["a", "b"] },
    { name: "json_schema", schema: { type: "object", properties: { a: { multipleOf: 0.01 } } } },
    { name: "numeric", expected: 1 },
    { name: "math", expected: "\\frac{x}{2}" },
    { name: "multiple_choice", expected: "B", choices: 4 },
    { name: "rouge", expected: "a few words", variant: "rougeLsum" },
    { name: "bleu", expected: "a few words" },
    { name: "chrf", expected: "a few words", word_order: 2 },
    { name: "refusal" },
    {
      name: "ifeval",
      instruction_id_list: ["length_constraints:number_sentences", "change_case:english_capital"],
      kwargs: [{ num_sentences: 2, relation: "at least" }, {}],
      mode: "loose",
    },
  ].map((choice) => resolveEvaluator(choice, "fuzz", "/")),
);

property(
  "answers that evaluators judge",
  texts(
    ...[
      "A",
      "(B)",
      "answer is ",
      "not ",
      " or ",
      "**",
      "1,000",
      "-",
      "$",
      "1e5",
      ".",
      "{",
      "}",
      "=",
    ],
    ...[
      '"a":',
      "[",
      "]",
      "\\boxed{",
      "\\frac",
      "\\sqrt",
      "x",
      "^",
      "_",
      "(",
      ")",
      "|",
      "\n",
      "½",
      "²",
    ],
    ...[
      "I can't ",
      "help",
      "答案是",
      "×",
      "±",
      "\\{",
      "\\}",
      "\\text{",
      ",",
      "<answer>",
      "</answer>",
      "\ud800",
    ],
  ),
  async (response_text) => {
    const test = { id: "t", name: "t", category: "c", prompt: "p" };
    const { signal } = new AbortController();
    for (const judge of judges) {
      const answer = { test, prompt_text: "p", response_text, reasoning_text: null, signal };
      const { hit_rate, passed } = await judge.evaluate(answer);
      assert(hit_rate >= 0 && hit_rate <= 1 && typeof passed === "boolean", judge.name);
    }
  },
);

property(
  "answers that evaluators look through",
  texts("A", ")", "(B)", "answer is ", "**", "1,000", "-", "1e5", ".", "{", "}", '"a":', "[", "]"),
  (text) => {
    for (const number of numbersIn(text)) assert(!Number.isNaN(number));
    const letter = chosenLetter(text, 4);
    assert(letter === null || /^[A-D]$/.test(letter));
    jsonIn(text);
    splitThinking(text);
    const score = coverageScore(text, ["a few words", text || "x"]);
    assert(score >= 0 && score <= 1);
  },
);

property(
  "metrics of a server",
  texts(
    "# TYPE a counter\n",
    "a",
    "{",
    'b="c"',
    "}",
    " ",
    "1",
    "\n",
    "NaN",
    "+Inf",
    "\\",
    '"',
    ",",
  ),
  (text) => {
    const { samples } = parseExposition(text);
    for (const { labels } of samples) assertEquals(typeof labels, "object");
  },
);

property(
  "what a memory server exports",
  nearJson(
    { structuredContent: { memories: [{ id: "1", title: "t", content: "c", metadata: {} }] } },
    { content: [{ type: "text", text: '{"memories": [{"title": "t", "metadata": {}}]}' }] },
  ),
  (text) => {
    let result;
    try {
      result = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof result === "object" && result !== null) exportedMemories(result);
  },
);

Deno.test("found before, memories: a title that is no text", () => {
  const memories = [{ title: { toString: null }, content: 1, tags: [{ valueOf: null }] }];
  const [memory] = exportedMemories({ structuredContent: { memories } })!;
  assertEquals([memory.title, memory.content], ['{"toString":null}', "1"]);
  assertEquals(memory.tags, ['{"valueOf":null}']);
});
