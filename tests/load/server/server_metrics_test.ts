/** Metrics read from real HTTP servers: whole ones, wrong ones, and such as never answer. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { assertStringIncludes } from "@std/assert";
import { PortableTransport } from "../../../lib/endpoint/portable/portable.ts";
import { CancelledError } from "../../../lib/execute/scope.ts";
import { ServerMetricsScraper, summariseServer } from "../../../lib/load/server/server_metrics.ts";
import { nowNs } from "../../../lib/native/clock.ts";
import { IDLE, llamaCppPage, oldVllmPage, sglangPage, tgiPage, vllmPage } from "./expositions.ts";
import { until } from "../../until.ts";
import type { ScrapeOptions } from "../../../lib/load/server/metrics_page.ts";
import type { ServerKind } from "../../../lib/load/server/server_metrics.ts";

const never = new AbortController().signal;
const TEXT = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };

/** Declares a test that must leave no timer, promise or socket; Deno looks only where told to. */
function testLeakFree(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: true, sanitizeResources: true });
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server for the length of a test, and a transport for its metrics. */
async function serve(answer: Answer) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url!);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const transport = new PortableTransport();
  const url = `http://127.0.0.1:${port}/v1/chat/completions`;
  return {
    url,
    paths,
    transport,
    probe: (signal = never, options: ScrapeOptions = {}) =>
      ServerMetricsScraper.probe(url, transport, signal, options),
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const page = (textOf: () => string): Answer => (_, response) => {
  response.writeHead(200, TEXT).end(textOf());
};

/** The scraper that must have been found. */
async function found(probing: ReturnType<typeof ServerMetricsScraper.probe>) {
  const { scraper, reason } = await probing;
  assert(scraper, reason ?? "");
  return scraper;
}

async function reasonOf(answer: Answer, options: ScrapeOptions = {}): Promise<string> {
  await using server = await serve(answer);
  const { scraper, reason } = await server.probe(never, options);
  assertEquals(scraper, null);
  return reason!;
}

const pages: [ServerKind, (tokens: number) => string][] = [
  ["vllm", (tokens) => vllmPage({ ...IDLE, running: 3, generation_tokens: tokens })],
  [
    "sglang",
    (tokens) => sglangPage({ ...IDLE, running: 3, prompt_tokens: 1, generation_tokens: tokens }, 0),
  ],
  ["llama.cpp", (tokens) => llamaCppPage({ ...IDLE, running: 3, generation_tokens: tokens })],
  ["tgi", (tokens) => tgiPage({ ...IDLE, running: 3, generation_tokens: tokens })],
];

for (const [kind, pageOf] of pages) {
  testLeakFree(`${kind}: before, during and after`, async () => {
    let tokens = 100;
    await using server = await serve(page(() => pageOf(tokens)));
    const t_before_ns = nowNs();
    await using scraper = await found(server.probe());
    assertEquals([scraper.server, scraper.readings.length], [kind, 1]);
    scraper.start(10, never);
    await until(() => scraper.readings.length >= 5);
    tokens = 350;
    await scraper.stop();
    const { readings } = scraper;
    assertEquals(readings[0].generation_tokens_total, 100);
    assertEquals(readings.at(-1)!.generation_tokens_total, 350);
    const times = [t_before_ns, ...readings.map(({ t_ns }) => t_ns), nowNs()];
    for (let i = 1; i < times.length; i++) assertGreater(times[i], times[i - 1]);
    const { generation_tokens, running_mean } = summariseServer(readings, t_before_ns, nowNs());
    assertEquals([generation_tokens, running_mean], [250, 3]);
    assertEquals([scraper.failures, scraper.last_failure, scraper.malformed_lines], [0, null, 0]);
    assertEquals(new Set(server.paths), new Set(["/metrics"]));
    assertEquals(server.transport.status().connections_opened < 3, true); // kept alive
  });
}

testLeakFree("no metrics: the reason is given, and nothing thrown", async () => {
  const html = "<!doctype html>\n<body>\nvllm: welcome\n</body>\n";
  const answers: [Answer, string][] = [
    [(_, response) => response.writeHead(404).end("no"), "HTTP 404 (SGLang has metrics with"],
    [(_, response) => response.writeHead(501).end("{}"), "llama.cpp with --metrics"],
    [(_, response) => response.writeHead(401).end(), "/metrics: HTTP 401"],
    [(_, response) => response.writeHead(200).end(html), "is no Prometheus text"],
    [(_, response) => response.writeHead(200).end("\x00\xff{{{}\n\n}"), "is no Prometheus text"],
    [(_, response) => response.writeHead(200).end(), "is no Prometheus text"],
    [
      page(() => "# TYPE up gauge\nup 1\n"),
      "has no metrics of vLLM, SGLang, llama.cpp, TGI or TensorRT-LLM",
    ],
    [(request) => request.socket.destroy(), "connection lost"],
    [(_, response) => response.writeHead(302, { location: "http://elsewhere/" }).end(), "302"],
    [(_, response) => response.writeHead(302, { location: "/metrics" }).end(), "HTTP 302"],
  ];
  for (const [answer, reason] of answers) assertStringIncludes(await reasonOf(answer), reason);
});

testLeakFree("a server that hangs, or stops half way, is given up in time", async () => {
  const half: Answer = (_, response) => response.writeHead(200, TEXT).write("vllm:num_requests");
  for (const answer of [() => {}, half]) {
    const started_ns = nowNs();
    assertStringIncludes(await reasonOf(answer, { timeout_s: 0.1 }), "no answer within 0.1 s");
    assertLess(nowNs() - started_ns, 2e9);
  }
});

testLeakFree("nobody listens, or the URL is none", async () => {
  await using transport = new PortableTransport();
  for (const endpoint of ["http://127.0.0.1:1/v1", "not a url"]) {
    const { scraper, reason } = await ServerMetricsScraper.probe(endpoint, transport, never);
    assertEquals(scraper, null);
    assertGreater(reason!.length, 0);
  }
});

testLeakFree("a redirect within the origin is followed once and kept", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/metrics") response.writeHead(307, { location: "/metrics/" }).end();
    else response.writeHead(200, TEXT).end(oldVllmPage(IDLE));
  });
  await using scraper = await found(server.probe());
  scraper.start(1000, never);
  await scraper.stop();
  assertEquals(scraper.url.pathname, "/metrics/");
  assertEquals(server.paths.filter((path) => path === "/metrics").length, 1);
});

testLeakFree("headers go along with every reading, and the text format is asked for", async () => {
  const seen = new Set<string>();
  await using server = await serve((request, response) => {
    seen.add(`${request.headers.authorization} ${request.headers.accept}`);
    response.writeHead(200, TEXT).end(llamaCppPage(IDLE));
  });
  await using scraper = await found(
    server.probe(never, { headers: { authorization: "Bearer k" } }),
  );
  scraper.start(1000, never);
  await scraper.stop();
  assertEquals([...seen], ["Bearer k text/plain;version=0.0.4"]);
});

testLeakFree("readings that fail are counted and left out; the next ones are taken", async () => {
  let requests = 0;
  const faults: Answer[] = [
    (_, response) => response.writeHead(500).end("oops"),
    (request) => request.socket.destroy(), // a kept connection: asked again on another, which
    () => {}, // hangs
    page(() => "up 1\n"),
    page(() => `vllm:num_requests_running 1\nvllm:num_requests_waiting{ 1\n`),
  ];
  await using server = await serve((request, response) => {
    const fault = faults[++requests - 2];
    (fault ?? page(() => vllmPage(IDLE)))(request, response);
  });
  await using scraper = await found(server.probe(never, { timeout_s: 5 }));
  scraper.start(5, never);
  await until(() => scraper.readings.length >= 4);
  await scraper.stop();
  assertEquals([scraper.failures, scraper.malformed_lines], [3, 1]);
  assertStringIncludes(scraper.last_failure!, "has no metrics of vllm");
});

testLeakFree("counters that begin anew half way are recognised", async () => {
  let requests = 0;
  const totals = [1000, 1400, 1900, 200, 500];
  await using server = await serve(page(() => {
    const generation_tokens = totals[Math.min(requests++, totals.length - 1)];
    return vllmPage({ ...IDLE, generation_tokens });
  }));
  await using scraper = await found(server.probe());
  scraper.start(5, never);
  await until(() => requests > totals.length);
  await scraper.stop();
  const { generation_tokens, counter_resets } = summariseServer(scraper.readings, 0, nowNs());
  assertEquals([generation_tokens, counter_resets], [900 + 500, 1]);
});

testLeakFree("readings keep to the interval's grid and never overlap", async () => {
  let open = 0;
  let most = 0;
  await using server = await serve((_, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.writeHead(200, TEXT).end(tgiPage(IDLE));
    }, 30);
  });
  await using scraper = await found(server.probe());
  const started_ns = nowNs();
  scraper.start(20, never); // each takes longer than that: every second one is left out
  await until(() => scraper.readings.length >= 7);
  await scraper[Symbol.asyncDispose]();
  assertEquals(most, 1);
  assertGreater(nowNs() - started_ns, 5 * 40e6 + 20e6);
  await until(() => open === 0);
});

testLeakFree("stop breaks off a reading that hangs, and takes the last one", async () => {
  let requests = 0;
  await using server = await serve((request, response) => {
    if (++requests !== 2) page(() => vllmPage(IDLE))(request, response);
  });
  await using scraper = await found(server.probe());
  scraper.start(1000, never);
  await until(() => requests === 2);
  const stopped_ns = nowNs();
  await scraper.stop();
  assertLess(nowNs() - stopped_ns, 1e9);
  assertEquals([scraper.readings.length, scraper.failures, requests], [2, 0, 3]);
  await scraper.stop();
  assertEquals(requests, 3);
});

testLeakFree("an abort ends it, asleep or reading, and no last reading is taken", async () => {
  for (const hang of [false, true]) {
    let requests = 0;
    await using server = await serve((request, response) => {
      if (++requests === 1 || !hang) page(() => vllmPage(IDLE))(request, response);
    });
    await using scraper = await found(server.probe());
    const abort = new AbortController();
    scraper.start(60_000, abort.signal);
    await until(() => hang ? requests === 2 : scraper.readings.length === 2);
    abort.abort();
    await scraper.stop();
    assertEquals([requests, scraper.failures], [2, 0]);
  }
});

testLeakFree("a probe is cancelled by its signal", async () => {
  await using server = await serve(() => {});
  const abort = new AbortController();
  const probing = server.probe(abort.signal);
  await until(() => server.paths.length === 1);
  abort.abort();
  await assertRejects(() => probing, CancelledError);
  await assertRejects(() => server.probe(abort.signal), CancelledError);
});

testLeakFree(
  "it is started once at a time, with an interval; again after it was stopped",
  async () => {
    await using server = await serve(page(() => vllmPage(IDLE)));
    await using scraper = await found(server.probe());
    for (const interval_ms of [0, -1, NaN]) {
      let message = "";
      try {
        scraper.start(interval_ms, never);
      } catch (error) {
        message = (error as Error).message;
      }
      assertStringIncludes(message, "interval_ms");
    }
    scraper.start(1000, never);
    await assertRejects(async () => await scraper.start(1000, never), Error, "has been started");
    await scraper.stop();
    const before = scraper.readings.length;
    scraper.start(1000, never);
    await scraper.stop();
    assertGreater(scraper.readings.length, before);
  },
);

testLeakFree("it goes beside a load whose limit is spent", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/metrics") page(() => vllmPage(IDLE))(request, response);
  });
  await using load = new PortableTransport();
  load.limit(1);
  const url = new URL(server.url);
  const cancel = load.send(
    { method: "POST", url, headers: {}, body: "{}", timeout_s: 5 },
    { onEvent() {}, onErrorEvent() {}, onEnd() {} },
  );
  await until(() => server.paths.length === 1);
  await using scraper = await found(server.probe());
  scraper.start(5, never);
  await until(() => scraper.readings.length >= 3);
  await scraper.stop();
  cancel();
});
