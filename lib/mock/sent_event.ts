/** Events of a streamed answer, before they are text. */

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

/** An event of an API that names types, before it has a number, and what it is for the one who plays it. */
export interface TypedEvent {
  kind: "role" | "token" | "finish";
  json: Record<string, unknown> & { type: string };
}
