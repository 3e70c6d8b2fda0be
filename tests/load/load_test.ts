/** Loads on the mock endpoint and on the paced server, over real sockets. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo, Socket } from "node:net";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { CancelledError } from "../../lib/execute/scope.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { nowNs } from "../../lib/native/clock.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import { PacedServer } from "../../lib/native/pace.ts";
import { until } from "../until.ts";
import { load } from "./fixture.ts";
import type { HttpExchange } from "../../lib/endpoint/transport.ts";

const text = Array.from({ length: 12 }, (_, i) => `w${i}`).join(" ");

function answering(port: number, on: (socket: Socket, request: number) => void) {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (bytes.toString().startsWith("GET")) {
        return socket.end("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n");
      }
      on(socket, requests++);
    });
  });
  return new Promise<{ url: string; close: () => Promise<void> }>((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      resolve({ url, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`closed loop: so many in flight, each prompt once, all journaled (${transport})`, async () => {
    await using mock = await MockEndpoint.start({
      behaviour: { default_response: text, delay_s: 0.02, tokens_per_second: 500 },
    });
    using run = await load({
      endpoint: mock.url,
      transport,
      concurrency: 6,
      requests: 60,
      warmup: 6,
    });
    const { total } = run.results;
    assertEquals(total.concurrency.max, 6);
    assertEquals(total.requests.warmup, 6);
    assertEquals(run.records.filter(({ warmup }) => !warmup).length, 60);
    assertEquals([total.requests.failed, total.errors], [0, {}]);
    assertEquals(total.completion_tokens_mean, 12);
    assertEquals(run.results.transport, transport);
    const prompts = mock.requests.filter(({ method }) => method === "POST")
      .map(({ body }) => JSON.stringify((body as { messages: unknown }).messages));
    assertEquals(new Set(prompts).size, prompts.length);
    const lines = readFileSync(run.directory.journal, "utf8").trim().split("\n")
      .map((line) => JSON.parse(line));
    const finished = lines.filter(({ event }) => event === "request_finished");
    assertEquals(finished.map(({ result }) => result), run.records);
    assert(existsSync(run.directory.results));
    // the gaps on disk are those between the tokens
    for (const record of run.records) {
      // what was read in one piece has one time, and no gaps
      const told = record.t_last_token_ns! > record.t_first_token_ns!;
      assertEquals([record.token_events, record.gaps], [12, told ? 11 : 0]);
      assert(record.t_sent_ns! >= record.t_ready_ns);
      assert(record.t_first_token_ns! > record.t_sent_ns!);
    }
  });

  Deno.test(`open loop: sent at the times of its process, whatever the server does (${transport})`, async () => {
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.3 } });
    const settings = {
      endpoint: mock.url,
      transport,
      rate: 40,
      arrival: "constant" as const,
      requests: 20,
    };
    using run = await load(settings);
    assertEquals(run.records.length, 20);
    const sent = run.records.map(({ t_intended_ns }) => t_intended_ns).sort((a, b) => a - b);
    sent.slice(1).forEach((t_ns, i) => assertEquals(Math.round((t_ns - sent[i]) / 1e6), 25));
    for (const record of run.records) assert(record.t_sent_ns! >= record.t_intended_ns);
    assert(run.results.total.concurrency.max > 6, "it does not wait for answers");
  });

  Deno.test(`a server that stalls: what was meant to be sent then is late, and shows it (${transport})`, async () => {
    const good = 'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n' +
      'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
    const reply = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
      `content-length: ${good.length}\r\n\r\n${good}`;
    const stall_ms = 600;
    const server = await answering(0, (socket, request) => {
      if (request === 5) setTimeout(() => socket.write(reply), stall_ms);
      else socket.write(reply);
    });
    try {
      using run = await load({
        endpoint: server.url,
        model: "m",
        transport,
        rate: 20,
        arrival: "constant",
        concurrency: 1,
        requests: 20,
      });
      const { ttft_ms, ttft_intended_ms } = run.results.total.metrics;
      // one request felt the stall by its own clock, all those behind it by their users'
      assert(ttft_ms!.max >= stall_ms * 0.95);
      assert(ttft_ms!.p90 < stall_ms / 2, `sent: p90 ${ttft_ms!.p90}`);
      assert(ttft_intended_ms!.p90 > stall_ms / 2, `intended: p90 ${ttft_intended_ms!.p90}`);
    } finally {
      await server.close();
    }
  });

  Deno.test(`role-only chunks are no tokens, an event of four tokens is one gap (${transport})`, async () => {
    await using mock = await MockEndpoint.start({
      behaviour: { default_response: text, tokens_per_second: 1000 },
    });
    mock.configure({ error_mode: "role_only_first_chunk" });
    using roles = await load({ endpoint: mock.url, transport, concurrency: 1, requests: 2 });
    assertEquals(roles.records.map(({ token_events }) => token_events), [12, 12]);
    assert(roles.records[0].t_first_choice_ns! <= roles.records[0].t_first_token_ns!);
    // slow: what one read brings has one time, and gaps need two
    mock.configure({ error_mode: "multi_token_event", tokens_per_second: 20 });
    using four = await load({ endpoint: mock.url, transport, concurrency: 1, requests: 2 });
    const [{ token_events, completion_tokens, gaps }] = four.records;
    assertEquals([token_events, completion_tokens, gaps], [3, 12, 2]);
  });

  Deno.test(`an abort in mid-load keeps what was measured (${transport})`, async () => {
    await using mock = await MockEndpoint.start({
      behaviour: { default_response: text, delay_s: 0.05, tokens_per_second: 200 },
    });
    const stop = new AbortController();
    const running = load(
      { endpoint: mock.url, transport, concurrency: 4, duration_s: 600 },
      stop.signal,
    );
    // four are in flight: each further one came after an answer
    await until(() => mock.requests.filter(({ method }) => method === "POST").length > 8);
    stop.abort();
    using run = await running;
    assertEquals(run.results.complete, false);
    const { successful } = run.results.total.requests;
    assert(successful > 0, `${successful} were answered`);
    const others = run.records.filter(({ failure }) => failure !== null);
    assert(others.length <= 4 && others.every(({ failure }) => failure === "unfinished"));
  });

  Deno.test(`conversations: each turn has the answers before it (${transport})`, async () => {
    await using mock = await MockEndpoint.start({ behaviour: { default_response: "hello there" } });
    using run = await load({
      endpoint: mock.url,
      transport,
      concurrency: 2,
      requests: 4,
      turns: 3,
      think_time_s: 0.01,
      input_tokens: 8,
    });
    assertEquals(run.records.length, 12);
    assertEquals(run.records.map(({ turn }) => turn).sort(), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    const last = mock.requests.map(({ body }) =>
      (body as { messages?: { role: string }[] } | null)?.messages
    )
      .find((messages) => messages?.length === 5)!;
    assertEquals(last.map(({ role }) => role), ["user", "assistant", "user", "assistant", "user"]);
    assertEquals((last[1] as unknown as { content: string }).content, "hello there");
    assertEquals(run.results.total.concurrency.max <= 2, true);
  });

  Deno.test(`embeddings, responses and completions are measured too (${transport})`, async () => {
    await using mock = await MockEndpoint.start({
      behaviour: { default_response: text, tokens_per_second: 1000 },
    });
    for (const path of ["responses", "completions", "embeddings"]) {
      using run = await load({
        endpoint: `${mock.url}/v1/${path}`,
        transport,
        concurrency: 2,
        requests: 4,
      });
      const { total, api_type } = run.results;
      assertEquals([api_type, total.errors], [path, {}]);
      assertEquals(run.records.map(({ failure }) => failure), [null, null, null, null]);
      assertEquals(total.completion_tokens_mean, path === "embeddings" ? null : 12);
      assertEquals(total.metrics.ttft_ms === null, path === "embeddings");
    }
  });

  Deno.test(`a load stops by its error rate (${transport})`, async () => {
    await using mock = await MockEndpoint.start();
    mock.configure({ error_mode: "server_error" });
    using run = await load({
      endpoint: mock.url,
      transport,
      concurrency: 2,
      duration_s: 30,
      stop_error_rate: 0.5,
    });
    assertStringIncludes(run.results.stopped_because!, "error rate: 100 %");
    assert(run.records.length < 1000);
  });
}

Deno.test("2,000 streams at once: every event is counted", async () => {
  const { library, reason } = await nativeLibrary();
  assert(library, reason ?? "");
  using server = new PacedServer(library, { delay_us: 1_000_000, interval_us: 100_000 });
  using run = await load({
    endpoint: server.url,
    model: "pace",
    concurrency: 2000,
    requests: 2000,
    output_tokens: 10,
  });
  assertEquals(run.results.total.errors, {});
  assertEquals(run.records.filter(({ failure }) => failure === null).length, 2000);
  assertEquals(new Set(run.records.map(({ completion_tokens }) => completion_tokens)).size, 1);
  const tokens = run.records.reduce((sum, { completion_tokens }) => sum + completion_tokens!, 0);
  const events = run.records.reduce((sum, { token_events }) => sum + token_events, 0);
  assertEquals(events, tokens);
});

Deno.test("stages: each has its own figures, the total has all", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: text } });
  using run = await load({
    endpoint: mock.url,
    stages: [
      { concurrency: 1, requests: 5 },
      { rate: [50, 100], duration_s: 5, requests: 10 },
      { concurrency: 3, rate: 200, requests: 10 },
    ],
  });
  const { stages, total } = run.results;
  assertEquals(stages.map(({ requests }) => requests.successful), [5, 10, 10]);
  assertEquals(total.requests.successful, 25);
});

Deno.test("the portable transport's verdict is not a guess", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: text } });
  using run = await load({
    endpoint: mock.url,
    transport: "portable",
    concurrency: 1,
    requests: 5,
  });
  assertEquals(run.results.verdict.client.read_lag_p99_ms, null);
});

Deno.test("a trace ends with its last row or its duration; prompts that are used up are told", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: text } });
  const folder = mkdtempSync(join(tmpdir(), "dyno-trace-"));
  const trace = join(folder, "trace.jsonl");
  const prompts = join(folder, "prompts.jsonl");
  const rows = Array.from(
    { length: 10 },
    (_, i) => `{"timestamp_s": ${i}, "input_length": 8, "output_length": 2}`,
  );
  writeFileSync(trace, rows.join("\n"));
  writeFileSync(prompts, '{"prompt": "a"}\n{"prompt": "b"}');
  try {
    using whole = await load({ endpoint: mock.url, trace, trace_speed: 50, warmup: 2 });
    const { requests } = whole.results.total;
    assertEquals([requests.successful, requests.warmup], [10, 2]);
    assertEquals(whole.results.notes.join().includes("used up"), false);
    using short = await load({ endpoint: mock.url, trace, trace_speed: 10, duration_s: 0.45 });
    assertEquals(short.records.length, 5);
    assertEquals(short.results.total.requests.outside, 0);
    using used = await load({ endpoint: mock.url, prompts, concurrency: 1, duration_s: 5 });
    assertEquals(used.records.length, 2);
    assertStringIncludes(used.results.notes.join(), "2 prompts of");
    assertStringIncludes(used.results.notes.join(), "used up");
    using all = await load({ endpoint: mock.url, prompts, concurrency: 1, requests: 2 });
    assertEquals(all.results.notes.join().includes("used up"), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`requests that were made too late are late (${transport})`, async () => {
    await using mock = await MockEndpoint.start();
    await using driven = await openTransport({ only: transport });
    const exchange = await new Promise<HttpExchange>((resolve) =>
      driven.send({
        method: "POST",
        url: new URL(`${mock.url}/v1/chat/completions`),
        headers: { "content-type": "application/json" },
        body: "{}",
        timeout_s: 60,
        t_send_ns: nowNs() - 50e6,
      }, { onEvent() {}, onErrorEvent() {}, onEnd: resolve })
    );
    assert(exchange.t_sent_ns - exchange.t_ready_ns >= 50e6);
  });
}

Deno.test("a user who thinks does not make the client a limited one", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.01 } });
  using run = await load({
    endpoint: mock.url,
    concurrency: 2,
    requests: 4,
    turns: 3,
    think_time_s: 0.1,
    input_tokens: 8,
  });
  const { reasons } = run.results.verdict;
  assertEquals(reasons.filter((reason) => reason.includes("in flight")), []);
});

Deno.test("a rate that is too much for this client keeps neither answers nor Ctrl-C waiting", async () => {
  await using mock = await MockEndpoint.start();
  const stop = new AbortController();
  // the test ends long before the load would, but not before the requests of its first 0.5 ms
  const watch = setInterval(() => {
    if (mock.requests.length > 500) stop.abort(new CancelledError("interrupted"));
  }, 50);
  using run = await load({ endpoint: mock.url, rate: 1e6, duration_s: 600 }, stop.signal);
  clearInterval(watch);
  assert(run.records.length > 0 && run.records.length < 500_000);
  assertEquals(run.results.verdict.verdict, "client_limited");
});
