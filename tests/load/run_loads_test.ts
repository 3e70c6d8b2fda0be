/** Several loads, and a search for capacity, as functions: on a mock, and on a server in numbers. */
import { createServer } from "node:http";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { type CapacityPlan, findLoadCapacity } from "../../lib/load/capacity.ts";
import { assertRunsConserved } from "./conserved.ts";
import { measureLoad, runLoads } from "../../lib/load/run_loads.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Budget } from "../../lib/run/budget.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../free_ports.ts";
import type { LoadRun } from "../../lib/load/conclude_run.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const never = new AbortController().signal;
const SETTINGS: LoadSettings = {
  model: "mock",
  requests: 3,
  output_tokens: 4,
  sample_rate_hz: 0,
};

function experiment(url: string, levels: number[], more: LoadSettings = {}) {
  const runs = levels.map((concurrency) => ({
    settings: { ...SETTINGS, endpoint: `${url}/v1`, concurrency, ...more },
    varied: { concurrency },
  }));
  return { name: "several", runs };
}

Deno.test("every load of an experiment, one after the other; of each what is wanted is kept", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  const begun: unknown[] = [], reached: string[] = [];
  const { signal } = new AbortController();
  const kept = await runLoads(experiment(mock.url, [1, 2]), {
    out: folder.path,
    signal,
    tags: ["t"],
    onReached: ({ endpoint }) => reached.push(endpoint),
  }, {
    onBegin: (index, varied) => begun.push([index, varied]),
    keep: ({ results, records }: LoadRun) => [results.benchmark, records.length],
  });
  assertEquals(kept, [["several", 3], ["several", 3]]);
  assertEquals(begun, [[0, { concurrency: 1 }], [1, { concurrency: 2 }]]);
  assertEquals(reached, Array(2).fill(`${mock.url}/v1/chat/completions`));
  await assertRunsConserved(folder.path);
});

Deno.test("rounds of a load have arrivals of their own, and the same command the same ones again", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  const { signal } = new AbortController();
  const { name, runs: [{ settings }] } = experiment(mock.url, [4], { rate: 100, requests: 4 });
  const command = (seed?: number) => {
    const own = { ...settings, prompt_seed: 5, ...(seed === undefined ? {} : { seed }) };
    return runLoads({ name, runs: [{ settings: own, varied: {} }] }, {
      out: folder.path,
      signal,
    }, {
      rounds: 2,
      keep: ({ records }) => {
        const at = records.toSorted((a, b) => a.request - b.request).map((each) =>
          each.t_intended_ns
        );
        return at.map((ns) => Math.round((ns - at[0]) / 1e4)); // of 10 µs; a gap is 10 ms
      },
    });
  };
  const near = (a: number[], b: number[]) => a.every((each, i) => Math.abs(each - b[i]) <= 1);
  const [first, second] = await command(), again = await command(), third = await command(2);
  assert(!near(first, second), `${first} ${second}`);
  assert(near(first, again[0]) && near(second, again[1]), `${again}`);
  assert(!near(first, third[0]), `${third}`); // another seed is another load
});

Deno.test("wrong settings of the last load stop the first; a stop and a spent budget leave out the rest", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  const controller = new AbortController();
  const out = `${folder.path}/runs`;
  const options = { out, signal: controller.signal };
  const wrong = experiment(mock.url, [1, 2]);
  Object.assign(wrong.runs[1].settings, { rate: 2, stages: [{ rate: 1, duration_s: 1 }] });
  await assertRejects(() => runLoads(wrong, options, { keep: () => 0 }), InputError, "stages");
  assert(!existsSync(out), "nothing was written");

  const budget = new Budget({ usd: null, tokens: 5 }, () => {});
  const spent = await runLoads(experiment(mock.url, [1, 2]), { ...options, budget }, {
    keep: ({ results }) => results.complete,
  });
  assertEquals([spent.length, budget.ended], [1, true]);
  const stopped = await runLoads(experiment(mock.url, [1, 2]), options, {
    keep: () => controller.abort(),
  });
  assertEquals(stopped.length, 1);

  // between two loads, and before the first question of one: what was measured stays
  for (const at of ["onBegin", "onReached"] as const) {
    const between = new AbortController();
    let begun = 0;
    const second = () => void (++begun === 2 && between.abort());
    const several = await runLoads(
      experiment(mock.url, [1, 2]),
      { ...options, signal: between.signal, ...(at === "onReached" ? { onReached: second } : {}) },
      { keep: () => at, ...(at === "onBegin" ? { onBegin: second } : {}) },
    );
    assertEquals([several, begun], [[at], 2]);
  }
});

Deno.test("a first question that fails is told, and the load is measured all the same", async () => {
  using folder = temporaryFolder();
  const { signal } = new AbortController();
  await using mock = await MockEndpoint.start({ behaviour: { status_code: 404 } });
  const warnings: string[] = [];
  const [{ settings }] = experiment(mock.url, [1]).runs;
  const { results } = await measureLoad("load", settings, {
    out: folder.path,
    signal,
    onWarning: (line) => warnings.push(line),
  });
  assertEquals(results.total.requests.failed, 3);
  assert(warnings.some((line) => line.startsWith("a first question failed: ")), `${warnings}`);
});

Deno.test("a first question that is refused for its key, model or path stops the load", async () => {
  await using mock = await MockEndpoint.start({ model: "m" });
  await using locked = await MockEndpoint.start({
    model: "m",
    behaviour: { error_mode: "unauthorized" },
  });
  using folder = temporaryFolder();
  const { signal } = new AbortController();
  const out = `${folder.path}/runs`;
  for (
    const [url, model, said] of [
      [mock.url, "aa", "The model `aa` does not exist; check --model"],
      [`${mock.url}/elsewhere`, "m", "no such route; check --model and --endpoint"],
      [locked.url, "m", "invalid API key; no API key was sent"],
    ]
  ) {
    const load = measureLoad("load", { ...SETTINGS, endpoint: url, model, concurrency: 1 }, {
      out,
      signal,
    });
    await assertRejects(() => load, InputError, said);
  }
  assert(!existsSync(out), "nothing was written");
});

Deno.test("rows that each name their model need no --model where a server has several", async () => {
  await using mock = await MockEndpoint.start({ model: ["a", "b", "c"] });
  using folder = temporaryFolder();
  const prompts = `${folder.path}/rows.jsonl`;
  const write = (...names: (string | undefined)[]) =>
    Deno.writeTextFile(
      prompts,
      names.map((model) => JSON.stringify({ prompt: "x", model })).join("\n"),
    );
  const { signal } = new AbortController();
  const settings = { endpoint: mock.url, prompts, concurrency: 1, requests: 3, sample_rate_hz: 0 };
  const options = { out: `${folder.path}/runs`, signal };
  await write("b", "c", "b");
  const { results } = await measureLoad("load", settings, options);
  assertEquals(results.model, "b + c");
  assertEquals(results.models!.map(({ requests }) => requests.successful), [2, 1]);
  await write("b", undefined);
  await assertRejects(() => measureLoad("load", settings, options), InputError, "no model");
});

Deno.test("a search ends at what a server of a known capacity can do", async () => {
  // a server that meets the objectives up to 37 in flight, all of them, and none above
  const asked: number[] = [];
  const measure = ({ concurrency, duration_s }: LoadSettings) => {
    asked.push(concurrency!);
    assertEquals(duration_s, 20, "a level has its time where none is asked");
    const value = concurrency! <= 37 ? 1 : 0;
    const share = { value, low: value, high: value, n: 400, method: "wilson" };
    const limited = concurrency! > 60 ? "client_limited" : "trusted";
    return Promise.resolve({
      directory: { path: `/runs/${asked.length}` },
      results: { total: { goodput: { share } }, verdict: { verdict: limited, reasons: ["busy"] } },
    } as unknown as LoadRun);
  };
  const { signal } = new AbortController();
  const limited: number[] = [];
  const load = { name: "l", runs: [{ settings: { slo: ["ttft:500"] }, varied: {} }] };
  const search = {
    searched: "concurrency" as const,
    signal,
    measure,
    onLimited: (level: number) => limited.push(level),
  };
  const found = await findLoadCapacity(load, search);
  const objectives = [{ text: "ttft ≤ 500 ms", of: "requests", share: 0.95 }];
  assertEquals([found.highest_good, found.lowest_bad, found.objectives], [37, 38, objectives]);
  assertEquals([found.runs.length, limited, found.client_limited], [asked.length, [64], false]);
  assertEquals(found.best_run, `/runs/${asked.lastIndexOf(37) + 1}`);
  assertEquals(found.curve.map(({ level }) => level), asked.toSorted((a, b) => a - b));
  // a load of several processes has a place in each
  for (const [shards, first, good] of [[3, 3, 37], [37, 37, 37], [38, 38, null]] as const) {
    asked.length = 0;
    const { highest_good } = await findLoadCapacity(load, { ...search, shards });
    assertEquals([asked[0], Math.min(...asked), highest_good], [first, shards, good]);
  }
  const refused = (runs: { settings: LoadSettings; varied: object }[], said: string) =>
    assertRejects(
      () => findLoadCapacity({ name: "l", runs: runs as typeof load.runs }, search),
      InputError,
      said,
    );
  await refused([...load.runs, ...load.runs], "matrix");
  await refused([{ settings: {}, varied: {} }], "--slo");
  await refused([{ settings: { slo: ["ttft:5"], trace: "x" }, varied: {} }], "--trace");
});

Deno.test("a quantile's objective is a share of its own, and a request that fails has missed", async () => {
  // in flight: requests that fail of 1,000, and those that are slow
  const server = (concurrency: number) => {
    const failed = concurrency > 12 ? 20 : 0, slow = concurrency > 20 ? 50 : 5;
    const successful = 1000 - failed;
    const of = (values: number) => ({
      within: values - values / successful * slow,
      known: values,
      unknown: 0,
    });
    return { failed, successful, ttft: of(successful), gap: of(successful * 50) };
  };
  const search = (slo: string[], share?: number) =>
    findLoadCapacity({ name: "l", runs: [{ settings: { slo }, varied: {} }] }, {
      searched: "concurrency",
      share,
      signal: new AbortController().signal,
      measure: ({ concurrency }) => {
        const { failed, successful, ...judged } = server(concurrency!);
        const value = judged.ttft.within / 1000;
        const total = {
          requests: { successful, failed, unfinished: 0, unsent: 0 },
          goodput: slo.includes("ttft:80") ? { share: { value, n: 1000 } } : null,
        };
        const statements = slo.flatMap((text) =>
          text.startsWith("p") ? [judged[text.includes("gap") ? "gap" : "ttft"]] : []
        );
        const verdict = { verdict: "trusted", reasons: [] };
        return Promise.resolve(
          {
            directory: { path: "" },
            results: { total, statements, verdict },
          } as unknown as LoadRun,
        );
      },
    });
  const cases: [slo: string[], share: number | undefined, good: number, bad: number][] = [
    [["ttft:80"], undefined, 20, 21], // 97.5 % of all at 13, 95 % is asked
    [["ttft:80"], 0.985, 12, 13],
    [["p98.5(ttft)<80ms"], undefined, 12, 13], // the same
    [["p96(gap)<80ms"], undefined, 20, 21], // as many gaps are slow as requests
    [["p98.5(gap)<80ms"], undefined, 12, 13], // fifty of each that failed
    [["ttft:80", "p98.5(ttft)<80ms"], undefined, 12, 13],
  ];
  for (const [slo, share, good, bad] of cases) {
    const { highest_good, lowest_bad } = await search(slo, share);
    assertEquals([slo, highest_good, lowest_bad], [slo, good, bad]);
  }
  const { objectives } = await search(["p98.5(gap)<80ms", "ttft:80"]);
  assertEquals(objectives, [
    { text: "ttft ≤ 80 ms", of: "requests", share: 0.95 },
    { text: "gap ≤ 80 ms", of: "token gaps", share: 0.985 },
  ]);
  await assertRejects(() => search(["ttft_p99:80"], 0.9), InputError, "--capacity-share 0.9");
});

Deno.test("a search says what a level takes, and keeps what it has when it is interrupted", async () => {
  let stop = new AbortController();
  const asked: [level: number, requests: number | undefined, duration_s: unknown][] = [];
  const answer = (value: number) => ({
    directory: { path: `/runs/${asked.length}` },
    results: {
      total: { goodput: { share: { value, low: value, high: value, n: 400 } } },
      verdict: { verdict: "trusted", reasons: [] },
    },
  } as unknown as LoadRun);
  const begin = (settings: LoadSettings, most = Infinity, complete = false) => {
    asked.length = 0;
    const plans: CapacityPlan[] = [];
    const load = {
      name: "l",
      runs: [{ settings: { slo: ["ttft:500"], ...settings }, varied: {} }],
    };
    const found = findLoadCapacity(load, {
      searched: settings.concurrency === undefined ? "rate" : "concurrency",
      signal: stop.signal,
      onPlan: (plan) => plans.push(plan),
      measure: ({ requests, duration_s }, level) => {
        asked.push([level, requests, duration_s]);
        if (asked.length === most) stop.abort();
        const { directory, results } = answer(level <= 22.5 ? 1 : 0);
        return Promise.resolve({ directory, results: { ...results, complete } });
      },
    });
    return { plans, found };
  };
  // Wilson's score interval by hand: 1.96 squared, times 0.95 / 0.05, is 72.99; four times that 291.96
  const rate = begin({});
  const { highest_good, lowest_bad } = await rate.found;
  assertEquals([highest_good, lowest_bad], [22, 23]);
  const [plan] = rate.plans;
  assertEquals([plan.least, plan.enough, plan.first_level_s], [73, 292, 74]);
  // 1, 2 and 4..32 a second: 73, 36.5 and 20 s each, and five halvings of 20 s; a second around each
  assertEquals(plan.expected_s, 73 + 36.5 + 4 * 20 + 5 * 20 + 11);
  assertEquals(asked.slice(0, 2), [[1, undefined, 73], [2, undefined, 36.5]]);

  // 73 are needed. Of 3 s, 4 and 8 a second take four runs, 16 two, all others one: 32, 64, 128,
  // 96, 80, 72, 76 and 78
  const timed = begin({ rate: 4, duration_s: 3 });
  await timed.found;
  assertEquals([timed.plans[0].first_level_s, timed.plans[0].expected_s], [4 * 4, 18 * (3 + 1)]);
  // with 73 requests as well, a level takes no longer than they do, and 73 a second is the highest
  const limited = begin({ rate: 4, duration_s: 3, requests: 10 });
  await limited.found;
  assertEquals([limited.plans[0].first_level_s, limited.plans[0].assumed], [16, 73]);
  assertEquals(limited.plans[0].expected_s, 10 * (3 + 1) + 73 / 32 + 1 + 73 / 64 + 1 + 1 + 1);

  const few = await begin({ concurrency: 1, requests: 10 }).found;
  assertEquals(asked.map(([, requests]) => requests), asked.map(() => 73));
  assertEquals([few.highest_good, few.lowest_bad], [22, 23]);

  const cut = await begin({}, 3).found;
  assertEquals([cut.complete, cut.highest_good, cut.lowest_bad], [false, 2, null]);
  assertEquals([cut.probes.length, cut.runs.length], [2, 3]);
  // a load that was whole by then counts; none begins after it
  stop = new AbortController();
  const whole = await begin({}, 3, true).found;
  assertEquals([whole.complete, whole.highest_good, whole.lowest_bad], [false, 4, null]);
  assertEquals([whole.probes.length, whole.runs.length], [3, 3]);
});

Deno.test("a load that a limit ends goes over it by no more than was in flight", async () => {
  // the server's own counts are the truth; its answers are of 1 to 50 tokens, which nobody knows before
  let received = 0, used = 0, open = 0, seed = 3;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      if (request.method !== "POST") return void response.end("{}");
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      const completion_tokens = 1 + seed % 50;
      received++;
      used += 10 + completion_tokens;
      open++;
      setTimeout(() => {
        open--;
        const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
        const choices = [{ index: 0, delta: { content: "x" }, finish_reason: "stop" }];
        response.setHeader("content-type", "text/event-stream");
        response.write(event({ choices }));
        response.write(event({ choices: [], usage: { prompt_tokens: 10, completion_tokens } }));
        response.end("data: [DONE]\n\n");
      }, 5 + seed % 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  using folder = temporaryFolder();
  const places = 6, most = 60;
  const measured = async (settings: LoadSettings, tokens: number | null = null) => {
    received = used = 0;
    const { results, records } = await measureLoad("limits", {
      endpoint: `http://127.0.0.1:${port}/v1`,
      model: "m",
      prompt: "one",
      concurrency: places,
      sample_rate_hz: 0,
      ...settings,
    }, { out: folder.path, signal: never, budget: new Budget({ usd: null, tokens }, () => {}) });
    const { by_asker, total } = results.ledger;
    assertEquals([open, total.requests_cut_off], [0, 0]);
    // the server's count, without the first question about what the server can
    const asked = received - (by_asker.preflight?.requests ?? 0);
    return { results, records, asked };
  };
  try {
    for (const transport of ["wire", "portable"] as const) {
      const counted = await measured({ transport, requests: 37 });
      assertEquals([counted.records.length, counted.asked], [37, 37], transport);

      const timed = await measured({ transport, duration_s: 0.3 });
      assertEquals(
        timed.records.filter(({ t_sent_ns }) => t_sent_ns !== null).length,
        timed.asked,
      );

      for (const limit of [300, 1000]) {
        const { records } = await measured({ transport, requests: 500 }, limit);
        assert(used <= limit + places * most, `${used} tokens of ${limit}`);
        assert(used > limit - places * most && records.length < 500, `${used} of ${limit}`);
        // what is reserved by a limit of each answer is never passed
        await measured({ transport, requests: 500, output_tokens: 50 }, limit);
        assert(used <= limit, `${used} tokens of ${limit} with a limit of each answer`);
      }
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function measured(settings: LoadSettings) {
  const out = mkdtempSync(join(tmpdir(), "dyno-ready-"));
  const notices: string[] = [];
  try {
    const { results } = await measureLoad("load", {
      model: "mock",
      transport: "portable",
      concurrency: 1,
      requests: 2,
      sample_rate_hz: 0,
      ...settings,
    }, { out, signal: new AbortController().signal, onNotice: (line) => notices.push(line) });
    return { results, notices };
  } finally {
    rmSync(out, { recursive: true });
  }
}

Deno.test("a server that comes later is waited for", async () => {
  const [port] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}/v1`;
  const starting = new Promise<MockEndpoint>((resolve) =>
    setTimeout(() => resolve(MockEndpoint.start({ port })), 700)
  );
  const { results, notices } = await measured({ endpoint, wait_ready_s: 60 });
  await using _mock = await starting;
  assertEquals(results.total.requests.successful, 2);
  assert(notices.some((line) => line.startsWith("waiting up to 60 s for")), `${notices}`);
});

Deno.test("a server that says 503 is waited for, and not for ever; one that answers is not", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { status_code: 503 } });
  const settings = { endpoint: `${mock.url}/v1` };
  await assertRejects(
    () => measured({ ...settings, wait_ready_s: 0.6 }),
    InputError,
    "was not ready within 0.6 s",
  );
  await using ready = await MockEndpoint.start();
  const { notices } = await measured({ endpoint: `${ready.url}/v1`, wait_ready_s: 5 });
  assertEquals(notices.filter((line) => line.startsWith("waiting up")), []);
});

Deno.test("several URLs in one are refused, and what to do is said", async () => {
  for (const endpoint of ["http://a/v1,http://b/v1", "http://a:1/v1, https://b/v1"]) {
    await assertRejects(() => measured({ endpoint }), InputError, "holds a comma");
  }
});
