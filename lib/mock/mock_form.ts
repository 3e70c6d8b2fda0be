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
