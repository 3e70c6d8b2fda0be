/** Faults shown by an HTTP status, and answers of the wrong kind. */
import { gzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { errorBody } from "../replies.ts";
import { type Fault, instead, refusedReply } from "./fault.ts";

const redirect = (location: string) =>
  instead(`HTTP/1.1 307 Temporary Redirect\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`);

/** HTTP 200 with a body of the given type. */
function page(body: string, type: string): Fault["apply"] {
  return (parts) => [{ kind: "whole", at_s: parts[0].at_s, status: 200, body, type }];
}

/** HTTP 200 with a compressed body that was not requested. */
function gzipped(text: string): Fault["apply"] {
  return ([{ at_s }]) => {
    const content = gzipSync(text);
    const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n" +
      `content-length: ${content.length}\r\n\r\n`;
    return [{ kind: "raw", at_s, bytes: Buffer.concat([Buffer.from(head), content]) }];
  };
}

export const statusFaults = {
  server_error: {
    description: "HTTP 500",
    failure: "http_5xx",
    apply: refusedReply(500, "internal server error", "server_error"),
  },
  unavailable: {
    description: "HTTP 503 with a page of HTML",
    failure: "http_5xx",
    apply: (parts) => [{
      kind: "whole",
      at_s: parts[0].at_s,
      status: 503,
      body: "<html><body>Service Unavailable</body></html>",
      type: "text/html",
    }],
  },
  gateway_timeout: {
    description: "HTTP 504",
    failure: "timeout",
    apply: refusedReply(504, "upstream timed out", "timeout"),
  },
  rate_limit: {
    description: "HTTP 429 with Retry-After",
    failure: "http_429",
    apply: (parts, { retry_after }) =>
      refusedReply(429, "rate limit reached", "rate_limit_exceeded", {
        "retry-after": retry_after,
      })(
        parts,
      ),
  },
  rate_limit_for_days: {
    description: "HTTP 429 with a Retry-After of 30 years",
    failure: "http_429",
    apply: refusedReply(429, "come back later", "rate_limit_exceeded", {
      "retry-after": "999999999",
    }),
  },
  rate_limit_nonsense: {
    description: "HTTP 429 with a Retry-After that is not a time",
    failure: "http_429",
    apply: refusedReply(429, "slow down", "rate_limit_exceeded", { "retry-after": "-1, soon" }),
  },
  unauthorized: {
    description: "HTTP 401",
    failure: "auth",
    apply: refusedReply(401, "invalid API key", "invalid_api_key"),
  },
  forbidden: {
    description: "HTTP 403",
    failure: "auth",
    apply: refusedReply(403, "no access to this model", "forbidden"),
  },
  too_large: {
    description: "HTTP 413",
    failure: "http_4xx",
    apply: refusedReply(413, "the prompt is too long", "context_length_exceeded"),
  },
  reject_stream_options: {
    description: "HTTP 400 to a request with stream_options",
    failure: "http_4xx",
    apply: (parts, { body_text }) =>
      body_text.includes('"stream_options"')
        ? refusedReply(400, "stream_options is not supported", "invalid_request_error")(parts)
        : parts,
  },
  redirect_loop: {
    description: "HTTP 307 to the same path",
    failure: "malformed",
    apply: redirect("/v1/chat/completions"),
  },
  redirect_elsewhere: {
    description: "HTTP 307 to another host, which must not see the key",
    failure: "malformed",
    apply: redirect("http://127.0.0.1:9/v1/chat/completions"),
  },
  no_content: {
    description: "HTTP 204",
    failure: "malformed",
    apply: instead("HTTP/1.1 204 No Content\r\n\r\n"),
  },
  not_json: {
    description: "HTTP 200 with a page of HTML",
    failure: "malformed",
    apply: page("<html><body>It works!</body></html>", "text/html"),
  },
  error_as_success: {
    description: "HTTP 200 with an error's body",
    failure: "http_5xx",
    apply: page(
      JSON.stringify(errorBody("the model crashed", "server_error", 500)),
      "application/json",
    ),
  },
  gzip: {
    description: "a compressed body, which was not asked for",
    failure: "malformed",
    apply: gzipped('{"choices":[{"message":{"content":"x"}}]}'),
  },
  gzip_bomb: {
    description: "a compressed body of 16 MB of zeros",
    failure: "malformed",
    apply: gzipped("0".repeat(16 << 20)),
  },
} satisfies Record<string, Fault>;
