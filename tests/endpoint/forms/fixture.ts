/** Answers fed to the reader, and requests as forms make them. */
import { assertThrows } from "@std/assert";
import { Reply } from "../../../lib/endpoint/answer.ts";
import { settleApi } from "../../../lib/endpoint/api.ts";
import { requestBody } from "../../../lib/endpoint/forms/forms.ts";
import type { ApiOptions } from "../../../lib/endpoint/api.ts";
import type { Question } from "../../../lib/endpoint/question.ts";
import type { ApiType } from "../../../lib/endpoint/forms/forms.ts";
import type { ApiForm } from "../../../lib/endpoint/forms/form.ts";

/** Feeds the events of a stream, a millisecond apart. */
export function streamed(form: ApiType | ApiForm, events: readonly unknown[]): Reply {
  const reply = new Reply(form);
  events.forEach((event, i) => {
    reply.event(typeof event === "string" ? event : JSON.stringify(event), (i + 1) * 1e6);
  });
  reply.end();
  return reply;
}

/** Feeds a whole answer: JSON, or the bytes of a file. */
export function whole(form: ApiType | ApiForm, answer: unknown): Reply {
  const reply = new Reply(form);
  reply.took(
    answer instanceof Uint8Array
      ? { body: "", bytes: answer }
      : { body: typeof answer === "string" ? answer : JSON.stringify(answer) },
  );
  reply.end();
  return reply;
}

/** The class of the failure that reading an answer ends with. */
export function failureOf(read: () => unknown): string | undefined {
  return (assertThrows(read) as { failure?: string }).failure;
}

/** The URL and the body that a question is posted with. */
export function asked(
  endpoint: string,
  question: Question,
  options: ApiOptions = {},
): { url: string; body: Record<string, unknown> } {
  const api = settleApi({ endpoint, model: "m", ...options }, () => {});
  return { url: api.endpoint, body: requestBody(question, api) };
}

/** A conversation in OpenAI's form: a system message, a call of a tool with its result, an image. */
export const conversation = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Weather in Oslo?" },
  {
    role: "assistant",
    content: null,
    tool_calls: [{
      id: "call_1",
      type: "function",
      function: { name: "weather", arguments: '{"city":"Oslo"}' },
    }],
  },
  { role: "tool", tool_call_id: "call_1", content: "rain" },
  {
    role: "user",
    content: [
      { type: "text", text: "And this?" },
      { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
    ],
  },
];
/** Of the tool's arguments. */
export const schema = { type: "object", properties: { city: { type: "string" } } };
/** The parameters of a question that demands a call of the tool. */
export const parameters = {
  max_tokens: 50,
  temperature: 0,
  stop: "END",
  tools: [{
    type: "function",
    function: { name: "weather", description: "now", parameters: schema },
  }],
  tool_choice: "required",
};
