/** The browser for tests of pages. */
import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Path of a Chromium on this host; null when there is none. */
export function browserPath(): string | null {
  return PLACES.find((path) => existsSync(path)) ?? null;
}
