/** Makes HTML from untrusted text. */

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Escapes text for HTML, including attributes. Control characters, and characters that change the
 * direction of the text around them, become U+FFFD.
 */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (letter) => ENTITIES[letter]);
}

/**
 * The text with U+FFFD in place of control characters and of those that change the direction of
 * text.
 */
export function visibleText(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** The text, shortened, with a note on how much was cut. */
export function cutText(text: string, length: number): string {
  return text.length <= length
    ? text
    : `${text.slice(0, length)}… (${text.length - length} more characters)`;
}
