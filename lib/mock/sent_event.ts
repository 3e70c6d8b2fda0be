/** Events of a streamed answer, before they become text. */

/** A server-sent event, ready to be sent. */
export interface SentEvent {
  kind: "role" | "token" | "finish" | "usage";
  /** The JSON of its data. */
  event: string;
  /** Its type, in APIs whose events have types. */
  name?: string;
  /** For a token: the number of tokens of its choice before it. */
  step: number;
  /** For a token of content: its text, and the index of its choice. */
  content?: { index: number; text: string };
}

/**
 * An event of an API whose events have types, before it is numbered, and its meaning for the
 * sender.
 */
export interface TypedEvent {
  kind: "role" | "token" | "finish";
  json: Record<string, unknown> & { type: string };
}
