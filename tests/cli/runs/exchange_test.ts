/** Runs that leave dyno: read back by itself, by other readers of the format, by a browser. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { chromium } from "playwright-core";
import { InputError } from "../../../lib/errors.ts";
import { withRunIndex } from "../../../lib/run/index.ts";
import { readRunDirectory } from "../../../lib/run/read_run.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { writeSuiteReport } from "../../../lib/report/suite/suite_report.ts";
import { runDirectoryAt } from "../../../lib/run/directory.ts";
import { seededRandom } from "../../../lib/stats/random.ts";
import { browserPath } from "../../browser.ts";
import { promptTests, runOnMock, suiteFrom } from "../../suite/fixture.ts";
import { runId, runs, temporary, writeRun } from "../../run/runs_fixture.ts";
import type { RunItem, RunSummary } from "../../../lib/run/summary.ts";

const EVIL = `=HYPERLINK("http://x","<b>&'</b>")`;

/** A folder with a real run and with some whose items came out in every way. */
async function someRuns(root: string, written: number): Promise<void> {
  await using mock = await MockEndpoint.start();
  const tests = promptTests(6).map((test, i) => ({
    ...test,
    evaluator: i % 2 ? { name: "contains", expected: i % 3 ? "answer" : "none of it" } : undefined,
  }));
  await runOnMock(mock, { suite: suiteFrom(tests), out: root });
  const random = seededRandom(3);
  for (let n = 0; n < written; n++) {
    const marks = Array.from(
      { length: 1 + Math.floor(random() * 9) },
      () => "10xt-"[random() * 5 | 0],
    );
    const tags = n % 2 ? ["nightly", `n${n}`] : [];
    writeRun(root, n, { marks: marks.join(""), tags, mode: n % 3 ? "iterative" : "zero-shot" });
  }
}

/** What a form holds of items and of the run. */
const HELD: Record<string, { items: (keyof RunItem)[]; run: (keyof RunSummary)[] }> = {
  json: {
    items: [
      ...["item_id", "name", "category", "success", "timed_out", "passed", "score"] as const,
      ...["latency_ms", "ttft_ms", "prompt_tokens", "completion_tokens", "error"] as const,
    ],
    run: [
      ...["run_id", "kind", "benchmark", "mode", "model", "agent", "status", "duration_s"] as const,
      ...["items_total", "successful", "failed", "timed_out", "passed", "prompt_tokens"] as const,
      ...["completion_tokens", "tags"] as const,
    ],
  },
  smi_bench: {
    items: [
      ...["item_id", "name", "category", "success", "timed_out", "passed", "score"] as const,
      ...["latency_ms", "ttft_ms", "prompt_tokens", "completion_tokens", "error"] as const,
    ],
    run: [
      ...["run_id", "benchmark", "mode", "model", "agent", "duration_s", "items_total"] as const,
      ...["successful", "failed", "timed_out", "passed", "prompt_tokens", "tags"] as const,
    ],
  },
  koderz: {
    items: ["item_id", "name", "success", "latency_ms", "prompt_tokens", "error"],
    run: ["run_id", "benchmark", "model", "agent", "duration_s", "items_total", "failed", "tags"],
  },
  benchmark_test_runner: {
    items: [
      ...["item_id", "name", "category", "success", "timed_out", "passed", "score"] as const,
      ...["latency_ms", "ttft_ms", "prompt_tokens", "completion_tokens", "error"] as const,
    ],
    run: ["run_id", "benchmark", "model", "duration_s", "items_total", "failed", "passed", "tags"],
  },
  batch_eval: {
    items: ["name", "category", "success", "score", "latency_ms", "completion_tokens", "error"],
    run: ["model", "items_total", "successful", "failed"],
  },
};

async function everything(root: string, held: typeof HELD[string]) {
  const listed = await withRunIndex(root, (index) => index.list());
  const found = await Promise.all(listed.map(async ({ path, ...run }) => {
    const { items } = await readRunDirectory(path);
    const pick = (of: object, names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, (of as Record<string, unknown>)[name]]));
    return { run: pick(run, held.run), items: items.map((item) => pick(item, held.items)) };
  }));
  return found.map((run) => JSON.stringify(run)).sort();
}

for (const [format, held] of Object.entries(HELD)) {
  Deno.test(`exported as ${format} and imported, runs are equal in what it holds`, async () => {
    using folder = temporary();
    const [root, out, again] = ["runs", "out", "again"].map((name) => join(folder.path, name));
    await someRuns(root, 12);
    const target = format === "json" ? `${out}.json` : out;
    const { code } = await runs(root, "export", "--format", format, "--out", target);
    assertEquals(code, 0);
    const told = JSON.parse((await runs(again, "import", target, "--json")).out);
    assertEquals([told.new, told.warnings], [13, []]);
    assertEquals(await everything(again, held), await everything(root, held));
    // out again and in again: nothing more is lost
    if (format === "json") return;
    await runs(again, "export", "--format", format, "--out", `${out}2`);
    const files = (folder: string) => readdirSync(folder, { recursive: true }).length;
    if (format !== "batch_eval") assertEquals(files(`${out}2`), files(out));
    await assertRejects(
      () => runs(root, "export", "--format", format, "--out", out),
      InputError,
      "exists already",
    );
  });
}

Deno.test("parquet: types, nulls and texts come back; other readers agree", async (t) => {
  using folder = temporary();
  const root = join(folder.path, "runs"), out = join(folder.path, "items.parquet");
  await someRuns(root, 4);
  writeRun(root, 20, { marks: "1x-", benchmark: EVIL, model: "ünï\n\u{1F600}", tokens: false });
  await assertRejects(() => runs(root, "export", "--format", "parquet"), InputError, "needs --out");
  for (const rows of ["items", "runs"]) {
    await runs(root, "export", "--rows", rows, "--out", out); // the form is by the file's name
    const jsonl = (await runs(root, "export", "--format", "jsonl", "--rows", rows)).out;
    const expected = jsonl.split("\n").map((line) => JSON.parse(line));
    const file = await asyncBufferFromFile(out);
    const read = await parquetReadObjects({ file });
    const plain = read.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          typeof value === "bigint" ? Number(value) : value ?? null,
        ]),
      )
    );
    assertEquals(plain, expected);
    const python = `import sys, pyarrow.parquet as p
t = p.read_table(sys.argv[1])
print(t.num_rows, t.schema.field("prompt_tokens").type, t.column("prompt_tokens").null_count)`;
    const { status, stdout } = spawnSync("python3", ["-c", python, out], { encoding: "utf8" });
    if (status !== 0) continue; // no pyarrow on this host
    const nulls = expected.filter((row) => row.prompt_tokens === null).length;
    await t.step("pyarrow", () => assertEquals(stdout.trim(), `${expected.length} int64 ${nulls}`));
  }
});

Deno.test("a text that a spreadsheet would run is no formula in any CSV", async () => {
  using folder = temporary();
  writeRun(folder.path, 0, { marks: "11", benchmark: EVIL, model: "@SUM(1)" });
  for (const rows of ["runs", "items"]) {
    const { out } = await runs(folder.path, "export", "--format", "csv", "--rows", rows);
    assertMatch(out, /,'@SUM\(1\),/);
    assert(!/(^|[,"\n])[=@]/.test(out), out);
  }
});

Deno.test("html: a run's own report page, or a page with its items, or with the runs", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  await someRuns(root, 2);
  const html = async (...argv: string[]) =>
    (await runs(root, "export", "--format", "html", ...argv)).out;
  const [own] = await withRunIndex(root, (index) => index.list({ model: "mock" }));
  assertMatch(await html(own.run_id), /answers|<h1[^>]*>/);
  await writeSuiteReport(runDirectoryAt(own.path));
  const report = readFileSync(runDirectoryAt(own.path).report, "utf8");
  assertEquals(await html(own.run_id), report.trimEnd());
  writeRun(root, 7, { marks: "1x0", benchmark: EVIL });
  const items = await html(runId(7));
  assertEquals(items.match(/<tr/g)?.length, 4);
  assert(!items.includes("<b>") && items.includes("HTTP 500: overloaded"));
  assertEquals((await html()).match(/<tr/g)?.length, 5);
});

Deno.test({
  name: "the page of a query in a browser: searched, sorted, no fault, no network",
  ignore: browserPath() === null,
  fn: async () => {
    using folder = temporary();
    const root = join(folder.path, "runs"), out = join(folder.path, "runs.html");
    for (let n = 0; n < 30; n++) {
      const model = n % 2 ? EVIL : "mini";
      writeRun(root, n, { marks: "1".repeat(n + 1), model, tags: [`t${n}`] });
    }
    await runs(root, "export", "--format", "html", "--out", out);
    const args = ["--no-sandbox", "--disable-gpu", "--no-first-run"];
    const browser = await chromium.launch({ executablePath: browserPath()!, args });
    try {
      const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
      const faults: string[] = [], url = pathToFileURL(out).href;
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("request", (request) => request.url() !== url && faults.push(request.url()));
      await page.goto(url);
      assert(await page.evaluate("document.documentElement.scrollWidth <= 360"), "too wide");
      const visible = () => page.locator("#runs-table tbody tr:visible").count();
      assertEquals([await visible(), await page.textContent("#shown")], [30, "30 runs"]);
      await page.fill("#find", "t13");
      assertEquals([await visible(), await page.textContent("#shown")], [1, "1 of 30 runs"]);
      await page.fill("#find", "");
      const heads = await page.locator("#runs-table thead th").allTextContents();
      const at = heads.indexOf("items total") + 1;
      await page.locator(`#runs-table thead th:nth-child(${at}) button`).click();
      const counts = await page.locator(`#runs-table tbody td:nth-child(${at})`).allTextContents();
      assertEquals(counts.map(Number), Array.from({ length: 30 }, (_, i) => i + 1));
      assertEquals(faults, []);
    } finally {
      await browser.close();
    }
  },
});

Deno.test("an export that cannot be: said with what to do", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs"), file = join(folder.path, "file");
  writeRun(root, 0, { marks: "1" });
  writeFileSync(file, "");
  mkdirSync(join(folder.path, "d"));
  for (
    const [argv, message] of [
      [["--format", "koderz"], "needs --out DIR"],
      [["--format", "parqet"], "parquet"],
      [[], "--format is missing; expected csv"],
      [["--format", "csv", "--out", join(file, "x.csv")], "a part of the path is a file"],
      [["--format", "koderz", "--out", join(file, "x")], "a part of the path is a file"],
    ] as const
  ) {
    await assertRejects(() => runs(root, "export", ...argv), InputError, message);
  }
  assertEquals(existsSync(join(folder.path, "d", "x")), false);
});
