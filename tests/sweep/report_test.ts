/** The report of a sweep: its numbers, its files, in a browser, and of trees with holes. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { chromium } from "playwright-core";
import { command } from "../../lib/cli/sweep/report.ts";
import { InputError } from "../../lib/errors.ts";
import { ablationRatio, seedMean } from "../../lib/report/sweep/sweep_numbers.ts";
import { writeSweepReport } from "../../lib/report/sweep/sweep_report.ts";
import { analyseSweep } from "../../lib/sweep/analyse.ts";
import { collectSweep } from "../../lib/sweep/collect.ts";
import { csvLine, parseCsv } from "../../lib/formats/csv.ts";
import { FoundColumns } from "../../lib/sweep/columns.ts";
import { pairedRatioEstimate } from "../../lib/stats/paired.ts";
import { browserPath } from "../browser.ts";
import { printed } from "../run/runs_fixture.ts";
import { shellSweep, smallSweep, Workplace } from "./fixture.ts";
import type { Cell } from "../../lib/formats/csv.ts";

const PNG = [0x89, 0x50, 0x4e, 0x47];

/** A table of runs with the p95 that a function gives. */
function tableOf(
  rows: { policy: string; ablation: string; seed: number; p95: number | null; extra?: object }[],
): string {
  const columns = new FoundColumns().columns();
  return csvLine(columns) + rows.map(({ policy, ablation, seed, p95, extra }) => {
    const cells: Record<string, Cell> = {
      run_id: `${policy}-${ablation}-${seed}`,
      policy,
      workflows: 5,
      seed,
      ablation_name: ablation,
      ablation_flags: ablation === "baseline" ? "" : "--x",
      makespan_p95_ms: p95,
      exit_code: p95 === null ? 1 : 0,
      warning: p95 === null ? "exit code 1" : null,
      ...extra,
    };
    return csvLine(columns.map((name) => cells[name] ?? null));
  }).join("");
}

Deno.test("a paired ratio is the geometric mean; what a seed does to both cancels", () => {
  const pairs = [[200, 100], [2000, 1000], [50, 25]] as const;
  const { value, low, high, n } = pairedRatioEstimate(pairs)!;
  assertEquals(n, 3);
  for (const each of [value, low, high]) assertAlmostEquals(each, 2, 1e-12);
  const mixed = pairedRatioEstimate([[1, 2], [8, 1], [2, 2], [3, 0], [-1, 1]])!;
  assertAlmostEquals(mixed.value, Math.cbrt(0.5 * 8 * 1), 1e-12);
  assertEquals(mixed.n, 3);
  // of ln 0.5, ln 8 and 0 by hand: mean 0.46210, s/√3 0.83306, t₀.₉₇₅ of 2 degrees 4.30265
  assertAlmostEquals(Math.log(mixed.low), 0.46210 - 3.58437, 1e-4);
  assertAlmostEquals(Math.log(mixed.high), 0.46210 + 3.58437, 1e-4);
  assertEquals(pairedRatioEstimate([[1, 2]]), null);
});

Deno.test("groups are over seeds; ratios only over the seeds that both sides have", async () => {
  using place = new Workplace();
  const seeds = [1, 2, 3, 4];
  const file = place.write(
    "runs.csv",
    tableOf([
      ...seeds.map((seed) => ({
        policy: "full",
        ablation: "baseline",
        seed,
        p95: 100 * 10 ** seed,
      })),
      ...seeds.map((seed) => ({
        policy: "full",
        ablation: "off",
        seed,
        p95: seed === 4 ? null : 300 * 10 ** seed,
      })),
    ]),
  );
  const analysis = await analyseSweep(join(place.path, file), []);
  assertEquals([analysis.runs, analysis.measured, analysis.baseline], [8, 7, "baseline"]);
  assertEquals(analysis.warnings, [["exit code 1", 1]]);
  const ratio = ablationRatio(analysis, ["full", "workflows 5", "off"], "makespan_p95_ms")!;
  assertAlmostEquals(ratio.value, 3, 1e-12);
  assertEquals(ratio.n, 3);
  const mean = seedMean(analysis, ["full", "workflows 5", "baseline"], "makespan_p95_ms")!;
  assertEquals([mean.n, mean.value], [4, 277_750]);
  assert(mean.interval!.low < mean.value && mean.interval!.high > mean.value);
});

/** A finished small sweep, collected. */
async function collected(place: Workplace): Promise<void> {
  await place.sweep(smallSweep());
  await collectSweep(join(place.path, "bench_runs/small"));
}

/** Writes the report of a sweep's tree, in this process. */
function report(place: Workplace, tree: string, out_dir?: string) {
  return writeSweepReport(
    join(place.path, tree),
    out_dir ? { out_dir: join(place.path, out_dir) } : {},
  );
}

Deno.test("the report has the document's files, numbers and words on its sample", async () => {
  using place = new Workplace();
  await collected(place);
  const { code, stderr, stdout } = await place.dyno(
    ...["report", "--exp_dir", "bench_runs/small", "--json"],
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "report: bench_runs/small/report/index.html");
  assertEquals(JSON.parse(stdout).measured, 8);
  const folder = "bench_runs/small/report";
  assertEquals(place.list(folder), ["assets", "index.html", "report.md"]);
  const names = [
    "ablation_deltas_full_p95_ratio",
    "cost_by_policy",
    "makespan_by_policy",
    "tier_utilization_by_policy",
  ];
  assertEquals(place.list(`${folder}/assets`), names.map((name) => `${name}.png`));
  for (const name of names) {
    const bytes = readFileSync(join(place.path, folder, "assets", `${name}.png`));
    assertEquals([...bytes.subarray(0, 4)], PNG);
    assert(bytes.length > 5000, `${name} is nearly empty`);
  }
  const html = place.read(`${folder}/index.html`);
  const markdown = place.read(`${folder}/report.md`);
  for (const page of [html, markdown.replaceAll("\\", "")]) {
    for (const text of ["fifo_cheapest, full", "workflows 4", "baseline, no_hedge", "8 runs"]) {
      assertStringIncludes(page, text);
    }
    assertMatch(page, /Small sample: 2 seeds for each setting/);
  }
  assertEquals(html.match(/<svg class="wide"/g)!.length, 4);
  assertEquals(html.match(/<tr[^>]*><th scope="row">(fifo|full)/g)!.length, 8);
  assertStringIncludes(markdown, "![Makespan by policy](assets/makespan_by_policy.png)");
  await report(place, "bench_runs/small", "else");
  assertEquals(place.read("else/report.md"), markdown); // the same bytes every time
});

Deno.test("tiers have their means by provider; those that nothing went to are left out", async () => {
  using place = new Workplace();
  const full = { policy: "full", ablation: "baseline" };
  const tiers = (utilization: number) => ({
    llm_provider_tier0_utilization: utilization,
    llm_provider_tier0_in_flight_avg: utilization * 4,
    llm_provider_tier0_queue_wait_p95_ms: 20_000,
    llm_provider_tier1_utilization: 0,
    llm_provider_tier1_in_flight_avg: 0,
    llm_provider_tier1_queue_wait_p95_ms: 0,
    embed_provider_tier0_utilization: 0.01,
    embed_provider_tier0_queue_wait_p95_ms: 500,
  });
  place.write(
    "aggregate/runs.csv",
    tableOf([
      { ...full, seed: 1, p95: 9, extra: tiers(0.5) },
      { ...full, seed: 2, p95: 9, extra: tiers(0.7) },
      { ...full, ablation: "off", seed: 2, p95: 9, extra: tiers(0.1) },
    ]),
  );
  await report(place, ".");
  const [, section] = /## Tiers\n\n([^]*?)\n\n/.exec(place.read("report/report.md"))!;
  const rows = section.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  assertEquals(rows[0].slice(1, -1), [
    ...["workload", "policy", "tier", "seeds", "utilization", "in flight", "queue wait p95, s"],
  ]);
  assertEquals(rows.slice(2).map((cells) => [cells[3], cells[4], parseFloat(cells[5])]), [
    ["llm_provider, tier 0", "2", 0.6],
    ["embed_provider, tier 0", "2", 0.01],
  ]);
  assertEquals(rows.slice(2).map((cells) => [cells[6], cells[7]].map(parseFloat)), [
    [2.4, 20],
    [NaN, 0.5],
  ]);
});

Deno.test("a sampled sweep of any program has its host's figures", async () => {
  using place = new Workplace();
  await place.sweep(shellSweep("sleep 0.4", 2, { sample_rate_hz: 50 }));
  await collectSweep(join(place.path, "bench_runs/shell"));
  await report(place, "bench_runs/shell");
  const [head, ...rows] = parseCsv("table", place.read("bench_runs/shell/aggregate/runs.csv"));
  const cells = (name: string) => rows.map((row) => Number(row[head.indexOf(name)]));
  for (const percent of cells("host_cpu_usage_percent")) assert(percent >= 0 && percent <= 100);
  for (const gb of cells("host_memory_used_gb")) assert(gb > 0.05);
  assertEquals(head.slice(-1), ["warning"]);
  const markdown = place.read("bench_runs/shell/report/report.md");
  assertMatch(
    markdown,
    /## Hardware, of the whole host\n\n\| workload \| seeds \| CPU in use, %/,
  );
  assertMatch(markdown, /\| peak memory, MB \|/);
  // it writes no summary.csv: its time is its result
  const [shown] = /(?<=\| wall time, s .*\n\|.*\n\|[^|]*\| \d+ \| )[\d.]+/.exec(markdown)!;
  const times = cells("wall_time_s");
  assertAlmostEquals(Number(shown), times.reduce((sum, s) => sum + s) / times.length, 1e-3);
  for (const none of ["policies", "ablations", "baseline"]) assert(!markdown.includes(none), none);
  const broken = `bench_runs/shell/runs/${place.list("bench_runs/shell/runs")[0]}/samples.json`;
  place.write(broken, "{");
  const told: string[] = [];
  const onWarning = (_: string, warning: string) => void told.push(warning);
  await collectSweep(join(place.path, "bench_runs/shell"), { onWarning });
  assertStringIncludes(told.join("\n"), "samples.json: is no JSON file");
});

Deno.test("a tree with holes, and one without any result, still give a report", async () => {
  using place = new Workplace();
  await collected(place);
  const runs = "bench_runs/small/runs";
  const [first, second, ...others] = place.list(runs);
  rmSync(join(place.path, runs, first), { recursive: true });
  rmSync(join(place.path, runs, second, "meta.json"));
  rmSync(join(place.path, "bench_runs/small/aggregate"), { recursive: true });
  const exp_dir = join(place.path, "bench_runs/small");
  const { code, said } = await printed(command, ["--exp_dir", exp_dir]);
  assertEquals(code, 0, said);
  assertStringIncludes(said, "collected 8 runs");
  assertStringIncludes(
    place.read("bench_runs/small/report/index.html"),
    "2 runs of 8 without results: not run (1); no meta.json: the run was cut off (1)",
  );
  for (const name of others) rmSync(join(place.path, runs, name), { recursive: true });
  await collectSweep(join(place.path, "bench_runs/small"));
  const out = ["--out_dir", join(place.path, "none")];
  const none = await printed(command, ["--exp_dir", exp_dir, ...out]);
  assertEquals(none.code, 0, none.said);
  assertStringIncludes(none.said, "no run has results");
  assertStringIncludes(place.read("none/index.html"), "8 runs of 8 without results");
  const runs_csv = join(place.path, place.write("empty.csv", "run_id\n"));
  assertEquals((await writeSweepReport(place.path, { runs_csv })).runs, 0);
  const wrong = ["--exp_dir", place.path, "--runs_csv", "none.csv"];
  await assertRejects(() => printed(command, wrong), InputError, "none.csv: no such file");
});

Deno.test("another program's numbers are charted by its varied parameters", async () => {
  using place = new Workplace();
  const ended = await place.sweep({
    name: "other",
    command: [
      "sh",
      "-c",
      "printf 'speed,label\\n%s.5,<b>\\n' $(({size} * {seed})) > {out_dir}/summary.csv",
    ],
    matrix: { size: [1, 2, 4], seeds: [1, 2, 3] },
    jobs: 2,
  });
  assertEquals(ended.map(({ exit_code }) => exit_code), Array(9).fill(0));
  await collectSweep(join(place.path, "bench_runs/other"));
  await report(place, "bench_runs/other");
  const markdown = place.read("bench_runs/other/report/report.md");
  assertMatch(markdown, /\| size 4 \| 3 \| 8\.5\d* \[/);
  assert(existsSync(join(place.path, "bench_runs/other/report/assets/metric_1.png")));
  const html = place.read("bench_runs/other/report/index.html");
  assert(!html.includes("<b>"));
  // a run's row has its parameter, its seed and what it printed: size · seed and a half
  const rows = html.matchAll(
    /<th scope="row">seed(\d).*?<td class="n">(\d)<.*?<td class="n">([\d.]+\.5)</g,
  );
  assertEquals(
    [...rows].map(([, seed, size, speed]) => Number(speed) - Number(seed) * Number(size)),
    Array(9).fill(0.5),
  );
  // what a program of one's own has not is not shown, in no table and no explanation
  for (const none of ["policy", "workflows", "makespan", "utilization", "Ablations"]) {
    assert(!html.includes(none), none);
    assert(!markdown.includes(none), none);
  }
});

Deno.test({
  name: "in a browser the report asks for nothing, fits a phone, sorts and filters its runs",
  ignore: browserPath() === null,
  fn: async () => {
    using place = new Workplace();
    place.write(
      "bench_runs/evil/aggregate/runs.csv",
      tableOf([
        { policy: "<img src=x onerror=alert(1)>", ablation: "baseline", seed: 1, p95: 30 },
        { policy: "full", ablation: "baseline", seed: 1, p95: 4 },
        { policy: "full", ablation: "baseline", seed: 2, p95: 200 },
        { policy: "full", ablation: '"><script>alert(1)</script>', seed: 2, p95: null },
      ]),
    );
    await report(place, "bench_runs/evil");
    const browser = await chromium.launch({
      executablePath: browserPath()!,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
      const url = pathToFileURL(join(place.path, "bench_runs/evil/report/index.html")).href;
      const faults: string[] = [];
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("dialog", (dialog) => faults.push(dialog.message()));
      page.on("request", (request) => request.url() !== url && faults.push(request.url()));
      await page.goto(url);
      assert(await page.evaluate("document.documentElement.scrollWidth <= 360"), "too wide");
      const p95 = page.locator("#runs-table thead th", { hasText: "makespan p95" });
      const place95 = await p95.evaluate((cell) =>
        (cell as unknown as { cellIndex: number }).cellIndex
      );
      const values =
        async () => (await page.locator(`#runs-table tbody tr > :nth-child(${place95 + 1})`)
          .allTextContents());
      await p95.locator("button").click();
      assertEquals(await values(), ["4", "30", "200", "–"]);
      await p95.locator("button").click();
      assertEquals(await values(), ["200", "30", "4", "–"]);
      await page.fill("#find", "exit code");
      assertEquals(await page.textContent("#shown"), "1 of 4 runs");
      assertEquals(await page.locator("#runs-table tbody tr:visible").count(), 1);
      assertEquals(faults, []);
    } finally {
      await browser.close();
    }
  },
});
