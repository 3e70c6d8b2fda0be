/** The dashboard in a real browser, over a real server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { axisLook } from "../../lib/report/charts/chart.ts";
import * as look from "../../lib/server/dashboard/look.js";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { runId, writeRun } from "../run/runs_fixture.ts";
import { startDyno } from "../e2e/dyno.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { serving, submit } from "./fixture.ts";
import { browser, executablePath, withPage, writeBatch } from "./dashboard_fixture.ts";
import { until } from "../until.ts";
import { faultsAtWidths } from "../report/page_faults.ts";
import type { Page } from "playwright-core";
import type { Server } from "../../lib/server/serve.ts";

const ignore = executablePath === null;

/** Names that want to be markup. */
const XSS = [
  `<script>window.hacked=1</script>`,
  `"><img src=x onerror=window.hacked=1>`,
  `javascript:window.hacked=1`,
  `</textarea><svg/onload=window.hacked=1>`,
  "{{constructor.constructor('window.hacked=1')()}}",
];

const fits = (page: Page) =>
  page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth");

/** Waits until an expression is true; the page itself may evaluate nothing. */
const sees = (page: Page, expression: string) => until(() => page.evaluate<boolean>(expression));

Deno.test("charts of the dashboard have the axes of the reports'", () => {
  assertEquals(look.axisLook, axisLook);
});

Deno.test({
  name: "in a browser the overview tells of runs, and names that want to be markup are text",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const runs = join(folder.path, "runs");
    XSS.forEach((model, n) => writeRun(runs, n, { marks: "1101", model, benchmark: model }));
    await using server = await serving(folder.path);
    await using chrome = await browser();
    await withPage(chrome, server.url, async (page) => {
      await page.waitForSelector(".chart svg text");
      assertEquals(await page.locator("tbody tr").count(), 5);
      for (const name of XSS) assertStringIncludes(await page.innerText("main"), name);
      assertEquals(await page.locator("main script, main img").count(), 0);
    });
    await withPage(chrome, `${server.url}/#/runs`, async (page) => {
      await page.waitForSelector("tbody tr");
      assert(await fits(page), "too wide for a phone");
      await page.selectOption("label:has-text('Model') select", XSS[0]);
      await sees(page, "document.querySelectorAll('tbody tr').length === 1");
    }, { width: 360 });
  },
});

Deno.test({
  name: "in a browser no page is cut, overlaps or is pale at 390, 768 and 1280 px",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const runs = join(folder.path, "runs"), batches = join(folder.path, "batches");
    const model = "a-vendor-of-long-names/its-model-with-a-path-70B-Instruct-2027-01-31";
    writeRun(runs, 1, { marks: "1".repeat(10) + "0".repeat(30) });
    writeRun(runs, 2, { marks: "1".repeat(38) + "0x", model });
    writeBatch(batches, "technical", 30, model);
    await using server = await serving(folder.path, { batches });
    await using chrome = await browser();
    const pages = {
      "overview": "#/",
      "runs": "#/runs",
      "run": `#/runs/${runId(2)}`,
      "compare": `#/compare?runs=${runId(1)},${runId(2)}`,
      "batches": "#/batches",
      "hardware": "#/hardware",
    };
    const faults: string[] = [];
    for (const [name, hash] of Object.entries(pages)) {
      await withPage(chrome, `${server.url}/${hash}`, async (page) => {
        await page.waitForSelector(name === "hardware" ? ".chart svg" : "main table");
        if (name === "batches") await page.waitForSelector("h2:text-is('Records')");
        faults.push(...await faultsAtWidths(page, name));
      });
    }
    assertEquals(faults, []);
  },
});

Deno.test({
  name: "in a browser a folder without runs says how to make one",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    await using server = await serving(folder.path);
    await using chrome = await browser();
    await withPage(chrome, server.url, async (page) => {
      await page.waitForSelector(".empty");
      assertStringIncludes(await page.innerText("main"), "dyno quickstart");
    });
  },
});

Deno.test({
  name: "in a browser a batch's five views follow the filters, on a phone and by keyboard",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const batches = join(folder.path, "batches");
    writeBatch(batches, "technical", 30, XSS[1]);
    await using server = await serving(folder.path, { batches });
    await using chrome = await browser();
    await withPage(chrome, `${server.url}/#/batches`, async (page) => {
      await page.waitForSelector(".chart svg text");
      await page.waitForSelector("h2:text-is('Records')"); // they are asked for last
      assertEquals(await page.locator(".chart svg").count(), 4);
      assertEquals(await page.locator("h2").allTextContents(), [
        "Latency over time",
        "Success rate",
        "Throughput",
        "Coverage",
        "Models",
        "Questions",
        "Records",
      ]);
      const asked = page.locator("section:has(> h2:text-is('Questions')) tbody tr");
      assertEquals(await asked.count(), 4);
      assertStringIncludes((await asked.first().textContent())!, XSS[1]); // as text
      assert(await fits(page), "too wide for a phone");
      const tile = async (n: number) => await page.locator(".tiles b").nth(n).textContent();
      const models = page.locator("section:has(> h2:text-is('Models')) tbody tr");
      assertEquals([await tile(0), await tile(1), await models.count()], ["240", "95.8 %", 2]);
      const drawn = () => page.locator(".chart").nth(0).locator("path[stroke^='var(--']").count();
      const both = await drawn();

      await page.focus("label:has-text('Model') select"); // the keyboard alone from here
      await page.keyboard.press("ArrowDown");
      await sees(page, "location.hash.includes('model=groq')");
      await sees(page, "document.querySelector('.tiles b')?.textContent === '120'");
      assertEquals([await tile(1), await models.count()], ["100.0 %", 1]);
      assert(await drawn() < both, "as many lines as before");
      const field = "document.activeElement.closest('label')?.textContent.startsWith('Model')";
      await sees(page, field); // and stays there
      await page.selectOption("label:has-text('Industry') select", "retail");
      await sees(page, "document.querySelector('.tiles b')?.textContent === '60'");
      await page.selectOption("label:has-text('Time') select", "12");
      await sees(page, "document.querySelector('.tiles b')?.textContent === '24'");
      await page.getByText(XSS[1]).first().waitFor();

      await page.locator("summary").first().click();
      await sees(page, "document.querySelectorAll('details[open] tbody tr').length > 5");
    }, { width: 360 });
    await withPage(chrome, `${server.url}/#/batches?industry=none`, async (page) => {
      await page.waitForSelector(".empty");
      assertStringIncludes(await page.innerText(".empty"), "Widen the filters");
    });
  },
});

Deno.test("the server tells of answers that nobody could judge, and passes none of them", async () => {
  using folder = temporaryFolder();
  writeRun(join(folder.path, "runs"), 1, { marks: "11-" + "!".repeat(9) });
  await using server = await serving(folder.path);
  const at = async (path: string) => await (await fetch(server.url + path)).json();
  const { runs: [listed] } = await at("/api/runs");
  assertEquals([listed.passed, listed.judged, listed.not_judged, listed.items_total], [
    2,
    2,
    9,
    12,
  ]);
  const { points: [point] } = await at("/api/overview");
  assertEquals([point.pass_rate, point.not_judged], [1, 9]);
  const page = await at(`/api/runs/${runId(1)}?result=not%20judged`);
  assertEquals([page.items.total, page.items.shown[0].result], [9, "not judged"]);
  assertEquals((await at(`/api/runs/${runId(1)}?result=answered`)).items.total, 1);
});

Deno.test({
  name: "in a browser the pages with a pass rate say how many answers are not in it",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const runs = join(folder.path, "runs");
    for (const n of [1, 2]) writeRun(runs, n, { marks: "11" + "!".repeat(10) });
    await using server = await serving(folder.path);
    await using chrome = await browser();
    await withPage(chrome, server.url, async (page) => {
      await page.waitForSelector("tbody tr");
      assertStringIncludes(await page.innerText("tbody tr"), "100.0 % 10 not judged");
      await page.click("summary");
      await page.waitForSelector("details[open] tbody tr");
      assertStringIncludes(await page.innerText("details tbody tr"), "100.0 % 10 not judged");
      await page.goto(`${server.url}/#/runs`);
      await page.waitForSelector(".compare");
      assertStringIncludes(await page.innerText("tbody tr"), "100.0 % 10 not judged");
      await page.goto(`${server.url}/#/runs/${runId(1)}`);
      await page.waitForSelector(".tiles");
      assertStringIncludes(await page.innerText(".tiles"), "; 10 not judged");
      await page.selectOption("label:has-text('Result') select", "not judged");
      await sees(page, "document.querySelectorAll('tbody .mark.not-judged').length === 10");
      for (const n of [3, 4]) writeRun(runs, n, { marks: "1101" });
      // on a busy machine the index waits before it looks again
      await until(async () => {
        const { runs: listed } = await (await fetch(`${server.url}/api/runs`)).json();
        return listed.length === 4;
      }, "the server does not see the new runs");
      await page.goto(`${server.url}/#/compare?runs=${runId(3)},${runId(4)}`);
      const line = page.locator("tr:has-text('latency_ms')"); // four tests have no interval of it
      assertMatch(await line.innerText(), /too few\t[\d.]+\tcannot tell$/);
    });
  },
});

Deno.test({
  name: "in a browser runs are chosen, compared and opened, and the host's hardware is drawn live",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const runs = join(folder.path, "runs");
    writeRun(runs, 1, { marks: "1".repeat(10) + "0".repeat(30) });
    writeRun(runs, 2, { marks: "1".repeat(38) + "0x", model: "gpt-4o" });
    await using server = await serving(folder.path);
    await using chrome = await browser();
    await withPage(chrome, `${server.url}/#/runs`, async (page) => {
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.waitForSelector(".scroll tbody tr");
      await sees(
        page,
        "document.querySelector('.scroll').scrollWidth <= document.querySelector('.scroll').clientWidth",
      );
      await page.check(`input[aria-label*='${runId(1)}']`);
      await page.check(`input[aria-label*='${runId(2)}']`);
      await page.click("text=Compare 2 runs");
      await page.waitForSelector("section table td .mark.better");
      const lines = await page.locator("section:has(details) tbody tr").allInnerTexts();
      assertStringIncludes(lines[0], "pass_rate\t25.0 %\t95.0 %\t+70.0 pp");
      await page.click("tbody a.id");
      await page.waitForSelector("text=By category");
      assertStringIncludes(await page.innerText(".tiles"), "25.0 %");
      await page.selectOption("label:has-text('Result') select", "passed");
      await sees(page, "document.querySelectorAll('section:last-of-type tbody tr').length === 10");
      await page.goto(`${server.url}/#/hardware`);
      await page.waitForSelector(".chart svg text");
      const newest = () => page.locator(".chart").first().getAttribute("aria-label");
      assertStringIncludes((await newest())!, "CPU over the last five minutes; now busy");
    });
  },
});

Deno.test({
  name: "in a browser the page asks for the token, and goes on by itself when the server is back",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    writeRun(join(folder.path, "runs"), 1, { marks: "1" });
    await using chrome = await browser();
    const token = "a-token-of-the-tests";
    const server = await serving(folder.path, { token });
    const { port } = new URL(server.url);
    let there: Server | null = server;
    try {
      await withPage(chrome, server.url, async (page, faults) => {
        await page.fill("#token", "a-wrong-one-as-long-as");
        await page.keyboard.press("Enter");
        await page.waitForSelector("text=refuses this token");
        await page.fill("#token", token);
        await page.keyboard.press("Enter");
        await page.waitForSelector("tbody tr");
        assertEquals(await page.locator("#token").count(), 0);
        assertEquals(await page.evaluate("document.cookie + localStorage.length"), "0");
        assert(faults.splice(0).every((fault) => fault.includes("401")));

        await server[Symbol.asyncDispose]();
        there = null;
        await page.waitForSelector("#connection.gone");
        assertStringIncludes(await page.innerText("#notice"), "dyno serve");
        assertEquals(await page.locator("tbody tr").count(), 1); // what it had is still there
        there = await serving(folder.path, { token, port: Number(port) });
        await page.waitForSelector("#connection.there");
        await sees(page, "document.getElementById('notice').childElementCount === 0");
        assert(faults.splice(0).every((fault) => fault.includes("net::ERR")));
      });
    } finally {
      await there?.[Symbol.asyncDispose]();
    }
  },
});

Deno.test({
  name: "in a browser a live task's progress moves, and Cancel ends it",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.3 } });
    const suite = join(folder.path, "suite.json");
    const tests = promptTests(60, ["arithmetic"]);
    writeFileSync(suite, JSON.stringify({ test_suite_id: "s", tests }));
    await using server = await serving(folder.path);
    await using chrome = await browser();
    await withPage(chrome, server.url, async (page) => {
      await submit(server.url, { kind: "suite", suite, endpoint: `${mock.url}/v1` });
      const bar = "document.querySelector('.tasks progress')";
      await sees(page, `${bar}?.value > 0`);
      const first = Number(await page.evaluate(`${bar}.value`));
      await sees(page, `${bar}?.value > ${first}`);
      assertEquals(await page.evaluate(`${bar}.max`), 60);
      await page.click(".tasks button");
      await page.waitForSelector(".tasks .mark.cancelled");
    });
  },
});

Deno.test({
  name: "in a browser the dashboard's copy opens from the disk, with its filters and no network",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    XSS.forEach((model, n) => writeRun(at("runs"), n, { marks: "1101", model }));
    writeBatch(at("batches"), XSS[0].replaceAll("/", ""), 30);
    const args = ["--runs", at("runs"), "--batches", at("batches"), "--out", at("out"), "--json"];
    const { code, stdout } = await startDyno(["report", "--dashboard", ...args]).finished;
    assertEquals(code, 0);
    const { index, ...counts } = JSON.parse(stdout);
    assertEquals(counts, { runs: 5, pages: 5, batches: 1 });
    await using chrome = await browser();
    await withPage(chrome, pathToFileURL(index).href, async (page) => {
      await page.waitForSelector(".chart svg text");
      assertStringIncludes(await page.innerText("#connection"), "a copy of");
      for (const name of XSS) assertStringIncludes(await page.innerText("main"), name);
      await page.click("tbody a.id");
      await page.waitForSelector("text=4 of 4");
      await page.click("nav a:text-is('Runs')");
      await page.selectOption("label:has-text('Model') select", XSS[4]);
      await sees(page, "document.querySelectorAll('tbody tr').length === 1");
      await page.click("nav a:text-is('Batches')");
      await page.selectOption("label:has-text('Model') select", "openrouter/kimi/k2");
      await page.selectOption("label:has-text('Industry') select", "finance");
      await page.selectOption("label:has-text('Time') select", "12");
      await sees(page, "document.querySelector('.tiles b')?.textContent === '25'");
      for (const name of ["Compare", "Hardware"]) {
        await page.click(`nav a:text-is('${name}')`);
        await page.waitForSelector(".empty");
      }
      assertEquals(await page.innerText("#notice"), "");
    });
  },
});
