/** The report of several runs: numbers, texts, odd runs, loads, and in a real browser. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { writeComparedReport } from "../../../lib/report/compare/compared_report.ts";
import { escapeHtml } from "../../../lib/report/html.ts";
import { readRunDirectory } from "../../../lib/run/read_run.ts";
import { browserPath } from "../../browser.ts";
import { load } from "../../load/fixture.ts";
import { comparedRun, runs, writeRun } from "../../run/runs_fixture.ts";
import { runOnMock, suiteFrom, temporaryFolder } from "../../suite/fixture.ts";
import { EVIL, judged } from "../fixture.ts";
import { rowsShown, withPage } from "../opened_page.ts";
import type { ComparedRun } from "../../../lib/compare/compare.ts";
import type { RunSummary } from "../../../lib/run/summary.ts";
import type { LoadRun } from "../../../lib/load/conclude_run.ts";

const ignore = browserPath() === null;

/** Two runs of the same tests on the mock, of which the second is right where the first is wrong. */
async function twoRuns(root: string): Promise<ComparedRun[]> {
  const paths: string[] = [];
  for (const answer of [`Mock ${EVIL}`, "absent"]) {
    await using mock = await MockEndpoint.start({ behaviour: { default_response: answer } });
    const run = await runOnMock(mock, { suite: suiteFrom(judged(12)), out: root });
    paths.push(run.directory.path);
  }
  const read = await Promise.all(paths.map((path) => readRunDirectory(path)));
  return read.map((run) => ({ ...run, price: null }));
}

Deno.test("runs are compared on one page: numbers, differences, categories, flips, texts", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "compared.html");
  const compared = await twoRuns(folder.path);
  await writeComparedReport(compared, path);
  const html = readFileSync(path, "utf8");
  for (
    const text of [
      "75.0 %",
      "25.0 %",
      "A → B",
      "pass_rate",
      "−50.0 pp",
      "12 tests in common",
      "Time to the first token",
      "only B is right: 3",
      "only A is right: 9",
      "judge contains: wrong, 0 of 1",
    ]
  ) assertStringIncludes(html, text);
  assertEquals(html.match(/<tr class="item"/g)?.length, 12);
  assertEquals(html.match(/<figure><svg class="wide"/g)?.length, 4);
  assert(!html.includes("<img") && !html.includes("<script>window"), "markup of an answer");
  assert(!/https?:(?!\/\/(127\.0\.0\.1|www\.w3\.org))/.test(html), "an address of the network");
  const link = /href="([^"]+_completion\.txt)"/.exec(html)?.[1] ?? "";
  assert(statSync(join(folder.path, decodeURIComponent(link))).isFile(), link);
});

Deno.test("names, categories, models and errors of a run are text on the page", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "compared.html");
  const evil = comparedRun("10x-", (item) => {
    item.name = item.category = EVIL;
    if (!item.success) item.error = EVIL;
  });
  Object.assign(evil.summary, { run_id: EVIL, model: EVIL, benchmark: EVIL });
  await writeComparedReport([evil, evil], path);
  const html = readFileSync(path, "utf8");
  assert(!html.includes("<img") && !html.includes("<script>window"));
  assertEquals(html.match(/<script/g)?.length, 1);
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000\u202e]/.test(html), "a control character");
});

Deno.test("loads are compared by their rates and latencies, without a table of requests", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    behaviour: { delay_s: 0.01, tokens_per_second: 2000 },
  });
  const settings = { endpoint: mock.url, model: "mock", requests: 60 };
  using first = await load({ ...settings, concurrency: 2 });
  using second = await load({ ...settings, concurrency: 4 });
  const read = async ({ directory }: LoadRun): Promise<ComparedRun> => ({
    ...await readRunDirectory(directory.path),
    price: null,
  });
  const output = join(folder.path, "loads.html");
  await writeComparedReport([await read(first), await read(second)], output);
  const html = readFileSync(output, "utf8");
  const differ = "60 and 60 requests; settings that differ: concurrency 2 → 4.";
  for (const text of ["answers/s", "gap (ITL) p99, ms", "requests_per_s", "A → B", differ]) {
    assertStringIncludes(html, text);
  }
  assert(!html.includes('id="tests"'), "a table of requests");
  assert(!/NaN|undefined|Infinity/.test(html.replace(/<(style|script)>[^]*?<\/\1>/g, "")));
  const mixed = [await read(first), comparedRun("10")];
  await assertRejects(
    () => writeComparedReport(mixed, output),
    InputError,
    "they cannot be compared",
  );
  const own = await runs(join(first.directory.path, ".."), "report", "latest");
  assertStringIncludes(own.said, "report/index.html");
  assertStringIncludes(readFileSync(first.directory.report, "utf8"), "The client's own cost");
});

Deno.test("odd runs have a page: other tests, nothing judged, one run, no answer", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "compared.html");
  const other = comparedRun("11", (item, i) => item.item_id = `other${i}`);
  const cases = [
    [comparedRun("10"), other],
    [comparedRun("--"), comparedRun("---")],
    [comparedRun("xx"), comparedRun("xx")],
    [comparedRun("1")],
    [comparedRun("1"), comparedRun("0"), comparedRun("x"), comparedRun("-")],
  ];
  for (const compared of cases) {
    await writeComparedReport(compared, path);
    const html = readFileSync(path, "utf8").replace(/<(style|script)>[^]*?<\/\1>/g, "");
    assert(!/NaN|undefined|null|Infinity/.test(html), "an unknown number shown as something else");
  }
  const seven = Array.from({ length: 7 }, () => comparedRun("1"));
  await assertRejects(() => writeComparedReport(seven, path), InputError, "a report takes 6");
});

Deno.test("ten thousand tests of two runs make a page below 5 MB", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "compared.html");
  const marks = "1101x".repeat(2000), others = "1011x".repeat(2000);
  const long = (mark: string) =>
    comparedRun(mark, (item, i) => {
      item.name = `A test with a name of a usual length, its number is ${i}`;
      item.category = `category ${i % 12}`;
      item.latency_ms = 1000 + i;
      if (!item.success) item.error = "the server answered: HTTP 500: internal server error";
    });
  await writeComparedReport([long(marks), long(others)], path);
  assert(statSync(path).size < 5e6, `${statSync(path).size} bytes`);
  assertEquals(readFileSync(path, "utf8").match(/<tr class="item/g)?.length, 10_000);
});

Deno.test("an imported run of any form has a page with what is known of it", async () => {
  using folder = temporaryFolder();
  const root = join(folder.path, "runs");
  await runs(root, "import", "tests/fixtures/import");
  const imported: RunSummary[] = JSON.parse(
    (await runs(root, "list", "--limit", "0", "--json")).out,
  );
  assertEquals(new Set(imported.map(({ source_form }) => source_form)).size, 13);
  for (const { run_id, model } of imported) {
    const path = join(folder.path, "page.html");
    assertEquals((await runs(root, "report", run_id, "--out", path)).code, 0, run_id);
    assertStringIncludes(readFileSync(path, "utf8"), escapeHtml(model), run_id);
  }
  const [vllm] = imported.filter(({ source_form: form, run_id }) =>
    form === "vllm_bench" && run_id === "appended_2"
  );
  await runs(root, "report", vllm.run_id);
  const page = readFileSync(join(vllm.path, "report", "index.html"), "utf8");
  for (const known of ["requests_per_s", "80 tokens/s", "25 ms"]) {
    assertStringIncludes(page, known);
  }
  const [guide, ai] = ["guidellm", "aiperf"].map((form) =>
    imported.find(({ source_form }) => source_form === form)!.run_id
  );
  const both = join(folder.path, "both.html");
  assertEquals((await runs(root, "report", guide, ai, "--output", both)).code, 0);
  await assertRejects(
    () => runs(root, "report", guide, vllm.run_id),
    InputError,
    "tells figures but no items",
  );
});

Deno.test("dyno runs report writes one run's own page, or several on one", async () => {
  using folder = temporaryFolder();
  const [first] = await twoRuns(folder.path);
  const own = await runs(folder.path, "report", first.summary.run_id);
  assertEquals(own.code, 0);
  assertStringIncludes(own.said, "report/index.html");
  const elsewhere = join(folder.path, "pages", "one.html");
  await runs(folder.path, "report", first.summary.run_id, "--output", elsewhere);
  assertStringIncludes(readFileSync(elsewhere, "utf8"), `href="../${first.summary.run_id}/items/`);
  const both = join(folder.path, "both.html");
  assertEquals((await runs(folder.path, "report", "latest~1", "latest", "--output", both)).code, 0);
  assertStringIncludes(readFileSync(both, "utf8"), "dyno runs compared");
  writeRun(folder.path, 99, { marks: "10x", cut_off: true });
  const cut = join(folder.path, "cut.html");
  await runs(folder.path, "report", "latest", "--output", cut);
  assertStringIncludes(readFileSync(cut, "utf8"), "incomplete");
  await assertRejects(() => runs(folder.path, "report"), InputError, "takes one run or more");
});

Deno.test({
  name: "in a browser compared runs are filtered, sorted and opened with the keyboard",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "compared.html");
    await writeComparedReport(await twoRuns(folder.path), path);
    for (const width of [390, 820, 1400]) {
      await withPage(path, async (page) => {
        assert(
          await page.evaluate(`document.documentElement.scrollWidth <= ${width}`),
          `too wide at ${width}`,
        );
        assertEquals(await rowsShown(page), 12);
        await page.selectOption("#category", "beta");
        assertEquals(await rowsShown(page), 6);
        await page.selectOption("#category", "");
        await page.selectOption("#result", "differs");
        assertEquals(await page.textContent("#shown"), "12 tests");
        await page.fill("#find", "question number 11");
        assertEquals(await rowsShown(page), 1);
        await page.fill("#find", "");
        const head = page.locator("#tests thead th").last(); // e2e of the second run
        const numbers = async () =>
          (await page.locator("#tests tr.item > :last-child").allTextContents()).map(Number);
        const sorted = (await numbers()).toSorted((a, b) => a - b);
        await head.locator("button").click();
        assertEquals([await head.getAttribute("aria-sort"), await numbers()], [
          "ascending",
          sorted,
        ]);
        const button = page.locator("#tests tbody button").first();
        const texts = page.locator(`#${await button.getAttribute("aria-controls")}`);
        await button.focus();
        await page.keyboard.press("Enter");
        assertEquals(await button.getAttribute("aria-expanded"), "true");
        assertStringIncludes(await texts.innerText(), "<script>window.hacked = 1</script>");
        assertEquals(await texts.locator("p.run").count(), 2);
        const flips = page.locator("#flips summary").first();
        await flips.focus();
        await page.keyboard.press("Enter");
        assertEquals(await page.locator("#flips li").first().isVisible(), true);
      }, { width, height: 800 });
    }
  },
});
