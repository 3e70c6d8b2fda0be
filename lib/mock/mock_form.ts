/** What the mock needs of a form of API to answer in it. */
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { SentEvent } from "./sent_event.ts";

/** How a form is answered. */
export interface MockForm {
  /** The whole answer as one body: JSON, or a text. */
  whole(asked: Asked, answer: MockAnswer): unknown;
  /** Every event of a streamed answer, in the order of sending. */
  events(asked: Asked, answer: MockAnswer): SentEvent[];
  /** The JSON of an event that says this text and nothing else, for faults that add one. */
  text(asked: Asked, answer: MockAnswer, text: string, index: number): unknown;
  /** An error in the form; OpenAI's where it is left out. */
  error?(message: string, type: string, code: string | number | null): unknown;
  /** The word that ends a stream; empty for none. */
  last: "[DONE]" | "";
}

/**
 * The events of a stream whose every token is a text of the first answer, and the one that ends it.
 *
 * @param text the JSON of an event that says this text.
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
