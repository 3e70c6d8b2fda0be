/** The warm-up as a phase of its own: its figures by the mock's log, and in none of the load's. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { loadTable } from "../../lib/cli/load/load_table.ts";
import { resumeLoad } from "../../lib/load/resume.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { writeLoadReport } from "../../lib/report/load/load_report.ts";
import { load } from "./fixture.ts";
import type { Palette } from "../../lib/cli/ui/terminal.ts";

const same = (text: string) => text;
const bare: Palette = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };

Deno.test("a warm-up has figures of its own, also when it is summed up again", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  const settings = { endpoint: mock.url, model: "mock", concurrency: 3, requests: 12 };
  using run = await load({ ...settings, warmup: 6 });
  const { warmup, total } = run.results;
  assertEquals([warmup!.requests.successful, warmup!.requests.failed], [6, 0]);
  assertEquals(total.requests.successful, 12);
  assertEquals(warmup!.metrics.ttft_ms!.n, 6);
  const own = run.records.filter(({ warmup }) => warmup);
  const ttfts = own.map((r) => (r.t_first_token_ns! - r.t_sent_ns!) / 1e6).sort((a, b) => a - b);
  assertEquals(warmup!.metrics.ttft_ms!.max, ttfts.at(-1));
  assert(warmup!.window.end_ns <= total.window.start_ns + 1e9);
  assert(warmup!.name.startsWith("warm-up: 3 in flight"));
  const table = loadTable(run.results, bare).join("\n");
  assertStringIncludes(table, "warm-up: 6 of 6 answered in");
  const page = await Deno.readTextFile(
    await writeLoadReport(run.directory, run.results, run.records),
  );
  assertStringIncludes(page, "results by phase");
  const again = await resumeLoad(run.directory);
  assertEquals(again.results.warmup, warmup);
});

Deno.test("a warm-up that fails says so; without one there is none", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { status_code: 500 } });
  const settings = { endpoint: mock.url, model: "mock", concurrency: 1, requests: 2 };
  using run = await load({ ...settings, warmup: 2 });
  assertEquals(run.results.warmup!.errors, { http_5xx: 2 });
  assertStringIncludes(loadTable(run.results, bare).join("\n"), "warm-up: 0 of 2 answered");
  using cold = await load(settings);
  assertEquals(cold.results.warmup, undefined);
});
