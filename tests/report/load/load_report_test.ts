/** The report of a load run: what it holds, what it must not, odd runs, and a real browser. */
import { readFileSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chromium } from "playwright-core";
import { writeLoadReport } from "../../../lib/report/load/load_report.ts";
import {
  firstTokens,
  inFlightSteps,
  loadSpan,
  requestRates,
  thinned,
} from "../../../lib/report/load/load_series.ts";
import { browserPath } from "../../browser.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import { EVIL } from "../fixture.ts";
import {
  emptyRun,
  failedRun,
  loadFixture,
  loadFolder,
  ORIGIN_NS,
  simulatedRequests,
  stageOf,
  TRUSTED,
} from "./load_fixture.ts";
import { writeCurvePage } from "../../../lib/report/load/curve_page.ts";
import { levelsCurvePlot } from "../../../lib/report/load/load_curve.ts";
import type { JudgedStatement } from "../../../lib/load/statement.ts";
import type { LoadFixture } from "./load_fixture.ts";
import type { Points } from "../../../lib/report/charts/host_panels.ts";

/** The page of a run, written and read back. */
async function htmlOf(fixture: LoadFixture, samples_s = 0): Promise<string> {
  using folder = temporaryFolder();
  const directory = await loadFolder(folder.path, fixture, samples_s);
  const path = await writeLoadReport(directory, fixture.results, fixture.records);
  assertEquals(path, directory.report);
  return readFileSync(path, "utf8");
}

/** A page without its style and script. */
const shown = (html: string) => html.replace(/<(style|script)>[^]*?<\/\1>/g, "");

const HEADINGS = [
  "Notes",
  "Stages",
  "Load curve",
  "How long answers took",
  "Over time",
  "Service-level objectives",
  "Errors",
  "The client's own cost",
  "The server's own metrics",
  "Energy and health",
  "How to read this",
];

Deno.test("a load report holds the verdict, the stages, the charts and the client's cost", async () => {
  const fixture = loadFixture();
  const { total, stages } = fixture.results;
  const html = await htmlOf(fixture, 400);
  for (
    const text of [
      "chat-600-150 on llama-3.1-8b-instruct",
      `<p class="word">Client trusted</p>`,
      "events were stamped within 84 µs",
      "3 stages: 8 requests/s, poisson; 14 requests/s, poisson; 24 requests/s, poisson",
      total.metrics.ttft_ms!.p50.toFixed(1),
      total.requests.successful.toLocaleString("en"),
      "ttft_intended",
      "normalized latency",
      "HTTP 503: the queue is full",
      "ttft ≤ 500 ms",
      stages[2].goodput!.missed["ttft ≤ 500 ms"].toLocaleString("en"),
      "128 streams at once",
      "182,000 events a second",
      "98,412 ± 310.0 J",
      "vllm: its /metrics",
      "Host samples at 10 Hz (native)",
      "server: KV cache in use, %",
      "GPU power, W",
      `Token counts of this run: ${
        total.requests.successful.toLocaleString("en")
      } from the server's usage.`,
      ...HEADINGS,
    ]
  ) {
    assertStringIncludes(html, text);
  }
  assertEquals(html.match(/<figure><svg class="wide"/g)?.length, 3);
  assertEquals(html.match(/<details>/g)?.length, 3);
  assert(!/NaN|undefined|null|Infinity/.test(shown(html)), "an unknown number shown");
  assert(html.length < 1_500_000, `${html.length} letters`);
});

Deno.test("a load's page has its cost, and how many requests have no turn", async () => {
  const fixture = loadFixture();
  const { results } = fixture, { successful, failed, unfinished, unsent } = results.total.requests;
  const turn = { answered: 0, ttft_ms: null, e2e_ms: null, prompt_tokens_mean: null };
  const counted = successful + failed + unfinished + unsent +
    (results.total.requests.cancelled ?? 0);
  results.turns = [
    { ...turn, turn: "first", requests: 4, cached_share: null },
    { ...turn, turn: "later", requests: counted - 7, cached_share: null },
  ];
  Object.assign(results.ledger.total, {
    ...{ requests: 20, total_cost_usd: 0.0042 },
    ...{ requests_of_unknown_cost: 7, requests_cut_off: 7 },
  });
  const html = await htmlOf(fixture);
  assertStringIncludes(html, "$0.0042 + up to 7 unknown for all 20 requests");
  assertStringIncludes(html, "3 requests of this load are in neither row");
});

Deno.test("nothing in a load report can reach the network, and only its own script may run", async () => {
  const html = await htmlOf(loadFixture());
  assertMatch(
    html,
    /Content-Security-Policy" content="default-src 'none'; [^"]*script-src 'sha256-/,
  );
  assert(!/https?:(?!\/\/(127\.0\.0\.1|www\.w3\.org))/.test(html), "an address of the network");
  assert(!/<(img|link|iframe|object|form)|url\((?!#)|@import/.test(html), "something that loads");
});

Deno.test("each verdict is said in words, with its reasons and what it means", async () => {
  const verdicts = [
    ["client_limited", "Client limited", "partly its own"],
    ["unknown", "Client unknown", "read the figures below with care"],
  ] as const;
  for (const [verdict, word, meaning] of verdicts) {
    const reasons = ["late sends: 12 ms at p99, more than 5 ms", "a second reason"];
    const html = await htmlOf(
      loadFixture({ verdict: { ...TRUSTED, verdict, reasons, calibration: null } }, []),
    );
    for (
      const text of [word, meaning, ...reasons, `class="verdict ${verdict}"`, "dyno calibrate"]
    ) {
      assertStringIncludes(html, text);
    }
  }
});

Deno.test("what a server or a name says is text in a load report, never markup", async () => {
  const { results } = loadFixture();
  const failed = failedRun(EVIL);
  const evil = results.stages.map((stage) => ({
    ...stage,
    name: EVIL,
    window: { ...stage.window, rule: EVIL },
  }));
  const html = await htmlOf({
    records: failed.records,
    results: {
      ...results,
      ...{ benchmark: EVIL, model: EVIL, endpoint: EVIL, transport: EVIL },
      stages: evil,
      total: failed.results.total,
      stopped_because: EVIL,
      notes: [EVIL, EVIL + "x".repeat(1000)],
      server: { ...results.server!, name: EVIL },
      energy: { ...results.energy!, source: EVIL },
      verdict: {
        ...TRUSTED,
        reasons: [EVIL],
        client: { ...TRUSTED.client, scheduling: EVIL },
        calibration: { ...TRUSTED.calibration!, measured_at: EVIL },
      },
    },
  });
  assert(!html.includes("<img") && !html.includes("<script>window"));
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000\u202e]/.test(html), "a control character");
  assertEquals(html.match(/<script/g)?.length, 1);
  assertStringIncludes(html, "more characters)");
});

Deno.test("a load run without a request, and one in which all failed, have a report", async () => {
  const empty = await htmlOf(emptyRun());
  for (
    const text of [
      "The run was interrupted",
      "nothing was measured",
      "No request was answered.",
      "No request was sent.",
      "No request was due in the measured windows.",
      "The server's own metrics were not read.",
      "no energy source that could be read",
    ]
  ) {
    assertStringIncludes(empty, text);
  }
  const failed = await htmlOf(failedRun("connection refused"));
  for (
    const text of [
      "The run ended early: error rate 100 %",
      "<b>100.0 <small>%</small></b>",
      "connection refused",
      "No request was answered.",
      "requests a second",
    ]
  ) {
    assertStringIncludes(failed, text);
  }
  for (const html of [empty, failed]) {
    assert(!/NaN|undefined|null|Infinity/.test(shown(html)), "an unknown number shown");
  }
});

Deno.test("one stage has neither a curve nor stages to open, nor SLOs nobody asked for", async () => {
  const requests = simulatedRequests().filter(({ stage }) => stage === 0);
  const stage = stageOf("8 in flight", null, requests, []);
  const html = await htmlOf(loadFixture({ stages: [stage], total: stage, slos: [] }, requests));
  assert(!/Load curve|<details>|Service-level objectives|goodput, requests/.test(shown(html)));
  assertStringIncludes(html, "tokens/s a user, median");
  assertEquals(html.match(/<figure><svg class="wide"/g)?.length, 2);
});

Deno.test("the curve of levels: several runs of one are one dot, and a limit is a line", async () => {
  const run = (rate: number, seed: number) => {
    const requests = simulatedRequests(seed).filter(({ stage }) => stage === 0);
    const stage = stageOf(`${rate} requests/s, poisson`, rate, requests, []);
    const limit = { measure: "ttft_ms", quantile: 0.95, limit_ms: 750 };
    const statements = [limit as JudgedStatement];
    return loadFixture({ stages: [stage], total: stage, slos: [], statements }, requests).results;
  };
  const runs = [run(8, 1), run(4, 2), run(8, 3)];
  const { option } = levelsCurvePlot(runs)!.draw(800);
  const drawn = option.series as { type: string; data: { value: number[] }[]; markLine?: object }[];
  const ttft = drawn.filter((_, i) =>
    (option.series as { yAxisIndex: number }[])[i].yAxisIndex === 1
  );
  const p95 = runs.map(({ total }) => total.metrics.ttft_ms!.p95);
  const [, line] = ttft.filter(({ type, markLine }) => type === "line" && !markLine);
  assertEquals(line.data.map(({ value }) => value), [[4, p95[1]], [8, (p95[0] + p95[2]) / 2]]);
  const limits = ttft.filter(({ markLine }) => JSON.stringify(markLine)?.includes("750 ms"));
  assertEquals(
    limits.map(({ data }) => data),
    [[{ value: [0, 750] }]],
    "the scale includes the limit",
  );

  using folder = temporaryFolder();
  const path = `${folder.path}/curves.html`;
  const curves = ["output_tokens 8", "output_tokens 24"].map((heading) => ({ heading, runs }));
  assert(await writeCurvePage(path, "levels", [], curves));
  const html = readFileSync(path, "utf8");
  assertEquals(
    html.match(/<h2>output_tokens \d+<\/h2><figure>/g),
    curves.map(({ heading }) => `<h2>${heading}</h2><figure>`),
  );
});

Deno.test("requests over time: none is lost between the rates, and the areas are the times", () => {
  const requests = simulatedRequests();
  const span = loadSpan(requests)!;
  const { step_s, sent, answered, failed } = requestRates(span);
  const sum = (points: Points) =>
    Math.round(points.reduce((all, [, rate]) => all + rate, 0) * step_s);
  assertEquals(sum(sent), 5000);
  assertEquals(sum(answered) + sum(failed), 5000);
  assertEquals(span.origin_ns > ORIGIN_NS, true);
  // as steps are drawn: from the middle between two points to that between the next two
  const area = (points: Points, length_s: number) =>
    points.reduce((all, [at_s, mean], i) => {
      const from_s = i === 0 ? 0 : (points[i - 1][0] + at_s) / 2;
      const to_s = i === points.length - 1 ? length_s : (at_s + points[i + 1][0]) / 2;
      return all + mean * (to_s - from_s);
    }, 0);
  for (const [some, most] of [[requests, 400], [requests.slice(0, 3), 40]] as const) {
    const { length_s } = loadSpan(some)!;
    const { first_token, last_token } = inFlightSteps(loadSpan(some)!);
    assert(first_token.length <= most, `${first_token.length} points`);
    const drawn_s = area(first_token, length_s) + area(last_token, length_s);
    const busy_s = some.reduce((all, each) => all + (each.t_end_ns - each.t_sent_ns!) / 1e9, 0);
    assert(Math.abs(drawn_s / busy_s - 1) < 1e-9, `${drawn_s} s drawn of ${busy_s}`);
  }
});

Deno.test("a thinned scatter keeps the order, the ends of every part and the bound", () => {
  const points = firstTokens(loadSpan(simulatedRequests())!);
  const few = thinned(points, 1000);
  assert(few.length <= 1000 && few.length > 700, `${few.length} points`);
  const highest = (all: Points) => Math.max(...all.map(([, ms]) => ms));
  const lowest = (all: Points) => Math.min(...all.map(([, ms]) => ms));
  assertEquals([lowest(few), highest(few)], [lowest(points), highest(points)]);
  assert(few.every(([at_s], i) => i === 0 || at_s >= few[i - 1][0]));
  assertEquals(thinned(points, points.length), points);
});

const executablePath = browserPath();

Deno.test({
  name: "in a browser a load report opens from the disk, faultless, and fits a phone",
  ignore: executablePath === null,
  fn: async () => {
    using folder = temporaryFolder();
    const fixture = loadFixture();
    const directory = await loadFolder(folder.path, fixture, 400);
    const path = await writeLoadReport(directory, fixture.results, fixture.records);
    assert(statSync(path).size < 1_500_000);
    const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"];
    const browser = await chromium.launch({ executablePath: executablePath!, args });
    try {
      const faults: string[] = [];
      const url = pathToFileURL(path).href;
      for (const width of [390, 1180]) {
        const page = await browser.newPage({ viewport: { width, height: 800 } });
        page.on("console", (message) => faults.push(message.text()));
        page.on("pageerror", (error) => faults.push(String(error)));
        page.on("request", (request) => request.url() !== url && faults.push(request.url()));
        await page.goto(url);
        for (const name of HEADINGS) {
          const heading = page.getByRole("heading", { name, exact: true });
          assert(await heading.isVisible(), `${name} is not to be seen`);
        }
        await page.locator("summary").first().click();
        assert(await page.locator("details table").first().isVisible());
        assert(
          await page.evaluate(`document.documentElement.scrollWidth <= ${width}`),
          `wider than ${width}`,
        );
        await page.close();
      }
      assertEquals(faults, []);
    } finally {
      await browser.close();
    }
  },
});
