/**
 * Limits on a client's requests. The body is read here because hono/body-limit waits for a slow one
 * without a limit, and does not read a body whose length is announced.
 */
import { createMiddleware } from "hono/factory";
import { isDeeper } from "../json_fields.ts";
import { lostNumbers, lostText } from "../lost_digits.ts";
import { HttpProblem } from "./problem.ts";
import type { ServerEnv } from "./app_options.ts";

/** Addresses that are remembered; the oldest one is forgotten first. */
const ADDRESSES = 10_000;
/** The deepest nesting of a body; deeper JSON can be parsed but not serialised. */
const DEEPEST = 100;

/**
 * Limits requests per second from one address, with a token bucket that holds two seconds' worth.
 */
export function rateLimit(per_s: number) {
  const burst = Math.max(1, 2 * per_s);
  const buckets = new Map<string, { tokens: number; t_ms: number }>();
  return createMiddleware<ServerEnv>(async (c, next) => {
    const remote = c.env?.remote ?? "";
    const now_ms = performance.now();
    const bucket = buckets.get(remote) ?? { tokens: burst, t_ms: now_ms };
    buckets.delete(remote); // moves it to the end of the order
    buckets.set(remote, bucket);
    if (buckets.size > ADDRESSES) buckets.delete(buckets.keys().next().value!);
    bucket.tokens = Math.min(burst, bucket.tokens + (now_ms - bucket.t_ms) / 1000 * per_s);
    bucket.t_ms = now_ms;
    if (bucket.tokens < 1) {
      const wait_s = Math.max(1, Math.ceil((1 - bucket.tokens) / per_s));
      throw new HttpProblem(429, "too_many_requests", `more than ${per_s} requests a second`, {
        headers: { "retry-after": String(wait_s) },
      });
    }
    bucket.tokens--;
    await next();
  });
}

/**
 * The JSON of a request's body, limited in time and size.
 *
 * @throws {HttpProblem} another content type, a content coding, or a body that is too large, too slow
 * or not JSON; with issues, numbers that would be other ones.
 */
export async function jsonBody(
  request: Request,
  { max_bytes, timeout_ms }: { max_bytes: number; timeout_ms: number },
): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpProblem(415, "not_json", "expected the header content-type: application/json");
  }
  const coding = request.headers.get("content-encoding");
  if (coding !== null && !/^\s*(identity)?\s*$/i.test(coding)) {
    throw new HttpProblem(
      415,
      "encoded",
      `the body has the content-encoding ${coding}; expected none`,
      {
        headers: { "accept-encoding": "identity" }, // RFC 9110, 15.5.16
      },
    );
  }
  const text = new TextDecoder("utf-8").decode(await bytesOf(request, max_bytes, timeout_ms));
  if (isDeeper(text, DEEPEST)) {
    throw new HttpProblem(400, "nested_too_deeply", `the body nests deeper than ${DEEPEST} levels`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpProblem(400, "malformed_json", "the body is not valid JSON");
  }
  const issues = lostNumbers(text).map((lost) => ({ path: lost.path, message: lostText(lost) }));
  const [first] = issues;
  if (first === undefined) return value;
  throw new HttpProblem(422, "invalid", `${first.path.join(".")}: ${first.message}`, { issues });
}

async function bytesOf(
  request: Request,
  max_bytes: number,
  timeout_ms: number,
): Promise<Uint8Array> {
  const tooLarge = () =>
    new HttpProblem(413, "too_large", `the body has more than ${max_bytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > max_bytes) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size_bytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new HttpProblem(408, "too_slow", `the body took longer than ${timeout_ms} ms`));
    }, timeout_ms);
  });
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) break;
      size_bytes += value.length;
      if (size_bytes > max_bytes) throw tooLarge();
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(400, "cut_off", "the body ended before it was whole");
  } finally {
    clearTimeout(timer);
  }
  const whole = new Uint8Array(size_bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
