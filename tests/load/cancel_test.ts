/** Requests that the client cuts off on purpose, by the mock's own log of what it could send. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Cuts, parseCancellations } from "../../lib/load/cancel.ts";
import { InputError } from "../../lib/errors.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { loadSpan, requestRates } from "../../lib/report/load/load_series.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { until } from "../until.ts";
import { load } from "./fixture.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");

Deno.test("forms of --cancel, and what is wrong with others", () => {
  assertEquals(parseCancellations(["10%@20tokens", "2.5%@1token", "5%@500ms", "1 %@2m"]), [
    { share: 0.1, tokens: 20, after_s: null, text: "10%@20tokens" },
    { share: 0.025, tokens: 1, after_s: null, text: "2.5%@1token" },
    { share: 0.05, tokens: null, after_s: 0.5, text: "5%@500ms" },
    { share: 0.01, tokens: null, after_s: 120, text: "1 %@2m" },
  ]);
  for (const wrong of ["10%", "0%@5tokens", "110%@5tokens", "10%@0tokens", "10%@5", "10@5tokens"]) {
    assertThrows(() => parseCancellations([wrong]), InputError, "10%@20tokens");
  }
  assertThrows(() => parseCancellations(["60%@1s", "50%@2s"]), InputError, "110 %");
});

Deno.test("the seed and a request's number alone choose; shares come out", () => {
  const cancellations = parseCancellations(["10%@20tokens", "30%@1s"]);
  const N = 20_000;
  for (const seed of [1, 2, 4_000_000_000]) {
    const chosen = Array.from({ length: N }, (_, i) => new Cuts(cancellations, seed).of(i));
    const again = new Cuts(cancellations, seed);
    for (let i = N - 1; i >= 0; i--) assertEquals(again.of(i), chosen[i]); // in any order
    const shares = cancellations.map((each) => chosen.filter((cut) => cut === each).length / N);
    // 5 deviations of a binomial share: 0.0106 and 0.0162
    assert(Math.abs(shares[0] - 0.1) < 0.0107 && Math.abs(shares[1] - 0.3) < 0.0163, `${shares}`);
  }
  assertEquals(new Cuts([], 1).of(0), null);
});

for (const transport of ["wire", "portable"] as const) {
  for (const how of ["20tokens", "300ms"]) {
    Deno.test(`cut off at ${how}: counted apart, and the server sees the close (${transport})`, async () => {
      const behaviour = { default_response: words, tokens_per_second: 80 };
      await using mock = await MockEndpoint.start({ behaviour });
      const settings: LoadSettings = {
        transport,
        endpoint: mock.url,
        model: "mock",
        concurrency: 15,
        requests: 45,
        seed: 5,
        cancel: [`30%@${how}`],
        slo: ["e2e:60000"],
      };
      using run = await load(settings);
      const { total, notes } = run.results;
      const { cancelled = 0, successful, failed, unfinished } = total.requests;
      const plan = new Cuts(parseCancellations(settings.cancel!), 5);
      // on a machine that is busy an answer may be whole before its cut comes
      const wanted = run.records.filter(({ request, token_events }) =>
        plan.of(request) !== null && token_events < 60
      );
      assert(wanted.length > 5, "the seed cuts some");
      assertEquals([cancelled, successful, failed, unfinished], [
        wanted.length,
        45 - cancelled,
        0,
        0,
      ]);
      assertEquals([total.errors, total.error_rate], [{}, 0]);
      for (const record of run.records) {
        assertEquals(record.failure, wanted.includes(record) ? "cancelled" : null);
      }
      // success figures are of whole answers only
      assertEquals(total.metrics.e2e_ms!.n, successful);
      assertEquals(total.completion_tokens_mean, 60);
      assertEquals(total.goodput!.share!.value, 1);
      assert(
        notes.some((note) => note.includes(`${cancelled} requests were cancelled by this client`)),
      );
      for (const { token_events } of wanted) {
        assert(how === "300ms" || (token_events >= 20 && token_events < 60), `${token_events}`);
      }
      const rates = requestRates(loadSpan(run.records)!);
      assert(rates.failed.every(([, rate]) => rate === 0), "nor are they drawn as failures");
      // the mock's log: those replies were never sent to their end, unless it sent what was late at once
      const posts = () => mock.requests.filter(({ method }) => method === "POST");
      await until(() => posts().every(({ whole }) => whole !== null));
      const cut = posts().filter(({ whole }) => whole === false).length;
      assert(cut > 0 && cut <= cancelled, `${cut} of ${cancelled}`);
    });
  }
}

Deno.test("an answer that is whole before its cut is an answer", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "one two three" } });
  using run = await load({
    endpoint: mock.url,
    model: "mock",
    concurrency: 2,
    requests: 20,
    cancel: ["50%@3tokens", "50%@10s"],
  });
  const { successful, cancelled = 0 } = run.results.total.requests;
  // a cut at the last token may come before the end: but no answer is lost between the two
  assertEquals(successful + cancelled, 20);
  assertEquals(run.results.total.requests.failed, 0);
  assert(successful >= 5);
  const settings = { endpoint: mock.url, model: "mock", concurrency: 1, requests: 2 };
  using none = await load({ ...settings, cancel: ["100%@500tokens"] });
  const note = "--cancel 100%@500tokens: no request was";
  assert(none.results.notes.some((line) => line.startsWith(note)), `${none.results.notes}`);
  for (const { failure, prompt_tokens } of run.records) {
    if (failure === null) assert(prompt_tokens! > 0, "with its usage");
  }
});

Deno.test("warm-up is not cut; what nobody would see is refused", async () => {
  await using mock = await MockEndpoint.start({
    behaviour: { default_response: words, tokens_per_second: 150 },
  });
  const settings: LoadSettings = { endpoint: mock.url, model: "mock", concurrency: 2, requests: 6 };
  using run = await load({ ...settings, warmup: 4, cancel: ["100%@5tokens"] });
  const warm = run.records.filter(({ warmup }) => warmup);
  assertEquals(warm.map(({ failure }) => failure), Array(4).fill(null));
  const { cancelled = 0, successful } = run.results.total.requests;
  assertEquals(cancelled + successful, 6);
  assert(cancelled > 0);
  const error = await load({ ...settings, stream: false, cancel: ["10%@5tokens"] }).catch((e) => e);
  assert(error instanceof InputError && error.message.includes("not streamed"));
});

Deno.test("dyno load --cancel names them in its table and its report, not among the failures", async () => {
  await using mock = await MockEndpoint.start({
    behaviour: { default_response: words, tokens_per_second: 150 },
  });
  using folder = temporaryFolder();
  const flags = "--model mock -c 4 --requests 40 --sample-rate 0 --cancel 50%@5tokens --json";
  const [{ code, stdout, stderr }] = await dynoEach([
    ["load", `--endpoint=${mock.url}`, ...flags.split(" "), "-o", folder.path],
  ], { cwd: folder.path });
  assertEquals(code, 0, stderr);
  const [{ total, report }] = JSON.parse(stdout).runs;
  const { cancelled, failed } = total.requests;
  assertEquals(failed, 0);
  assertStringIncludes(stderr, `cancelled by this client: ${cancelled}, as asked`);
  assert(!stderr.includes("without an answer"));
  const page = await Deno.readTextFile(report);
  assertStringIncludes(page, `${cancelled} were cancelled by the client, as asked`);
});
