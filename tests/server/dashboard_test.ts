/** The dashboard in a real browser, over a real server. */
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { axisLook } from "../../lib/report/chart.ts";
import * as look from "../../lib/server/dashboard/look.js";
import { writeRun } from "../run/runs_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { serving } from "./fixture.ts";
import { browser, executablePath, withPage } from "./dashboard_fixture.ts";
import type { Page } from "playwright-core";

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
      await page.waitForFunction("document.querySelectorAll('tbody tr').length === 1");
    }, { width: 360 });
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
