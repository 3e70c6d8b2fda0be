/** The browser for tests of pages. */
import { existsSync } from "node:fs";

/** The headless shell first: the same engine, at a third of the work for a page. */
const PLACES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
  .map((name) => `/usr/bin/${name}`);

/** Path of a Chromium on this host; null when there is none. */
export function browserPath(): string | null {
  return PLACES.find((path) => existsSync(path)) ?? null;
}
