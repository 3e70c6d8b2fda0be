/** Why a request by fetch came to nothing. */
import { messageOf } from "../errors.ts";

/**
 * The reason in short, such as "Connection refused". Node has it in the error's cause, Deno at the end
 * of the message, after the whole URL.
 */
export function whyFetchFailed(error: unknown): string {
  const cause = error instanceof Error ? error.cause ?? error : error;
  const { code } = cause as { code?: unknown };
  const said = messageOf(cause).split(": ").at(-1)!.replace(/ \(os error \d+\)$/, "");
  return said || String(code ?? messageOf(error));
}
