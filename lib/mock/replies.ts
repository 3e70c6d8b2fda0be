/** What the mock says in each API's form. */
import { choicesBody, deltaEvent, finishEvent, roleEvent, usageEvent } from "./choices.ts";
import { responsesBody, responsesDelta, responsesEvents } from "./responses.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";

/** A server-sent event as it is played. */
export interface SentEvent {
  kind: "role" | "token" | "finish" | "usage";
  /** The JSON of its data. */
  event: string;
  /** Its type, in the API that names types. */
  name?: string;
  /** Of a token: how many tokens of its choice went before. */
  step: number;
  /** Of a token of content: its text, and whose it is. */
  content?: { index: number; text: string };
}

/** The whole answer as one body. */
export function wholeBody(asked: Asked, answer: MockAnswer): unknown {
  return asked.api_type === "responses" ? responsesBody(asked, answer) : choicesBody(asked, answer);
}

/** Every event of a streamed answer, in the order of sending. */
export function eventsOf(asked: Asked, answer: MockAnswer): SentEvent[] {
  return asked.api_type === "responses" ? typedEvents(asked, answer) : choiceEvents(asked, answer);
}

/** An event with text, for faults that add one. */
export function textEvent(asked: Asked, answer: MockAnswer, text: string, index = 0): SentEvent {
  const typed = asked.api_type === "responses";
  const json = typed
    ? responsesDelta(answer, text)
    : deltaEvent(asked, answer, index, { content: text }, null);
  return {
    kind: "token",
    event: JSON.stringify(json),
    step: 0,
    ...(typed ? { name: "response.output_text.delta" } : {}),
  };
}

function typedEvents(asked: Asked, answer: MockAnswer): SentEvent[] {
  let step = -1;
  return responsesEvents(asked, answer).map(({ kind, json }) => {
    if (kind === "token") step++;
    const said = json.type === "response.output_text.delta"
      ? { content: { index: 0, text: String(json.delta) } }
      : {};
    return { kind, event: JSON.stringify(json), name: json.type, step: Math.max(0, step), ...said };
  });
}

/** The choices of one request take turns: a token of each, then the next of each. */
function choiceEvents(asked: Asked, answer: MockAnswer): SentEvent[] {
  const events: SentEvent[] = [];
  const add = (kind: SentEvent["kind"], json: unknown, step: number, more = {}) =>
    events.push({ kind, event: JSON.stringify(json), step, ...more });
  if (asked.api_type === "chat") {
    for (const { index } of answer.choices) add("role", roleEvent(asked, answer, index), 0);
  }
  const steps = Math.max(1, ...answer.choices.map(({ deltas }) => deltas.length));
  let sent = 0;
  for (let step = 0; step < steps; step++) {
    for (const choice of answer.choices) {
      const { index, deltas } = choice;
      const delta = deltas[step];
      if (delta !== undefined) {
        const so_far = asked.usage_so_far ? ++sent : null;
        const said = "content" in delta ? { content: { index, text: delta.content } } : {};
        add("token", deltaEvent(asked, answer, index, delta, so_far), step, said);
      }
      if (step === Math.max(0, deltas.length - 1)) {
        add("finish", finishEvent(asked, answer, choice), step);
      }
    }
  }
  if (asked.include_usage) add("usage", usageEvent(asked, answer), steps - 1);
  return events;
}

/** An error in the OpenAI form. */
export function errorBody(message: string, type: string, code: string | number | null): unknown {
  return { error: { message, type, param: null, code } };
}
