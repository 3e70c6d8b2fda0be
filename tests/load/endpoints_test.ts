/** Several endpoints under one load: who gets what, by the endpoints' own logs. */
import { readFileSync } from "node:fs";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { measureLoad } from "../../lib/load/run_loads.ts";
import { inFlight } from "../../lib/load/window.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { load } from "./fixture.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";
import type { MockBehaviour } from "../../lib/mock/behaviour.ts";

const chat = (mock: MockEndpoint) => `${mock.url}/v1/chat/completions`;
const asked = (mock: MockEndpoint) => mock.requests.filter(({ method }) => method === "POST");

async function mocks(...behaviours: Partial<MockBehaviour>[]) {
  const all = await Promise.all(behaviours.map((behaviour) => MockEndpoint.start({ behaviour })));
  const dispose = async () => {
    for (const mock of all) await mock.close();
  };
  return { all, urls: all.map(({ url }) => `${url}/v1`), [Symbol.asyncDispose]: dispose };
}

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`in turn: every endpoint gets its share, and parts add up to the whole (${transport})`, async () => {
    await using three = await mocks({ delay_s: 0.002 }, { delay_s: 0.004 }, { delay_s: 0.006 });
    using run = await load({
      transport,
      endpoint: three.urls,
      model: "mock",
      concurrency: 4,
      requests: 60,
      warmup: 3,
      slo: ["e2e:1000"],
    });
    const { endpoints, total, balance } = run.results;
    assertEquals(balance, "round-robin");
    assertEquals(endpoints!.map(({ name }) => name), three.all.map(chat));
    const answered = endpoints!.map(({ requests }) => requests.successful);
    assertEquals(answered.reduce((a, b) => a + b), 60);
    three.all.forEach((mock, i) => {
      assertEquals(asked(mock).length, answered[i] + endpoints![i].requests.warmup);
      const own = run.records.filter(({ endpoint }) => endpoint === chat(mock));
      assertEquals(own.length, asked(mock).length);
      assert(asked(mock).length >= 20 && asked(mock).length <= 22, `${asked(mock).length}`);
    });
    const sum = (of: (stage: typeof total) => number) =>
      endpoints!.reduce((all, part) => all + of(part), 0);
    assertAlmostEquals(sum((part) => part.requests_per_s!), total.requests_per_s!, 1e-6);
    assertAlmostEquals(sum((part) => part.output_tokens_per_s!), total.output_tokens_per_s!, 1e-6);
    assertAlmostEquals(sum((part) => part.concurrency.mean), total.concurrency.mean, 1e-9);
    assertAlmostEquals(
      sum((part) => part.goodput!.requests_per_s!.value),
      total.goodput!.requests_per_s!.value,
      1e-6,
    );
    three.all.forEach((mock, i) => {
      const own = run.records.filter((record) => record.endpoint === chat(mock) && !record.warmup);
      const took_ms = own.map(({ t_sent_ns, t_end_ns }) => (t_end_ns! - t_sent_ns!) / 1e6);
      const mean_ms = took_ms.reduce((a, b) => a + b) / took_ms.length;
      assertAlmostEquals(endpoints![i].metrics.e2e_ms!.mean, mean_ms, 1e-6);
    });
  });

  Deno.test(`least in flight: chosen when a request goes, not when it is made (${transport})`, async () => {
    await using two = await mocks({ delay_s: 0.15 }, { delay_s: 0.005 });
    using run = await load({
      transport,
      endpoint: two.urls,
      balance: "least-in-flight",
      model: "mock",
      concurrency: 4,
      requests: 80,
    });
    assertEquals(run.results.total.requests.successful, 80);
    const [slow, fast] = two.all.map((mock) => {
      const own = run.records.filter(({ endpoint }) => endpoint === chat(mock));
      assertEquals(own.length, asked(mock).length, "the records say where a request went");
      return own;
    });
    // four places: two and two, so that the slow one never has more; made in turn, it would get 40 of them
    const everything = { start_ns: 0, end_ns: Infinity };
    assert(
      inFlight(slow, everything).max <= 2,
      `${inFlight(slow, everything).max} at the slow one`,
    );
    assert(slow.length < 30 && fast.length > 50, `${slow.length} and ${fast.length}`);
  });
}

Deno.test("sticky: a session stays where it began; without sessions they take turns, and that is said", async () => {
  await using three = await mocks({}, {}, {});
  const settings: LoadSettings = {
    endpoint: three.urls,
    balance: "sticky",
    model: "mock",
    concurrency: 3,
    requests: 6,
    turns: 3,
    input_tokens: 8,
  };
  using run = await load(settings);
  const sessions = three.all.map((mock) =>
    new Set(asked(mock).map(({ headers }) => headers["x-session-id"]))
  );
  assertEquals(sessions.map(({ size }) => size), [2, 2, 2]);
  assertEquals(new Set(sessions.flatMap((each) => [...each])).size, 6);
  assert(!run.results.notes.some((note) => note.includes("sticky")));
  using single = await load({ ...settings, turns: 1 });
  assert(single.results.notes.some((note) => note.includes("no request belonged to a session")));
});

Deno.test("an endpoint that fails shows in its own figures", async () => {
  await using two = await mocks({}, { status_code: 503 });
  using run = await load({ endpoint: two.urls, model: "mock", concurrency: 2, requests: 20 });
  const [good, bad] = run.results.endpoints!;
  assertEquals([good.requests.failed, bad.requests.successful], [0, 0]);
  assertEquals([good.error_rate, bad.error_rate], [0, 1]);
  assertEquals(bad.requests.failed, asked(two.all[1]).length);
  assertEquals(bad.errors, { http_5xx: bad.requests.failed });
  assertEquals(bad.metrics.ttft_ms, null);
});

Deno.test("endpoints on one host are told apart, and their servers' counters add up", async () => {
  const caches = await Promise.all(
    [64, 64].map((prefix_cache_blocks) => MockEndpoint.start({ prefix_cache_blocks })),
  );
  using run = await load({
    endpoint: caches.map(({ url }) => url),
    model: "mock",
    concurrency: 2,
    requests: 10,
    input_tokens: 32,
  });
  const prompts = run.records.reduce((sum, { prompt_tokens }) => sum + prompt_tokens!, 0);
  const [first] = run.results.server!.readings;
  const last = run.results.server!.readings.at(-1)!;
  assertEquals(last.prompt_tokens_total! - first.prompt_tokens_total!, prompts);
  for (const cache of caches) await cache.close();

  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.01 } });
  using same = await load({
    endpoint: [`${mock.url}/v1/chat/completions`, `${mock.url}/v1/chat/completions?replica=b`],
    balance: "least-in-flight",
    model: "mock",
    concurrency: 2,
    requests: 10,
  });
  const shares = same.results.endpoints!.map(({ requests }) => requests.successful);
  assertEquals(shares.reduce((a, b) => a + b), 10);
  assert(Math.min(...shares) >= 2, `${shares}`);
});

Deno.test("what cannot be asked together is refused, with the endpoint's name", async (t) => {
  await using two = await mocks({}, {});
  const gone = await MockEndpoint.start();
  await gone.close();
  await using other = await MockEndpoint.start({ model: "another" });
  using folder = temporaryFolder();
  const [a, b] = two.urls;
  const cases: [string, LoadSettings, string[]][] = [
    ["a comma", { endpoint: `${a},${b}` }, ["comma", "--endpoint", "%2C"]],
    ["a comma in a path", { endpoint: `${a}/x,y` }, ["comma", "%2C"]],
    ["one twice", { endpoint: [a, a] }, ["given twice", a]],
    ["two forms", { endpoint: [a, `${b}/completions`] }, ["is chat", "completions"]],
    ["one is down", { endpoint: [a, `${gone.url}/v1`] }, [gone.url.slice(7), "cannot connect"]],
    ["other models", { endpoint: [a, other.url], model: undefined }, [
      "different models",
      `mock at ${a}`,
      "another at",
    ]],
    ["nothing to balance", { endpoint: a, balance: "sticky" }, ["--balance sticky", "one"]],
    ["none", { endpoint: [] }, ["endpoint"]],
  ];
  for (const [name, settings, said] of cases) {
    await t.step(name, async () => {
      const { message } = await assertRejects(
        () =>
          measureLoad("x", { model: "mock", concurrency: 1, requests: 1, ...settings }, {
            out: folder.path,
            signal: new AbortController().signal,
          }),
        InputError,
      );
      for (const words of said) assert(message.includes(words), message);
    });
  }
});

Deno.test("dyno load --endpoint A --endpoint B: table, --json, file and report tell both", async () => {
  await using two = await mocks({}, {});
  using folder = temporaryFolder();
  const file = `${folder.path}/load.yaml`;
  await Deno.writeTextFile(
    file,
    `kind: load\nname: both\nendpoint: [${two.urls.join(", ")}]\nbalance: sticky\nmodel: mock\n` +
      "concurrency: 2\nrequests: 8\nturns: 2\ninput_tokens: 8\nsample_rate_hz: 0\n",
  );
  const flags = two.urls.map((url) => `--endpoint=${url}`);
  const given = "--model mock -c 2 --requests 8 --sample-rate 0 --json".split(" ");
  const [byFlags, byFile] = await dynoEach([
    ["load", ...flags, ...given, "-o", folder.path],
    ["load", file, "--json", "-o", folder.path],
  ], { cwd: folder.path });
  for (
    const [{ code, stdout, stderr }, balance] of [[byFlags, "round-robin"], [
      byFile,
      "sticky",
    ]] as const
  ) {
    assertEquals(code, 0, stderr);
    for (const { url } of two.all) assert(stderr.includes(url.slice(7)), stderr);
    assert(stderr.includes("by endpoint") && stderr.includes(`(${balance})`), stderr);
    const [{ endpoints, report, directory }] = JSON.parse(stdout).runs;
    assertEquals(endpoints.map(({ name }: { name: string }) => name), two.all.map(chat));
    const stored = JSON.parse(readFileSync(`${directory}/results.json`, "utf8"));
    assertEquals(stored.endpoints, endpoints);
    const page = readFileSync(report, "utf8");
    assert(page.includes("By endpoint") && page.includes("results by endpoint"));
  }
});
