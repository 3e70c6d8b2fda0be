/** Waits before another attempt, and the loop of attempts. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  backoffSeconds,
  retried,
  retryAfterSeconds,
  waitAsked,
  waitSeconds,
} from "../../lib/endpoint/retry.ts";
import { connectionError } from "../../lib/endpoint/errors.ts";
import { CancelledError } from "../../lib/execute/scope.ts";

const never = new AbortController().signal;

Deno.test("attempts go on until one is final; each is told its number, each wait its outcome", async () => {
  const waits: [outcome: string, nth: number][] = [];
  const outcome = await retried(
    (nth) => Promise.resolve(nth === 3 ? "good" : `failed ${nth}`),
    (outcome, nth) => {
      waits.push([outcome, nth]);
      return outcome === "good" ? null : 0;
    },
    never,
  );
  assertEquals([outcome, waits], ["good", [["failed 1", 1], ["failed 2", 2], ["good", 3]]]);
});

Deno.test("a throw ends the attempts, an abort the wait", async () => {
  let tried = 0;
  const broken = retried(() => Promise.reject(new Error("broken")), () => 0, never);
  await assertRejects(() => broken, Error, "broken");
  const controller = new AbortController();
  const cut = retried(
    () => Promise.resolve(++tried),
    () => {
      queueMicrotask(() => controller.abort(new CancelledError("enough")));
      return 3600;
    },
    controller.signal,
  );
  await assertRejects(() => cut, CancelledError, "enough");
  assertEquals(tried, 1);
});

Deno.test("a wait is the longer of backoff and what the server asks, that up to a bound", () => {
  const waits = { delay_s: 0.5, longest_asked_s: 60, random: () => 1 };
  assertEquals([1, 2, 3].map((nth) => waitSeconds(nth, null, waits)), [0.5, 1, 2]);
  assertEquals([0, 1.5, 7, 3600].map((asked) => waitSeconds(2, asked, waits)), [1, 1.5, 7, 60]);
  assertEquals(waitSeconds(30, null, waits), 60);
  assertEquals(waitSeconds(30, null, { ...waits, ceiling_s: 3600 }), 3600);
  for (let i = 0; i < 50; i++) {
    const wait_s = waitSeconds(4, null, { delay_s: 1, longest_asked_s: 0 });
    assert(wait_s >= 0 && wait_s < 8);
  }
});

Deno.test("backoff is full jitter: between 0 and delay·2^attempt, at most a minute", () => {
  for (let attempt = 0; attempt < 12; attempt++) {
    assertEquals(backoffSeconds(attempt, 0.5, () => 0), 0);
    assertEquals(backoffSeconds(attempt, 0.5, () => 1), Math.min(60, 0.5 * 2 ** attempt));
  }
});

Deno.test("Retry-After in seconds, as a date, absent, malformed", () => {
  const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
  assertEquals(retryAfterSeconds("3", now), 3);
  assertEquals(retryAfterSeconds(" 1.5 ", now), 1.5);
  assertEquals(retryAfterSeconds("Wed, 21 Oct 2026 07:28:05 GMT", now), 5);
  assertEquals(retryAfterSeconds("Wed, 21 Oct 2026 07:27:00 GMT", now), 0);
  assertEquals(retryAfterSeconds(undefined, now), null);
  assertEquals(retryAfterSeconds(null, now), null);
  assertEquals(retryAfterSeconds("soon", now), null);
});

Deno.test("a wait in milliseconds goes first, and Google's errors tell it in their body", () => {
  // openai-python, _parse_retry_after_header: retry-after-ms, else retry-after; google.rpc.RetryInfo
  const seconds = (headers: Record<string, string>, body?: string) => waitAsked(headers, 0, body);
  assertEquals(seconds({ "retry-after-ms": "3500", "retry-after": "4" }), 3.5);
  assertEquals(seconds({ "retry-after-ms": "", "retry-after": "4" }), 4);
  assertEquals(seconds({ "retry-after-ms": "soon" }), null);
  const type = "type.googleapis.com/google.rpc.RetryInfo";
  const error = { code: 429, details: [{ "@type": type, retryDelay: "34.07s" }] };
  assertEquals(seconds({}, JSON.stringify([{ error }])), 34.07);
  assertEquals(seconds({ "retry-after": "1" }, JSON.stringify({ error })), 1);
  assertEquals(seconds({}, '{"error": {"code": 429}}'), null);
});

Deno.test("no descriptor for a connection is the client's own failure; a lost connection is not", () => {
  const url = new URL("http://127.0.0.1:1/v1");
  // strerror's words, Node's code, Deno's words
  const refused = [
    "Too many open files",
    "connect EMFILE 127.0.0.1:1",
    "Too many open files in system",
  ];
  const classes = [...refused, "Connection refused"].map((why) =>
    connectionError(url, "connecting", why)
  );
  assertEquals(classes.map(({ failure }) => failure), ["client", "client", "client", "connect"]);
  assert(classes.every(({ retryable }) => retryable));
  assertEquals(connectionError(url, "sent", "Too many open files").failure, "connect");
});
