/** Limits on requests and tokens: headers as their vendors document them, and real servers that refuse. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { limitsIn, RateLimit } from "../../lib/endpoint/rate_limit.ts";
import { CancelledError } from "../../lib/execute/scope.ts";
import type { LimitWait } from "../../lib/endpoint/rate_limit.ts";

Deno.test("what servers tell of their limits, in the forms that their documentation shows", () => {
  const now = Date.parse("2026-11-30T12:00:00Z");
  // OpenAI, "Rate limits": remaining 59 of 60 requests, 149,984 of 150,000 tokens, resets 1s and 6m0s
  assertEquals(
    limitsIn({
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "59",
      "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-remaining-tokens": "149984",
      "x-ratelimit-reset-tokens": "6m0s",
    }, now),
    { requests: { left: 59, reset_s: 1 }, tokens: { left: 149_984, reset_s: 360 } },
  );
  // Groq: "2m59.56s" and "7.66s"
  assertEquals(
    limitsIn({
      "x-ratelimit-remaining-requests": "14370",
      "x-ratelimit-reset-requests": "2m59.56s",
      "x-ratelimit-remaining-tokens": "17997",
      "x-ratelimit-reset-tokens": "7.66s",
    }, now),
    { requests: { left: 14_370, reset_s: 179.56 }, tokens: { left: 17_997, reset_s: 7.66 } },
  );
  // Anthropic: a time in RFC 3339
  assertEquals(
    limitsIn({
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-30T12:00:07Z",
      "anthropic-ratelimit-tokens-remaining": "1000",
      "anthropic-ratelimit-tokens-reset": "2026-11-30T11:59:00Z",
    }, now),
    { requests: { left: 0, reset_s: 7 }, tokens: { left: 1000, reset_s: 0 } },
  );
  // OpenRouter: milliseconds since 1970; the IETF's draft: seconds from now
  const reset = String(now + 2500);
  assertEquals(limitsIn({ "x-ratelimit-remaining": "3", "x-ratelimit-reset": reset }, now), {
    requests: { left: 3, reset_s: 2.5 },
  });
  assertEquals(limitsIn({ "ratelimit-remaining": "0", "ratelimit-reset": "50" }, now), {
    requests: { left: 0, reset_s: 50 },
  });
  for (const odd of ["", "soon", "-3s", "1x"]) {
    assertEquals(limitsIn({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": odd }, now), {});
  }
  assertEquals(limitsIn({ "x-ratelimit-remaining": "", "x-ratelimit-reset": "5" }, now), {});
});

/** A server that takes `room` requests in each `window_ms`, and refuses others; counts what it refused. */
async function limitedServer(room: number, window_ms: number, tells: boolean) {
  let left = room, until = Date.now() + window_ms;
  const counts = { served: 0, refused: 0 };
  const server = createServer((request, response) => {
    request.resume();
    if (Date.now() >= until) [left, until] = [room, Date.now() + window_ms];
    const isOver = left <= 0;
    if (!isOver) left--;
    const wait_ms = Math.max(1, until - Date.now());
    counts[isOver ? "refused" : "served"]++;
    response.writeHead(isOver ? 429 : 200, {
      "content-type": "application/json",
      ...(tells && {
        "x-ratelimit-remaining-requests": String(left),
        "x-ratelimit-reset-requests": `${wait_ms}ms`,
      }),
      ...(isOver && { "retry-after": String(wait_ms / 1000) }),
    });
    response.end(JSON.stringify(
      isOver
        ? { error: { message: "slow down" } }
        : { choices: [{ message: { content: "yes" }, finish_reason: "stop" }] },
    ));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    counts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function askMany(endpoint: string, questions: number, at_once: number) {
  await using transport = await openTransport();
  const options = { endpoint, model: "m", stream: false, retry_attempts: 5, retry_delay: 0.01 };
  const waits: LimitWait[] = [];
  const api = await configureApi(options, transport, () => {});
  const client = new EndpointClient(api, transport, (wait) => waits.push(wait));
  const { signal } = new AbortController();
  let next = 0, answered = 0;
  await Promise.all(Array.from({ length: at_once }, async () => {
    while (next++ < questions) {
      const { error } = await client.ask({ prompt: "x" }, signal);
      if (error === null) answered++;
    }
  }));
  return { answered, waits };
}

Deno.test("a server that tells its limit is not asked beyond it, with any number in flight", async () => {
  await using server = await limitedServer(6, 300, true);
  const { answered, waits } = await askMany(server.url, 21, 4);
  assertEquals(answered, 21);
  // only what was in flight before the first answer told anything may be refused
  assert(server.counts.refused <= 3, `${server.counts.refused} refused`);
  assert(waits.length >= 2 && waits.every(({ of, by }) => of === "server" && by === "requests"));
});

Deno.test("a refusal that says when to come back holds back the others too", async () => {
  await using server = await limitedServer(2, 400, false);
  const { answered } = await askMany(server.url, 6, 2);
  assertEquals(answered, 6);
  assert(server.counts.refused <= 8, `${server.counts.refused} refused`);
});

/** The most that lie in any window, by looking at each pair. */
function mostInWindow(
  times_ns: number[],
  window_ns: number,
  weight: (i: number) => number,
): number {
  return Math.max(
    ...times_ns.map((from) =>
      times_ns.reduce((sum, t, i) => sum + (t >= from && t < from + window_ns ? weight(i) : 0), 0)
    ),
  );
}

Deno.test("a limit of the user's holds in any window, in the order of asking", async () => {
  const { signal } = new AbortController();
  const waits: LimitWait[] = [];
  const limit = new RateLimit({ requests_per_minute: 3 }, 60, (wait) => waits.push(wait), 0.1);
  const order: number[] = [];
  const admissions = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const admission = await limit.admit(1, signal);
      order.push(i);
      return admission;
    }),
  );
  assertEquals(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(mostInWindow(admissions.map(({ t_ns }) => t_ns), 0.1e9, () => 1), 3);
  assert(waits.every(({ of }) => of === "setting"));
});

Deno.test("tokens count as guessed until a request is over, then as used; one too large goes alone", async () => {
  const { signal } = new AbortController();
  const limit = new RateLimit({ tokens_per_minute: 100 }, 60, () => {}, 0.1);
  const sizes = [60, 60, 30, 250, 10, 90];
  const admissions = [];
  for (const size of sizes) admissions.push(await limit.admit(size, signal));
  const alone = sizes.map((size) => Math.min(size, 100));
  assert(mostInWindow(admissions.map(({ t_ns }) => t_ns), 0.1e9, (i) => alone[i]) <= 100);
  const guessed = new RateLimit({ tokens_per_minute: 100 }, 60, () => assert(false, "waits"), 60);
  (await guessed.admit(90, signal)).tokens = 20;
  await guessed.admit(80, signal);
});

Deno.test("a wait ends with the run, and those behind it go on or end too", async () => {
  const limit = new RateLimit({ requests_per_minute: 1 }, 60, () => {}, 0.2);
  const [first, second] = [new AbortController(), new AbortController()];
  await limit.admit(1, second.signal);
  const waiting = limit.admit(1, first.signal), behind = limit.admit(1, second.signal);
  first.abort(new CancelledError("over"));
  await assertRejects(() => waiting, CancelledError);
  await behind;
  // a server's limit for longer than a request may take is not waited for
  const patient = new RateLimit({}, 0.05, () => assert(false, "waits"));
  const admission = await patient.admit(1, second.signal);
  const refused = { status: 429, headers: {}, body: "" };
  patient.heed(admission, { ...refused, headers: { "retry-after": "3600" } }, Date.now());
  await patient.admit(1, second.signal);
  // google.rpc.RetryInfo, as JSON has it (googleapis, error_details.proto): all others wait too
  const waits: number[] = [];
  const google = new RateLimit(
    {},
    60,
    ({ wait_s, of }) => waits.push(of === "server" ? wait_s : 0),
  );
  const info = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0.05s" };
  const body = JSON.stringify({ error: { code: 429, details: [info] } });
  google.heed(await google.admit(1, second.signal), { ...refused, body }, Date.now());
  await google.admit(1, second.signal);
  assert(waits.length > 0 && waits[0] > 0 && waits[0] <= 0.05, `${waits}`);
});
