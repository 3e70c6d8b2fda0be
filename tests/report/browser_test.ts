/** The report in a real browser: from the disk, with no network, on a phone, with the keyboard. */
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { browserPath } from "../browser.ts";
import { until } from "../until.ts";
import { suiteFrom, temporaryFolder } from "../suite/fixture.ts";
import { EVIL, judged, reported } from "./fixture.ts";
import { rowsShown, withPage } from "./opened_page.ts";
import type { Page } from "playwright-core";

const executablePath = browserPath();

const place = temporaryFolder();
Deno.test.afterAll(() => place[Symbol.dispose]());
let page: Promise<string> | undefined;

/** The page of twelve tests, which several tests open. */
async function madeReport(): Promise<string> {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: `Mock ${EVIL}` } });
  const suite = suiteFrom(judged(12));
  const run = await reported(mock, { suite, out: place.path, sample_rate_hz: 20 });
  return run.directory.report;
}

/** Opened; `faults` gathers what a page must not do. */
async function withReport(use: (page: Page, faults: string[]) => Promise<void>): Promise<void> {
  await withPage(await (page ??= madeReport()), use);
}

const rows = rowsShown;
const column = async (page: Page, n: number) =>
  (await page.locator(`#tests tr.item > :nth-child(${n})`).allTextContents()).map(Number);

Deno.test({
  name: "in a browser a report filters and sorts its tests, and fits a phone",
  ignore: executablePath === null,
  fn: () =>
    withReport(async (page) => {
      assertEquals(await rows(page), 12);
      assert(await page.evaluate("document.documentElement.scrollWidth <= 360"), "too wide");
      await page.selectOption("#category", "beta");
      assertEquals(await rows(page), 6);
      await page.selectOption("#category", "");
      await page.selectOption("#result", "wrong");
      assertEquals([await rows(page), await page.textContent("#shown")], [3, "3 of 12 tests"]);
      await page.selectOption("#result", "");
      await page.fill("#find", "question number 11");
      assertEquals(await rows(page), 1);
      await page.fill("#find", "");

      const head = page.locator("#tests thead th").nth(6);
      const before = await column(page, 7);
      const sorted = before.toSorted((a, b) => a - b);
      for (const [state, order] of [["ascending", sorted], ["descending", sorted.toReversed()]]) {
        await head.locator("button").click();
        assertEquals(await head.getAttribute("aria-sort"), state);
        assertEquals(await column(page, 7), order);
      }
      await head.locator("button").click();
      assertEquals([await head.getAttribute("aria-sort"), await column(page, 7)], [null, before]);
    }),
});

Deno.test({
  name: "in a browser the texts of a test open with the keyboard",
  ignore: executablePath === null,
  fn: () =>
    withReport(async (page) => {
      const button = page.locator("#tests tbody button").first();
      const texts = page.locator(`#${await button.getAttribute("aria-controls")}`);
      assertEquals(await texts.isVisible(), false);
      await button.focus();
      await page.keyboard.press("Enter");
      assertEquals(await button.getAttribute("aria-expanded"), "true");
      assertStringIncludes(await texts.innerText(), "<script>window.hacked = 1</script>");
      await page.selectOption("#result", "passed"); // the first is wrong: its texts go with it
      assertEquals(await texts.isVisible(), false);
      await page.selectOption("#result", "");
      assertEquals(await texts.isVisible(), true);
    }),
});

Deno.test({
  name: "in a browser a report's policy stops markup that got in nevertheless",
  ignore: executablePath === null,
  fn: () =>
    withReport(async (page, faults) => {
      const refused = page.waitForEvent("console");
      const markup = `<button id="foreign" onclick="window.hacked = 1">foreign</button>`;
      await page.evaluate(`document.body.insertAdjacentHTML("beforeend", '${markup}')`);
      await page.click("#foreign");
      assertStringIncludes((await refused).text(), "Content Security Policy");
      assert(faults.splice(0).every((fault) => fault.includes("Content Security Policy")));
    }),
});

Deno.test({
  name: "in a browser a long table is laid out as it is scrolled, and searched whole",
  ignore: executablePath === null,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start();
    const run = await reported(mock, { suite: suiteFrom(judged(4)), out: folder.path });
    const items = Array.from({ length: 1200 }, (_, i) => {
      const like = run.results.items[i % 4];
      return { ...like, item_id: `h${i}`, test_name: `long ${i}`, ttft_ms: 1200 - i };
    });
    await writeSuiteReport(run.directory, { ...run.results, items });
    await withPage(run.directory.report, async (page) => {
      assertEquals([await rows(page), await page.textContent("#shown")], [300, "1,200 tests"]);
      await page.fill("#find", "long 1199");
      assertEquals(await rows(page), 1);
      assertEquals(await page.locator("#more").isVisible(), false);
      await page.fill("#find", "");
      await page.locator("#tests thead button").nth(4).click(); // ttft
      assertStringIncludes(await page.textContent("#tests tr.item") ?? "", "long 1199");
      assertEquals(await rows(page), 300);
      await page.locator("#more button").focus();
      await page.keyboard.press("Enter");
      // by looks from outside: the page's policy forbids what a wait inside of it would evaluate
      await until(async () => {
        await page.evaluate("document.getElementById('more').scrollIntoView()");
        return await page.locator("#tests tr.later").count() === 0;
      }, "the rest of the table");
      assertEquals(await rows(page), 1200);
    });
  },
});
