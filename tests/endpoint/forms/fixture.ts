/** Answers fed to the reader, and requests as forms make them. */
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

/** The URL and the body that a question is posted with. */
export function asked(
  endpoint: string,
  question: Question,
  options: ApiOptions = {},
): { url: string; body: Record<string, unknown> } {
  const api = settleApi({ endpoint, model: "m", ...options }, () => {});
  return { url: api.endpoint, body: requestBody(question, api) };
}
