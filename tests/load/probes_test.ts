/** Probes beside a load, by the mock's own log of what was asked. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { readFileSync } from "node:fs";
import { InputError } from "../../lib/errors.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { probeFigures } from "../../lib/load/probes.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { load, record } from "./fixture.ts";

Deno.test("figures of the probes in the window, by hand", () => {
  const records = [
    record({ at_ms: 0, ttft_ms: 10 }),
    record({ at_ms: 100, ttft_ms: 30 }),
    record({ at_ms: 200, ttft_ms: 50 }),
    record({ at_ms: 300, failure: "http_5xx" }),
    record({ at_ms: 400, failure: "unfinished" }),
    record({ at_ms: 900, ttft_ms: 999 }), // behind the window
  ];
  const figures = probeFigures(10, records, { start_ns: 0, end_ns: 500e6 });
  const { requests, answered, failed, unfinished, errors, ttft_ms } = figures;
  assertEquals([requests, answered, failed, unfinished], [5, 3, 1, 1]);
  assertEquals(errors, { http_5xx: 1 });
  assertEquals([ttft_ms!.p50, ttft_ms!.max, ttft_ms!.n], [30, 50, 3]);
  assertEquals(probeFigures(1, [], { start_ns: 0, end_ns: 1 }).ttft_ms, null);
});

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`probes take no place of the load's and are in none of its figures (${transport})`, async () => {
    // two places that are taken throughout: a probe that waited for one would wait 300 ms
    const behaviour = { delay_s: 0.05, default_response: "a b c d e f", tokens_per_second: 20 };
    await using mock = await MockEndpoint.start({ behaviour });
    using run = await load({
      transport,
      endpoint: mock.url,
      model: "mock",
      concurrency: 2,
      requests: 10,
      input_tokens: 200,
      warmup: 2,
      probe_rate: 20,
    });
    const { total, probes, ledger } = run.results;
    assertEquals(total.requests.successful, 10);
    assertEquals(run.records.length, 12);
    assert(total.concurrency.max <= 2);
    const { requests, answered, failed, ttft_ms } = probes!;
    assert(
      requests >= 10 && answered >= requests - 3 && failed === 0,
      `${answered} of ${requests}`,
    );
    assert(ttft_ms!.p50 >= 45, "the mock's delay is in it");
    const posts = mock.requests.filter(({ method }) => method === "POST");
    const short = posts.filter(({ tokens }) => tokens !== null && tokens.prompt < 100);
    // the journal has every probe, also those that the end cut off
    const journal = readFileSync(run.directory.journal, "utf8").trim().split("\n")
      .map((line) => JSON.parse(line)).filter(({ event }) => event === "probe_finished");
    const sent = journal.filter(({ result }) => result.t_sent_ns !== null).length;
    assertEquals(short.length, sent);
    assertEquals(new Set(short.map(({ body_text }) => body_text)).size, sent, "new words for each");
    assertEquals(ledger.by_asker.probe!.requests, sent);
    assertEquals(ledger.by_asker.test!.requests, 10);
    // at equal gaps: by their plan, not by when a busy machine came to them
    const times = journal.map(({ result }) => result.t_intended_ns).sort((a, b) => a - b);
    times.slice(1).forEach((t_ns, i) => assertAlmostEquals((t_ns - times[i]) / 1e6, 50, 0.01));
  });
}

Deno.test("answers without a first token are not probed", async () => {
  await using mock = await MockEndpoint.start();
  const settings = { endpoint: mock.url, concurrency: 1, requests: 1, probe_rate: 1 };
  await assertRejects(() => planLoad({ ...settings, stream: false }), InputError, "--probe-rate");
});

Deno.test("dyno load --probe-rate tells them in its table, its report and --json", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using folder = temporaryFolder();
  const flags = "--model mock -c 2 --requests 60 --sample-rate 0 --probe-rate 30 --json".split(" ");
  const [{ code, stdout, stderr }] = await dynoEach([
    ["load", `--endpoint=${mock.url}`, ...flags, "-o", folder.path],
  ], { cwd: folder.path });
  assertEquals(code, 0, stderr);
  const [{ probes, report }] = JSON.parse(stdout).runs;
  assertStringIncludes(
    stderr,
    `probes during the load (30/s): ${probes.answered} of ${probes.requests} answered, ttft p50`,
  );
  assertStringIncludes(readFileSync(report, "utf8"), "Probes during the load");
});
