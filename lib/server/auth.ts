/**
 * Authentication of clients. hono/bearer-auth does not fit: it accepts only tokens of
 * [A-Za-z0-9._~+/-], and answers 400 to other headers, with its own text rather than a problem.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { InputError } from "../errors.ts";
import { HttpProblem } from "./problem.ts";

const SHORTEST_TOKEN = 16;

/** Whether only programs on this host can reach an address. Names of hosts have no case. */
export function isLoopback(address: string): boolean {
  const host = address.toLowerCase();
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/**
 * The token that clients need; null if none is needed.
 *
 * @throws {InputError} other hosts can reach the address, and the token is missing or too short.
 */
export function tokenFor(host: string, token: string | undefined): string | null {
  if (token === undefined || token === "") {
    if (isLoopback(host)) return null;
    throw new InputError(
      `--host ${host}: other hosts reach this address, so a token is needed; export ` +
        "DYNO_SERVE_TOKEN, or listen on 127.0.0.1",
    );
  }
  if (token.length < SHORTEST_TOKEN) {
    throw new InputError(
      `DYNO_SERVE_TOKEN has ${token.length} characters; expected ${SHORTEST_TOKEN} or more`,
    );
  }
  return token;
}

/** Accepts only requests with the token. */
export function bearer(token: string) {
  const wanted = digest(token);
  return createMiddleware(async (c, next) => {
    const given = /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
    // digests have the same length, so comparing them takes the same time for any token
    if (given === undefined || !timingSafeEqual(digest(given), wanted)) {
      throw new HttpProblem(
        401,
        "unauthorized",
        "expected a valid token: Authorization: Bearer …",
        {
          headers: { "www-authenticate": 'Bearer realm="dyno"' },
        },
      );
    }
    await next();
  });
}

/**
 * Refuses requests that a page of another site sent through a user's browser: those with a foreign
 * Origin, and, if a loopback address has no token, those with a host name that is not a loopback
 * name (DNS rebinding).
 */
export function ownSiteOnly(loopbackOnly: boolean) {
  return createMiddleware(async (c, next) => {
    const host = (c.req.header("host") ?? "").toLowerCase();
    const origin = c.req.header("origin");
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
      throw new HttpProblem(403, "foreign_origin", `requests from pages of ${origin} are refused`);
    }
    if (loopbackOnly && !isLoopback(host.replace(/:\d+$/, ""))) {
      throw new HttpProblem(403, "foreign_host", `"${host}" is not a name of this server`);
    }
    await next();
  });
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
