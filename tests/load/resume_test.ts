/** Loads that were cut off, and what their journals are worth. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { resumeLoad } from "../../lib/load/resume.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { eventsOf, runsIn } from "../chaos/victims.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";
import { load } from "./fixture.ts";
import { until } from "../until.ts";

Deno.test("results are made of the journal: summed up again, they are the same", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using run = await load({
    endpoint: mock.url,
    warmup: 2,
    stages: "concurrency=3:0.5s rate=20:1s",
    slo: ["ttft:500"],
    sample_rate_hz: 50,
  });
  const { directory } = run;
  const before = readFileSync(directory.results, "utf8");
  assertEquals(JSON.parse(before).stages.length, 2);
  rmSync(directory.results);
  const again = await resumeLoad(directory);
  assertEquals(readFileSync(directory.results, "utf8"), before);
  assertEquals(again.records, run.records);
  assertEquals(again.results.complete, true);
});

Deno.test("a load of given prompts is summed up again too", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  const prompts = join(folder.path, "p.jsonl");
  writeFileSync(prompts, '{"prompt": "a", "seed": 1}\n{"turns": ["b", "c"]}\n');
  for (const source of [{ prompt: "Say yes." }, { prompts }]) {
    using run = await load({ endpoint: mock.url, concurrency: 1, requests: 2, ...source });
    const before = readFileSync(run.directory.results, "utf8");
    await resumeLoad(run.directory);
    assertEquals(readFileSync(run.directory.results, "utf8"), before);
  }
});

Deno.test("what a load that was killed had measured is summed up", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
  using folder = temporaryFolder();
  const running = startDyno([
    ...["load", "--endpoint", mock.url, "--model", "mock", "--concurrency", "4"],
    ...["--duration", "60", "--warmup", "3", "--slo", "ttft:5000", "--out", folder.path],
  ]);
  const journal = () => join(folder.path, runsIn(folder.path)[0] ?? "none", "events.jsonl");
  const ended = () => eventsOf(journal()).filter(({ event }) => event === "request_finished");
  await until(() => ended().length >= 25);
  running.kill("SIGKILL");
  assertEquals((await running.finished).signal, "SIGKILL");
  const kept = ended();
  writeFileSync(journal(), '{"t": 1, "event": "request_fin', { flag: "a" }); // a torn write

  const [run] = runsIn(folder.path);
  const shown = await dyno(["runs", "show", run, "--runs", folder.path]);
  assertMatch(shown.stdout, /status +incomplete: dyno load --resume .* sums it up/);
  const report = await dyno(["runs", "report", run, "--runs", folder.path]);
  assertStringIncludes(report.stderr, `dyno load --resume ${join(folder.path, run)}`);
  const { code, stdout, stderr } = await dyno(
    ["load", "--resume", run, "--out", folder.path, "--json"],
  );
  assertEquals(code, 0, stderr);
  const [told] = JSON.parse(stdout).runs;
  assertEquals([told.complete, told.verdict.client.transport], [false, "wire"]);
  const { successful, failed, outside, warmup } = told.total.requests;
  assertEquals([successful + outside + warmup, failed], [kept.length, 0]);
  assert(told.notes.some((note: string) => note.includes("the load was cut off")), told.notes);
  // what the mock had and the journal has not, is among those that may have been in flight
  const { requests_cut_off, requests_of_unknown_cost } = told.ledger.total;
  const lost = mock.requests.filter(({ method }) => method === "POST").length - kept.length;
  assert(lost > 0 && lost <= requests_cut_off && requests_cut_off < 100, `${requests_cut_off}`);
  assertEquals(told.ledger.cut_off, [requests_cut_off]);
  assert(requests_of_unknown_cost >= requests_cut_off);
  const sentence = `up to ${requests_cut_off} requests in flight when dyno was killed`;
  assert(told.notes.some((note: string) => note.includes(sentence)), told.notes);
  assertStringIncludes(shown.stdout, sentence);
  assertEquals(jsonIn(join(folder.path, run, "results.json")).run_id, run);
  assertStringIncludes(stderr, "report");
});

Deno.test("what cannot be summed up is said", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using run = await load({ endpoint: mock.url, concurrency: 1, requests: 2 });
  const { directory } = run;
  const events = eventsOf(directory.journal);
  const journalOf = (lines: unknown[]) =>
    writeFileSync(directory.journal, lines.map((line) => JSON.stringify(line) + "\n").join(""));
  const refused = async (lines: unknown[], said: string) => {
    journalOf(lines);
    const error = await assertRejects(() => resumeLoad(directory), InputError);
    assertStringIncludes(error.message, said);
  };
  await refused(events.slice(0, 1), "before it sent anything");
  await refused(events.slice(1), "not a load's journal");
  await refused(
    [{ ...events[0], schema_version: 1, crc: undefined }, ...events.slice(1)],
    "an earlier dyno",
  );
  rmSync(directory.journal);
  await assertRejects(
    () => resumeLoad(runDirectoryAt(directory.path)),
    InputError,
    "cannot be read",
  );
  for (const more of [["--concurrency", "3"], ["load.json"]]) {
    const { code, stderr } = await dyno(["load", "--resume", "x", ...more]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `leave out ${more[0]}`);
  }
});
