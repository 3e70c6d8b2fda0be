/** A load's export as a gate's baseline, and as a trace: held against the run's own folder and journal. */
import { readFileSync } from "node:fs";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { differencesText, settingsThatDiffer } from "../../lib/compare/load_differences.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";

Deno.test("an exported load gates and compares as the run's folder does, to the last digit", async () => {
  await using mock = await MockEndpoint.start({
    behaviour: { default_response: "one two three four", tokens_per_second: 400, delay_s: 0.01 },
  });
  using folder = temporaryFolder();
  const { path } = folder;
  const load = (id: string, more: string[]) => [
    ...["load", `--endpoint=${mock.url}`, "--model=mock", "--sample-rate=0", `--run-id=${id}`],
    ...more,
  ];
  const [a, b] = ["bench_00000001_20260101_000000", "bench_00000002_20260101_000001"];
  const metrics =
    "ttft_p50_ms,gap_p99_ms,e2e_p50_ms,tpot_p50_ms,output_tokens_per_s,requests_per_s";
  const gate = (
    baseline: string,
  ) => ["runs", "gate", "--baseline", baseline, "--candidate", b, "--json", "--metric", metrics];
  const told = await dynoEach([
    load(a, ["--stages=concurrency=4:1s concurrency=2:1s", "--warmup=4"]),
    load(b, ["-c", "8", "--requests=60", "--cancel=20%@2tokens"]),
    ["runs", "export", a, "--format=json", `--out=${path}/a.json`],
    gate(a),
    gate(`${path}/a.json`),
    ["runs", "compare", a, b, "--json"],
    ["runs", "compare", `${path}/a.json`, b, "--json"],
    ["runs", "compare", a, b],
  ], { cwd: path });
  for (const { code, stderr } of told.slice(0, 3)) assertEquals(code, 0, stderr);
  const [byFolder, byFile, ...compared] = told.slice(3, -1).map(({ stdout, stderr }) => {
    assert(stdout !== "", stderr);
    return JSON.parse(stdout);
  });
  assertEquals(byFile, byFolder);
  assertEquals(compared[1].summary, compared[0].summary);
  assert(compared[0].summary.comparisons[0].metrics.length > 6);
  // what the two commands above say differently, and nothing else: not the seed of their prompts
  assertEquals(compared[0].summary.comparisons[0].settings, [
    { setting: "concurrency", first: null, second: 8 },
    { setting: "stages", first: "concurrency=4:1s concurrency=2:1s", second: null },
    { setting: "warmup", first: 4, second: 0 },
    { setting: "requests", first: null, second: 60 },
    { setting: "cancel", first: null, second: ["20%@2tokens"] },
  ]);
  assertStringIncludes(
    told.at(-1)!.stdout.replace(/\s+/g, " "),
    "settings that differ: concurrency not set → 8; stages concurrency=4:1s concurrency=2:1s → not set; " +
      "warmup 4 → 0; requests not set → 60; cancel not set → 20%@2tokens metric",
  );
  const from = { rate: 10, duration_s: 3 }, to = { rate: 20, think_time_s: 1 };
  assertEquals(
    differencesText(settingsThatDiffer(from, to)),
    "settings that differ: rate 10 → 20 requests/s; duration 3 s → not set; think_time not set → 1 s",
  );
  assert(
    byFile.checks.length === 6 &&
      byFile.checks.every((check: { baseline: number }) => check.baseline > 0),
  );

  const whole = JSON.parse(readFileSync(`${path}/a.json`, "utf8"));
  const { load_baseline: _, ...without } = whole;
  await Deno.writeTextFile(`${path}/old.json`, JSON.stringify(without));
  whole.load_baseline.records[3].t_end_ns = "soon";
  await Deno.writeTextFile(`${path}/bad.json`, JSON.stringify(whole));
  const [old, bad] = await dynoEach([gate(`${path}/old.json`), gate(`${path}/bad.json`)], {
    cwd: path,
  });
  assertEquals([old.code, bad.code], [2, 2]);
  assertStringIncludes(old.stderr, "without its requests' times");
  assertStringIncludes(bad.stderr, "load_baseline is damaged (records: t_end_ns)");
});

Deno.test("a load as a trace: every request, stage and probe of its journal, at its time", async () => {
  await using mock = await MockEndpoint.start({
    behaviour: { delay_s: 0.02 },
    prefix_cache_blocks: 64,
  });
  using folder = temporaryFolder();
  const id = "bench_00000003_20260101_000000";
  const [made, traced] = await dynoEach([
    [
      ...["load", `--endpoint=${mock.url}`, "--model=mock", "--sample-rate=10", `--run-id=${id}`],
      ...["-c", "3", "--requests=30", "--warmup=3", "--probe-rate=20"],
    ],
    ["runs", "export", id, "--format=perfetto"],
  ], { cwd: folder.path });
  assertEquals([made.code, traced.code], [0, 0], made.stderr + traced.stderr);
  // deno-lint-ignore no-explicit-any
  const events: any[] = JSON.parse(traced.stdout).traceEvents;
  const journal = readFileSync(`${folder.path}/runs/${id}/events.jsonl`, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line));
  const of = (name: string) =>
    journal.filter(({ event }) => event === name).map(({ result }) => result);
  const sent = of("request_finished").filter(({ t_sent_ns }) => t_sent_ns !== null);
  const probes = of("probe_finished").filter(({ t_sent_ns }) => t_sent_ns !== null);
  const origin = Math.min(...[...sent, ...probes].map(({ t_sent_ns }) => t_sent_ns));
  const spans = (pid: number) => events.filter((event) => event.ph === "X" && event.pid === pid);
  assertEquals([spans(1).length, spans(4).length], [33, probes.length]);
  for (const { request, t_sent_ns, t_end_ns, warmup } of sent) {
    const span = spans(1).find(({ name }) => name === `request ${request}`);
    assertAlmostEquals(span.ts, (t_sent_ns - origin) / 1000, 0.01);
    assertAlmostEquals(span.dur, (t_end_ns - t_sent_ns) / 1000, 0.01);
    assertEquals(span.args.warmup, warmup);
  }
  assertEquals(spans(3).map(({ name }) => name), ["warm-up", "3 in flight"]);
  assertEquals(events.filter(({ name, pid }) => name === "first token" && pid === 1).length, 33);
  assert(events.some(({ ph, pid }) => ph === "C" && pid === 2), "host samples");
  const names = events.filter(({ ph }) => ph === "M").map(({ args }) => args.name);
  assertEquals(names, ["requests to mock", "host", "stages", "probes", "vllm"]);
});
