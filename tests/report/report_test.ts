/** The report of a run: what it holds, what it must not, how large it gets. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sealedFile } from "../../lib/seal.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { escapeHtml } from "../../lib/report/html.ts";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { jsonIn, promptTests, suiteFrom, temporaryFolder } from "../suite/fixture.ts";
import { EVIL, judged, reported } from "./fixture.ts";
import type { ResultItem, SuiteResults } from "../../lib/suite/results.ts";

/** The report of results that a real run left, changed. */
async function reportOf(
  run: Awaited<ReturnType<typeof reported>>,
  change: (results: SuiteResults) => Partial<SuiteResults>,
): Promise<string> {
  const results: SuiteResults = jsonIn(run.directory.results);
  await writeSuiteReport(run.directory, { ...results, ...change(results) });
  return readFileSync(run.directory.report, "utf8");
}

/** A page without its style and script. */
const shown = (html: string) => html.replace(/<(style|script)>[^]*?<\/\1>/g, "");

Deno.test("a report holds the results, the charts, the samples and the texts", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.15 } });
  const { html } = await reported(mock, {
    suite: suiteFrom(judged(8)),
    out: folder.path,
    sample_rate_hz: 20,
  });
  for (
    const text of [
      "fixture on mock",
      "<b>75.0 <small>%</small></b>",
      "6 of 8",
      "alpha",
      "Question number 3",
      "Mock response text",
      "judge contains: wrong, 0 of 1",
      "Host samples at 20 Hz (",
      "memory in use, GiB",
      "All token counts of this run are the server's usage.",
    ]
  ) {
    assertStringIncludes(html, text);
  }
  assertEquals(html.match(/<figure><svg class="wide"/g)?.length, 2);
  assertEquals(html.match(/<tr class="item/g)?.length, 8);
  assertEquals(html.match(/<tr id="t\d+" class="texts"/g)?.length, 8);
});

Deno.test("nothing in a report can reach the network, and only its own script may run", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const { html } = await reported(mock, { suite: suiteFrom(judged(2)), out: folder.path });
  assertMatch(
    html,
    /Content-Security-Policy" content="default-src 'none'; [^"]*script-src 'sha256-/,
  );
  assert(!/script-src[^;"]*unsafe/.test(html));
  assert(!/https?:(?!\/\/(127\.0\.0\.1|www\.w3\.org))/.test(html), "an address of the network");
  assert(!/<(img|link|iframe|object|form)|url\((?!#)|@import/.test(html), "something that loads");
});

Deno.test("what a model or a suite says is text, never markup", async () => {
  using folder = temporaryFolder();
  const response = EVIL + "x".repeat(10_000);
  await using mock = await MockEndpoint.start({ behaviour: { default_response: response } });
  const test = { id: "x", name: EVIL, category: EVIL, prompt: EVIL };
  const suite = suiteFrom([{ ...test, evaluator: { name: "contains", expected: EVIL + EVIL } }]);
  const run = await reported(mock, { suite, out: folder.path, sample_rate_hz: 20 });
  const all = [
    run.html,
    await reportOf(run, ({ items }) => ({
      benchmark: EVIL,
      model: EVIL,
      items: items.map((item) => ({ ...item, success: false, error: EVIL })),
    })),
  ];
  assertEquals(escapeHtml(`<"'&>\ud800\u0007\u2066`), "&lt;&quot;&#39;&amp;&gt;\ufffd\ufffd\ufffd");
  for (const html of all) {
    assert(!html.includes("<img") && !html.includes("<script>window"));
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000\u202e]/.test(html), "a control character");
    assertEquals(html.match(/<script/g)?.length, 1);
    assertStringIncludes(html, "more characters)");
  }
});

Deno.test("odd runs have a report: one test, no judge, no samples, no answer, texts gone", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const one = await reported(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assertStringIncludes(one.html, "The host was not sampled in this run.");
  assertStringIncludes(one.html, "no answer was judged");
  assert(!one.html.includes("95 % interval<br>"), "an interval of nothing");
  assertStringIncludes(one.html, ">answered</td><td>–</td>");
  mock.configure({ error_mode: "server_error" });
  const none = await reported(mock, {
    suite: suiteFrom(judged(3)),
    out: folder.path,
    api: { retry_attempts: 1 },
  });
  assertStringIncludes(none.html, "No test was answered.");
  assertStringIncludes(none.html, "3 http_5xx");
  assertStringIncludes(none.html, "error, http_5xx, after 2 attempts");
  assert(
    !/>0\.0+<|NaN|undefined|null/.test(shown(none.html)),
    "an unknown number shown as something else",
  );
  rmSync(none.directory.items, { recursive: true });
  const bare = await reportOf(none, () => ({}));
  assertStringIncludes(bare, "Prompt and answer are shown for 0 tests");
});

Deno.test("a run without a finished test says so", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await reported(mock, { suite: suiteFrom(judged(2)), out: folder.path });
  const nothing = { tests: 0, successful: 0, errors: 0, evaluated: 0, passed: 0 };
  const html = await reportOf(run, ({ aggregate, statistics }) => ({
    complete: false,
    missing: 2,
    items: [],
    categories: [],
    aggregate: { ...aggregate, ...nothing, avg_hit_rate: null, total_completion_tokens: 0 },
    statistics: Object.fromEntries(
      Object.keys(statistics).map((name) => [name, null]),
    ) as unknown as SuiteResults["statistics"],
  }));
  assertStringIncludes(html, "The run was interrupted: 2 tests are missing.");
  assertStringIncludes(html, `--resume ${run.directory.run_id}`);
  assertStringIncludes(html, "No test was finished.");
  assertStringIncludes(html, "No request was sent.");
  assert(!/NaN|undefined|null|Infinity/.test(shown(html)));
});

Deno.test("a judge that failed is neither right nor wrong", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const evaluator = { name: "command", command: ["false"] };
  const suite = suiteFrom(promptTests(1).map((test) => ({ ...test, evaluator })));
  const { html } = await reported(mock, { suite, out: folder.path });
  assertStringIncludes(html, ">not judged</td>");
  assertStringIncludes(html, "judge command failed");
});

Deno.test("a long pause before a resume is left out of the time line, and said", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
  const run = await reported(mock, { suite: suiteFrom(judged(4)), out: folder.path });
  const later = (item: ResultItem, i: number) =>
    i < 2 ? item : { ...item, t_sent_ns: item.t_sent_ns! + 8 * 3600e9 };
  const html = await reportOf(run, ({ items }) => ({ items: items.map(later) }));
  assertStringIncludes(html, "Dashed lines: pauses that are left out (8 h).");
  assertMatch(html, /\d+ tokens in 0\.\d s/); // the pause is not in the rate either
});

Deno.test("sessions of different boots are not put on one time line", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.1 } });
  const suite = suiteFrom(judged(4));
  const run = await reported(mock, { suite, out: folder.path, sample_rate_hz: 20 });
  const first = jsonIn(join(run.directory.path, "samples.json"));
  const second = { ...first, boot_id: "another" };
  writeFileSync(join(run.directory.path, "samples_2.json"), sealedFile(second));
  writeFileSync(
    join(run.directory.path, "samples_2.bin"),
    readFileSync(join(run.directory.path, "samples.bin")),
  );
  const html = await reportOf(run, () => ({}));
  assertStringIncludes(html, "The run was resumed on another clock");
});

Deno.test("ten thousand tests make a page that opens: all numbers, the failed ones' texts", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await reported(mock, { suite: suiteFrom(judged(40)), out: folder.path });
  const [wrong, right] = [true, false].map((passed) =>
    run.results.items.find((item) => item.passed !== passed)!
  );
  const result = readFileSync(join(run.directory.items, `${wrong.file_stem}_result.json`), "utf8");
  const items = Array.from({ length: 10_000 }, (_, i): ResultItem => {
    const own = { item_id: `item ${i}`, test_id: `test ${i}`, file_stem: `test_${i}` };
    const test_name = `A test with a name of a usual length, its number is ${i}`;
    const error = i % 20 ? null : "the server answered: HTTP 500: internal server error";
    return { ...(i % 2 ? right : wrong), ...own, test_name, error, success: error === null };
  });
  const long = JSON.stringify({ ...JSON.parse(result), response_text: "<answer> ".repeat(1000) });
  mkdirSync(run.directory.items, { recursive: true });
  for (let i = 0; i < 10_000; i += 20) {
    writeFileSync(join(run.directory.items, `test_${i}_result.json`), long);
  }
  const html = await reportOf(run, () => ({ items }));
  assertEquals(html.match(/<tr class="item/g)?.length, 10_000);
  assertEquals(html.match(/<tr id="t\d+" class="texts"/g)?.length, 300);
  assertStringIncludes(html, "Prompt and answer are shown for 300 tests, errors and wrong answers");
  assertStringIncludes(html, "those of the other 9,700 are in the run's folder items/");
  assert(statSync(run.directory.report).size < 5e6, `${html.length} letters`);
});
