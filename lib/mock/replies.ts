/** What the mock says in each API's form. */
import { converseAnswer, converseEvents, converseText } from "./bedrock.ts";
import { choicesBody, deltaEvent, finishEvent, roleEvent, usageEvent } from "./choices.ts";
import { geminiAnswer, geminiError, geminiEvents, geminiText } from "./gemini.ts";
import { messagesDelta, messagesError, messagesEvents, wholeMessage } from "./messages.ts";
import { responsesBody, responsesDelta, responsesEvents } from "./responses.ts";
import { objectOr } from "../json_fields.ts";
import { formOf } from "./form.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { SentEvent, TypedEvent } from "./sent_event.ts";

/** The whole answer as one body. */
export function wholeBody(asked: Asked, answer: MockAnswer): unknown {
  switch (asked.api_type) {
    case "responses":
      return responsesBody(asked, answer);
    case "messages":
      return wholeMessage(asked, answer);
    case "gemini":
      return geminiAnswer(asked, answer);
    case "converse":
      return converseAnswer(answer);
    default:
      return choicesBody(asked, answer);
  }
}

/** Every event of a streamed answer, in the order of sending. */
export function eventsOf(asked: Asked, answer: MockAnswer): SentEvent[] {
  switch (asked.api_type) {
    case "responses":
      return typedEvents(responsesEvents(asked, answer));
    case "messages":
      return typedEvents(messagesEvents(asked, answer));
    case "gemini":
      return geminiEvents(asked, answer);
    case "converse":
      return converseEvents(answer);
    default:
      return choiceEvents(asked, answer);
  }
}

/** An event with text, for faults that add one. */
export function textEvent(asked: Asked, answer: MockAnswer, text: string, index = 0): SentEvent {
  const json = asked.api_type === "responses"
    ? responsesDelta(answer, text)
    : asked.api_type === "messages"
    ? messagesDelta(text)
    : asked.api_type === "gemini"
    ? geminiText(asked, answer, text, index)
    : asked.api_type === "converse"
    ? converseText(text)
    : deltaEvent(asked, answer, index, { content: text }, null);
  const { type } = json as { type?: string };
  return {
    kind: "token",
    event: JSON.stringify(json),
    step: 0,
    ...(type === undefined ? {} : { name: type }),
  };
}

function typedEvents(events: TypedEvent[]): SentEvent[] {
  let step = -1;
  return events.map(({ kind, json }) => {
    if (kind === "token") step++;
    const { text } = objectOr(json.delta);
    const words = json.type === "response.output_text.delta" ? json.delta : text;
    const said = typeof words === "string" ? { content: { index: 0, text: words } } : {};
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

/** An error in the form of the API at a path; OpenAI's without one. */
export function errorBody(
  message: string,
  type: string,
  code: string | number | null,
  path = "",
): unknown {
  const form = formOf(path);
  if (form === "messages") return messagesError(message, type);
  if (form === "converse") return { message };
  if (form === "gemini") return geminiError(typeof code === "number" ? code : 404, message);
  return { error: { message, type, param: null, code } };
}
