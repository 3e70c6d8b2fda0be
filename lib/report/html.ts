/** HTML from text that is not trusted. */

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text for a place in HTML, also within an attribute. Control characters and those that turn the
 * direction of the text around them become U+FFFD.
 */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (letter) => ENTITIES[letter]);
}

/** The text with U+FFFD for what is not a letter and what turns the direction of the text around it. */
export function visibleText(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** The text, cut with a word on how much is missing. */
export function cutText(text: string, length: number): string {
  return text.length <= length
    ? text
    : `${text.slice(0, length)}… (${text.length - length} more characters)`;
}
