/** The live view of a load: its rows by themselves, and on a terminal of its own. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { liveBlock } from "../../../lib/cli/load/live_view.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { textWidth } from "../../../lib/text/width.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import { until } from "../../until.ts";
import { hasTerminals, inTerminal, OF_DENO, Screen } from "../ui/screen.ts";
import type { LiveFigures } from "../../../lib/load/live_load.ts";

const ignore = !hasTerminals;
const same = (text: string) => text;
const PLAIN = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };

function figures(more: Partial<LiveFigures> = {}): LiveFigures {
  const by_second_ms = Array.from({ length: 60 }, (_, i) => i < 30 ? null : i < 45 ? 10 : 80);
  return {
    ...{ stage: 1, stages: 3, sent: 1300, in_flight: 16, ended: 1234, failed: 7, events: 9000 },
    ...{ requests_per_s: 12.34, left_s: 90, elapsed_s: 30, events_per_s: 1234.4 },
    ttft: { p50_ms: 12.345, p90_ms: 234.5, p99_ms: 12345.6, by_second_ms },
    gap: { p50_ms: 0.05, p90_ms: 20, p99_ms: 21, by_second_ms },
    errors: [["timeout", 5], ["http_5xx", 2]],
    server: {
      name: "vllm",
      reading: {
        ...{ t_ns: 0, running: 3, waiting: 1200, kv_cache_usage: 0.456 },
        ...{ prefix_cache_hits_total: null, prefix_cache_queries_total: null },
        ...{ prefix_cache_hit_rate: null, queue_time_sum_s: null, queue_time_count: null },
        ...{ preemptions_total: null, prompt_tokens_total: null, generation_tokens_total: null },
      },
    },
    host: null,
    verdict: {
      verdict: "trusted",
      reasons: [],
      calibration: null,
      requests: 1227,
      client: {
        ...{ transport: "wire", read_lag_p99_ms: 0.05, read_lag_max_ms: 1, cpu_cores: 0.2 },
        ...{ thread_cpu_cores: 0.1, cores: 2, ring_use: 0, blocked_ms: 0, stalled_ms: 0 },
        ...{ events_per_s: 1234, scheduling: null, lateness_p99_ms: 0.1, lateness_max_ms: 1 },
      },
    },
    ...more,
  };
}

Deno.test("the live view tells each figure, and a quarter of its bar at a quarter of the time", () => {
  const text = liveBlock(figures(), PLAIN, 78).join("\n");
  for (
    const words of [
      "25 % · 1 min 30 s left · stage 2 of 3",
      "1,234 ended · 7 failed · 16 in flight · 12.3/s · 1,234 events/s",
      "12.35    234.5   12,346",
      "5 timeout · 2 http_5xx",
      "vllm · 3 running · 1,200 waiting · KV cache 46 %",
      "trusted so far · reads lag 0.05 ms (p99) · CPU 0.20 of 2 cores",
    ]
  ) assertStringIncludes(text, words);
  const [bar] = /[█░]+/.exec(text)!;
  assertEquals(bar.split("█").length - 1, Math.round(bar.length / 4));
});

Deno.test("the sparkline is blank without answers, low at 10 ms and full at 80 ms", () => {
  const rows = liveBlock(figures(), PLAIN, 78);
  const [, spark] = /12,346 {2}(.*) ≤ 80\.00$/.exec(rows.find((row) => row.startsWith("ttft"))!)!;
  // 60 s, half of them without an answer, a quarter each at 1/8 and at 8/8 of the highest
  const cells = [...spark], quarter = cells.length / 4;
  assertEquals(cells.slice(0, Math.floor(2 * quarter)).join("").trim(), "");
  assertEquals(new Set(cells.slice(Math.ceil(2 * quarter), Math.floor(3 * quarter))), new Set("▁"));
  assertEquals(new Set(cells.slice(Math.ceil(3 * quarter))), new Set("█"));
});

Deno.test("no row of the live view is wider than its terminal, and what is unknown is not 0", () => {
  const limited = { ...figures().verdict, verdict: "client_limited" as const };
  limited.reasons = ["reads lag: 3.00 ms after the kernel at p99"];
  const cases: Partial<LiveFigures>[] = [
    {},
    { verdict: limited },
    { ttft: null, gap: null, left_s: null, requests_per_s: null, events_per_s: null },
    { errors: [], server: null },
  ];
  for (const more of cases) {
    for (let columns = 60; columns <= 78; columns++) {
      const rows = liveBlock(figures(more), PLAIN, columns);
      const latencies = rows.filter((row) => /^(ttft|gap|█|░)/.test(row));
      latencies.forEach((row) => assert(textWidth(row) < columns, `${columns}: ${row}`));
      assert(rows.length <= 11);
      assertEquals(rows.at(-1), "", "the cursor rests below the block");
    }
  }
  const text = liveBlock(figures(cases[2]), PLAIN, 78).join("\n");
  assertMatch(text, /ttft, ms +–\ngap, ms +–/);
  assertStringIncludes(text, "30 s so far");
  assertStringIncludes(
    liveBlock(figures(cases[1]), PLAIN, 78).join("\n"),
    "limited · reads lag: 3",
  );
});

/** What is on the screen after each piece that draws from the block's top. */
function frames(said: string, columns = 100): { screens: string[]; screen: Screen } {
  const screen = new Screen(columns);
  const own = said.slice(said.indexOf(" on ")).replace(OF_DENO, "");
  const screens: string[] = [];
  // deno-lint-ignore no-control-regex
  for (const piece of own.split(/(?=\r\x1b\[\d+A|\r[^\n])/)) {
    screen.write(piece);
    screens.push(screen.text());
  }
  return { screens, screen };
}

const LOAD = ["--concurrency", "3", "--sample-rate", "0", "--output-tokens", "10"];
/** For the shell: waits until the load has begun, however long starting takes. */
const BEGUN = "until ls runs/*/events.jsonl; do sleep 0.1; done >/dev/null 2>&1";
const WHOLE_LINE = /[█░]+ \d+ requests · [\d.]+\/s · \d s left · [1-3] in flight/;
const inView = (said: string) => /client .*trusted so far/.test(said);

async function mocked() {
  const mock = await MockEndpoint.start({ model: "m" });
  mock.configure({ delay_s: 0.05 });
  return mock;
}

Deno.test({
  name: "dyno load draws its view over itself, and leaves the summary and what was said",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await mocked();
    const run = inTerminal(
      ["load", "--endpoint", mock.url, ...LOAD, "--duration", "3"],
      folder.path,
    );
    assertEquals(await run.over, 0, run.said());
    const { screens, screen } = frames(run.said());
    const views = screens.filter((text) => text.includes("trusted so far"));
    assert(views.length > 3, run.said());
    for (const view of views) {
      assertEquals(view.match(/ ended · /g)?.length, 1, `one block at a time:\n${view}`);
      assertStringIncludes(view, "cost: no price"); // a notice stays above it
    }
    assertMatch(views.at(-1)!, /\d+ % · \d+ s left/);
    assertMatch(views.at(-1)!, /ttft, ms +[\d.]+ +[\d.]+ +[\d.]+/);
    const end = screen.text();
    assert(!end.includes("so far"), end);
    assertStringIncludes(end, "CLIENT TRUSTED");
    assert(!/\n\n\n/.test(end), "no two empty lines");
    assertEquals(screen.unknown, [], "no mode of the terminal is changed");
  },
});

Deno.test({
  name: "a narrow, dumb or colourless terminal, and --no-live, get one line",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await mocked();
    const cases: [string[], Parameters<typeof inTerminal>[2]][] = [
      [[], { columns: 59 }],
      [[], { env: { TERM: "dumb" } }],
      [[], { env: { NO_COLOR: "1" } }],
      [["--no-live"], {}],
    ];
    for (const [flags, place] of cases) {
      const run = inTerminal(
        ["load", "--endpoint", mock.url, ...LOAD, "--duration", "2", ...flags],
        folder.path,
        place,
      );
      assertEquals(await run.over, 0, run.said());
      const what = JSON.stringify([flags, place]);
      assert(!run.said().includes("so far"), what);
      assertMatch(run.said(), place?.columns ? /[█░]+ \d+ requests · / : WHOLE_LINE, what);
      const dumb = place?.env?.TERM === "dumb";
      const own = run.said().slice(run.said().indexOf(" on ")).replace(OF_DENO, "");
      if (dumb) assert(!own.includes("\x1b"), JSON.stringify(own));
      const { screen } = frames(run.said(), place?.columns);
      assert(!screen.text().includes("in flight ·"), "the line is gone");
    }
  },
});

Deno.test({
  name: "a window that becomes narrow gets one line, one that becomes wide the view again",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await mocked();
    const resized = `${BEGUN}; sleep 2; stty cols 50 </dev/tty; sleep 2; stty cols 90 </dev/tty`;
    const args = ["load", "--endpoint", mock.url, ...LOAD, "--duration", "8"];
    const run = inTerminal(args, folder.path, { during: resized });
    assertEquals(await run.over, 0, run.said());
    const kinds = run.said().split("\r").flatMap((piece) =>
      inView(piece) ? ["view"] : / requests · /.test(piece) ? ["line"] : []
    );
    const turns = kinds.filter((kind, i) => kind !== kinds[i - 1]);
    assert(turns.join(" ").includes("view line view"), turns.join(" "));
  },
});

Deno.test({
  name: "a load that fails on the way takes its view away and says why",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await mocked();
    const args = ["load", "--endpoint", mock.url, ...LOAD, "--duration", "5"];
    const during = `${BEGUN}; sleep 1.5; rm -rf runs`;
    const run = inTerminal(args, folder.path, { during });
    assertEquals(await run.over, 2, run.said());
    assert(inView(run.said()), "there was a view");
    const { screen } = frames(run.said());
    assert(!screen.text().includes("so far"), screen.text());
    assertMatch(screen.text(), /\nerror: .*events\.jsonl/);
    assertEquals(screen.unknown, []);
  },
});

for (
  const { name, end, code } of [
    { name: "Ctrl-C", end: (key: (key: string) => void) => key("\x03"), code: 130 },
    { name: "SIGTERM", end: null, code: 130 },
  ]
) {
  Deno.test({
    name: `${name} takes the view away, sums up, and leaves the terminal as it was`,
    ignore,
    fn: async () => {
      using folder = temporaryFolder();
      await using mock = await mocked();
      const args = ["load", "--endpoint", mock.url, ...LOAD, "--duration", "60"];
      const during = end === null ? `${BEGUN}; sleep 1.5; kill -TERM $$` : "true";
      const run = inTerminal(args, folder.path, { during });
      await until(() => inView(run.said()));
      end?.(run.key);
      assertEquals(await run.over, code, run.said());
      const { screen } = frames(run.said());
      const text = screen.text();
      assertStringIncludes(text, "stopping: saving");
      assertStringIncludes(text, "interrupted: the figures");
      assert(!text.includes("so far"), text);
      assertEquals(screen.unknown, []);
      const [id] = readdirSync(join(folder.path, "runs")).filter((each) =>
        each.startsWith("bench")
      );
      assert(existsSync(join(folder.path, "runs", id, "results.json")));
    },
  });
}
