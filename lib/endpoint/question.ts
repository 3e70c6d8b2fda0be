/** A question to an endpoint. */

/** A prompt or messages, with sampling parameters that are passed on unchanged. */
export interface Question {
  /** The prompt's text. Set either this or `messages`. */
  prompt?: string;
  /** A conversation in the chat API's format. */
  messages?: readonly unknown[];
  /** Texts for an embeddings endpoint to embed, instead of one prompt. */
  inputs?: readonly string[];
  /** A whole request body from a row of a dataset, for a request template: it is sent unchanged. */
  payload?: Record<string, unknown>;
  /** The model, when it is not the endpoint's. Forms with the model in the URL do not send it. */
  model?: string;
  /** Sampling parameters, sent unchanged. */
  parameters?: Record<string, unknown>;
}

/** The question as text, for people and evaluators: messages as `role: content` lines. */
export function promptText({ prompt, messages }: Question): string {
  if (prompt !== undefined) return prompt;
  return (messages as { role: string; content: unknown }[]).map(({ role, content }) =>
    `${role}: ${typeof content === "string" ? content : JSON.stringify(content)}`
  ).join("\n");
}
