/** A dashboard in a real Chromium, over a server with runs of the test's own. */
import { assertEquals } from "@std/assert";
import { chromium } from "playwright-core";
import { batchFolder } from "../../lib/schedule/folder.ts";
import { makeFolder } from "../../lib/write.ts";
import { writeRecords } from "../../lib/schedule/records.ts";
import { browserPath } from "../browser.ts";
import type { BatchRecord } from "../../lib/run/batch_events.ts";
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

/** Writes a batch's records: `slots` an hour apart, each with four questions to two models. */
export function writeBatch(root: string, name: string, slots: number, question = "Why?"): void {
  const folder = batchFolder(root, name);
  makeFolder(folder.path);
  const records: BatchRecord[] = [];
  for (let slot = 0; slot < slots; slot++) {
    for (let i = 0; i < 8; i++) {
      const [llm_provider, llm_model] = i < 4 ? ["groq", "llama3"] : ["openrouter", "kimi/k2"];
      const success = !(i === 7 && slot % 3 === 0);
      records.push({
        timestamp: new Date(BATCH_START_S * 1000 + slot * 3_600_000 + i * 1000).toISOString(),
        industry: i % 2 ? "finance" : "retail",
        question: `${question} ${i % 4}`,
        llm_provider,
        llm_model,
        latency_sec: success ? 1 + i + slot / 10 : null,
        throughput_tps: success ? 40 - i : null,
        success,
        coverage_score: success ? (i + 1) / 8 : null,
        prompt_tokens: success ? 100 : null,
        response_tokens: success ? 50 + i : null,
      });
    }
  }
  writeRecords(folder, records);
}

/** When the first record of such a batch was made. */
export const BATCH_START_S = Date.UTC(2026, 10, 2, 8) / 1000;
