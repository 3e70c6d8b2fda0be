/** The mock's answers in each API's form. */
import { converseAnswer, converseEvents, converseText } from "./bedrock.ts";
import { choicesBody, deltaEvent, finishEvent, roleEvent, usageEvent } from "./choices.ts";
import { geminiAnswer, geminiError, geminiEvents, geminiText } from "./gemini.ts";
import { KSERVE_GENERATE_ANSWERS, KSERVE_INFER_ANSWERS } from "./kserve.ts";
import { LLAMACPP_ANSWERS } from "./llamacpp.ts";
import { messagesDelta, messagesError, messagesEvents, wholeMessage } from "./messages.ts";
import { responsesBody, responsesDelta, responsesEvents } from "./responses.ts";
import { TGI_ANSWERS } from "./tgi.ts";
import { TRANSCRIPTION_ANSWERS } from "./transcription.ts";
import { objectOr } from "../json_fields.ts";
import { formOf } from "./form.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { TextApi } from "./form.ts";
import type { MockForm } from "./mock_form.ts";
import type { SentEvent, TypedEvent } from "./sent_event.ts";

const choices: MockForm = {
  whole: choicesBody,
  events: choiceEvents,
  text: (asked, answer, text, index) => deltaEvent(asked, answer, index, { content: text }, null),
  last: "[DONE]",
};

/** By the form's name. */
export const MOCK_FORMS: Readonly<Record<TextApi, MockForm>> = {
  chat: choices,
  completions: choices,
  responses: {
    whole: responsesBody,
    events: (asked, answer) => typedEvents(responsesEvents(asked, answer)),
    text: (_asked, answer, text) => responsesDelta(answer, text),
    last: "",
  },
  messages: {
    whole: wholeMessage,
    events: (asked, answer) => typedEvents(messagesEvents(asked, answer)),
    text: (_asked, _answer, text) => messagesDelta(text),
    error: messagesError,
    last: "",
  },
  gemini: {
    whole: geminiAnswer,
    events: geminiEvents,
    text: geminiText,
    error: (message, _type, code) => geminiError(typeof code === "number" ? code : 404, message),
    last: "",
  },
  converse: {
    whole: (_asked, answer) => converseAnswer(answer),
    events: (_asked, answer) => converseEvents(answer),
    text: (_asked, _answer, text) => converseText(text),
    error: (message) => ({ message }),
    last: "",
  },
  kserve: KSERVE_GENERATE_ANSWERS,
  kserve_infer: KSERVE_INFER_ANSWERS,
  tgi: TGI_ANSWERS,
  llamacpp: LLAMACPP_ANSWERS,
  transcription: TRANSCRIPTION_ANSWERS,
};

/** An event with text, for faults that insert one. */
export function textEvent(asked: Asked, answer: MockAnswer, text: string, index = 0): SentEvent {
  const json = MOCK_FORMS[asked.api_type].text(asked, answer, text, index);
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

/** The choices of one request alternate: one token of each, then the next of each. */
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

/** An error in the form of the API at a path; OpenAI's form if the API has none. */
export function errorBody(
  message: string,
  type: string,
  code: string | number | null,
  path = "",
): unknown {
  return MOCK_FORMS[formOf(path)].error?.(message, type, code) ??
    { error: { message, type, param: null, code } };
}
