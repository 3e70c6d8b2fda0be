/** Waiting for what comes when it comes: no test knows how busy the machine is. */

const PATIENCE_MS = 60_000;
const PAUSE_MS = 10;

/**
 * Looks until there is something, and gives it.
 *
 * @throws {Error} that names `what`, when a minute has brought nothing.
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string) = "it",
): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`waited a minute in vain: ${typeof what === "string" ? what : what()}`);
}
