/** The report of a run: what it holds, what it must not, and how it behaves in a real browser. */
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { chromium } from "playwright-core";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { writeSuiteReport } from "../../lib/report/suite_report.ts";
import { browserPath } from "../browser.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "../suite/fixture.ts";
import type { FixtureOptions, FixtureRun } from "../suite/fixture.ts";

const EVIL =
  `</pre><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">"'& \u202e\u0000 end`;

/** A run on the mock with its report. */
async function reported(
  mock: MockEndpoint,
  options: FixtureOptions,
): Promise<FixtureRun & { html: string }> {
  const run = await runOnMock(mock, options);
  const path = await writeSuiteReport(run.directory);
  return { ...run, html: readFileSync(path, "utf8") };
}

const judged = (n: number) =>
  promptTests(n, ["alpha", "beta"]).map((test, i) => ({
    ...test,
    evaluator: { name: "contains", expected: i % 4 ? "Mock" : "absent" },
  }));

Deno.test("a report holds the results, the charts and the texts; numbers unknown are dashes", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
  const { html } = await reported(mock, {
    suite: suiteFrom(judged(8)),
    out: folder.path,
    sample_rate_hz: 20,
  });
  for (
    const text of [
      "fixture on mock",
      "75.0 %",
      "alpha",
      "Question number 3",
      "Mock response text",
      "Host samples at 20 Hz (",
    ]
  ) {
    assertStringIncludes(html, text);
  }
  assertEquals(html.match(/<svg/g)?.length, 2);
  assertEquals(html.match(/<tr data-category/g)?.length, 8);
  assert(!/https?:(?!\/\/(127\.0\.0\.1|www\.w3\.org))/.test(html), "an address of the network");
});

Deno.test("what a model or a suite says is text, never markup", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { default_response: EVIL } });
  const suite = suiteFrom([{ id: "x", name: EVIL, category: EVIL, prompt: EVIL }]);
  const { html } = await reported(mock, { suite, out: folder.path });
  assert(!html.includes("<img") && !html.includes("<script>window"));
  assert(!html.includes("\u202e") && !html.includes("\u0000"));
  assertEquals(html.match(/<script>/g)?.length, 1);
});

Deno.test("odd runs have a report too: no answer, one test, no judge, no samples", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const one = await reported(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assertStringIncludes(one.html, "The host was not sampled");
  mock.configure({ error_mode: "server_error" });
  const none = await reported(mock, {
    suite: suiteFrom(judged(3)),
    out: folder.path,
    api: { retry_attempts: 0 },
  });
  assertStringIncludes(none.html, "No test was answered.");
  assertStringIncludes(none.html, "3 http_5xx");
  rmSync(join(none.directory.items), { recursive: true });
  await writeSuiteReport(none.directory); // the texts are gone; the numbers are not
});

Deno.test("ten thousand tests make a report of a size that opens", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await runOnMock(mock, { suite: suiteFrom(judged(50)), out: folder.path });
  const items = Array.from({ length: 10_000 }, (_, i) => run.results.items[i % 50]);
  const path = await writeSuiteReport(run.directory, { ...run.results, items });
  const { size } = statSync(path);
  assert(size < 8e6, `${size} bytes`);
});

const executablePath = browserPath();

Deno.test({
  name:
    "in a browser: opens from the disk with no network, sorts, filters, shows texts, runs no foreign script",
  ignore: executablePath === null,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start({
      behaviour: { default_response: `Mock ${EVIL}` },
    });
    const run = await reported(mock, {
      suite: suiteFrom(judged(12)),
      out: folder.path,
      sample_rate_hz: 20,
    });
    const args = [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ];
    const browser = await chromium.launch({ executablePath: executablePath!, args });
    try {
      const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
      const faults: string[] = [], requests: string[] = [];
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(run.directory.report).href);
      const visible = () => page.locator("#tests tbody tr:visible").count();
      assertEquals(await visible(), 12);
      assert(
        await page.evaluate("document.documentElement.scrollWidth <= 360"),
        "wider than a phone",
      );
      await page.selectOption("#category", "beta");
      assertEquals(await visible(), 6);
      await page.selectOption("#category", "");
      await page.selectOption("#result", "wrong");
      assertEquals([await visible(), await page.textContent("#shown")], [3, "3 of 12 tests"]);
      await page.selectOption("#result", "");
      await page.fill("#find", "test 11");
      assertEquals(await visible(), 1);
      await page.fill("#find", "");
      await page.click("#tests thead th:nth-child(7) button");
      await page.click("#tests thead th:nth-child(7) button");
      const times = (await page.locator("#tests tbody td:nth-child(7)").allTextContents()).map(
        Number,
      );
      assertEquals(times, times.toSorted((a, b) => b - a));
      await page.click("#tests summary");
      assertStringIncludes(await page.locator("#tests details[open] pre").innerText(), "PROMPT");
      assertEquals(await page.evaluate("window.hacked"), undefined);
      assertEquals([faults, requests.length], [[], 1]);
    } finally {
      await browser.close();
    }
  },
});
