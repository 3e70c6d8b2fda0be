/** What an endpoint is asked. */

/** What is asked: a prompt or messages, with sampling parameters passed on as they are. */
export interface Question {
  /** The text; either this or `messages`. */
  prompt?: string;
  /** A conversation in the form of the chat API. */
  messages?: readonly unknown[];
  /** Texts that an embeddings endpoint embeds, instead of one prompt. */
  inputs?: readonly string[];
  /** A whole body of a dataset's row, for a request template: it is sent as it is. */
  payload?: Record<string, unknown>;
  /** The model, where it is another one than the endpoint's; forms whose URL has the model do not say it. */
  model?: string;
  /** Sampling parameters, sent as they are. */
  parameters?: Record<string, unknown>;
}

/** The question as text, for people and evaluators: messages as `role: content` lines. */
export function promptText({ prompt, messages }: Question): string {
  if (prompt !== undefined) return prompt;
  return (messages as { role: string; content: unknown }[]).map(({ role, content }) =>
    `${role}: ${typeof content === "string" ? content : JSON.stringify(content)}`
  ).join("\n");
}
