/** The interface through which the mock answers in a form of API. */
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { SentEvent } from "./sent_event.ts";

/** How to answer in a form. */
export interface MockForm {
  /** The whole answer as one body: JSON, or text. */
  whole(asked: Asked, answer: MockAnswer): unknown;
  /** Every event of a streamed answer, in sending order. */
  events(asked: Asked, answer: MockAnswer): SentEvent[];
  /** The JSON of an event with only this text, for faults that insert one. */
  text(asked: Asked, answer: MockAnswer, text: string, index: number): unknown;
  /** An error in the form; OpenAI's error if missing. */
  error?(message: string, type: string, code: string | number | null): unknown;
  /** The word that ends a stream; empty if there is none. */
  last: "[DONE]" | "";
}

/**
 * The events of a stream in which every token is a text of the first answer, and the event that
 * ends it.
 *
 * @param text returns the JSON of an event with this text.
 */
export function textEvents(
  { choices: [{ deltas }] }: MockAnswer,
  text: (text: string) => unknown,
  end: unknown,
): SentEvent[] {
  const told = deltas.map((delta, step): SentEvent => {
    const words = "content" in delta ? delta.content : "";
    const event = JSON.stringify(text(words));
    return { kind: "token", event, step, content: { index: 0, text: words } };
  });
  const step = Math.max(0, told.length - 1);
  return [...told, { kind: "finish", event: JSON.stringify(end), step }];
}
