/** A page in a real browser: from the disk, with no network. */
import { pathToFileURL } from "node:url";
import { assertEquals } from "@std/assert";
import { chromium } from "playwright-core";
import { browserPath } from "../browser.ts";
import type { Page } from "playwright-core";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens a page; `faults` gathers what it must not do, and has to be empty in the end. */
export async function withPage(
  path: string,
  use: (page: Page, faults: string[]) => Promise<void>,
  viewport = { width: 360, height: 740 },
): Promise<void> {
  const browser = await chromium.launch({ executablePath: browserPath()!, args: ARGS });
  try {
    const page = await browser.newPage({ viewport });
    const faults: string[] = [];
    const url = pathToFileURL(path).href;
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => request.url() !== url && faults.push(request.url()));
    await page.goto(url);
    await use(page, faults);
    assertEquals(faults, []);
    assertEquals(await page.evaluate("window.hacked"), undefined);
  } finally {
    await browser.close();
  }
}

/** Tests that can be seen in the page's table. */
export function rowsShown(page: Page): Promise<number> {
  return page.locator("#tests tr.item:visible").count();
}
