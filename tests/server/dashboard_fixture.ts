/** A dashboard in a real Chromium, over a server with runs of the test's own. */
import { assertEquals } from "@std/assert";
import { chromium } from "playwright-core";
import { browserPath } from "../browser.ts";
import type { Browser, Page } from "playwright-core";

/** Null where there is no browser: such tests are left out. */
export const executablePath = browserPath();

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Generous: the machine may be busy. */
export const PATIENCE_MS = 60_000;

export function browser(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, args: ARGS });
}

export interface View {
  width?: number;
  height?: number;
  dark?: boolean;
}

/**
 * Opens an address and uses the page, which must complain of nothing and load nothing from elsewhere.
 * `faults` may be emptied of what a test provokes.
 */
export async function withPage(
  chrome: Browser,
  url: string,
  use: (page: Page, faults: string[]) => Promise<void>,
  { width = 1280, height = 900, dark = false }: View = {},
): Promise<void> {
  const page = await chrome.newPage({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
  });
  try {
    page.setDefaultTimeout(PATIENCE_MS);
    const faults: string[] = [];
    const own = url.startsWith("file:") ? "file:" : new URL(url).origin;
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(own) && request.url() !== "data:,") faults.push(request.url());
    });
    await page.goto(url);
    await use(page, faults);
    assertEquals(faults, []);
    assertEquals(await page.evaluate("window.hacked"), undefined);
  } finally {
    await page.close();
  }
}
