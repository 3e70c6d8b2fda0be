/** Proxies, as the environment names them: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY. */
import process from "node:process";
import { InputError } from "../errors.ts";

/**
 * The proxy that a URL is reached through; null for none. Names count in upper and lower case, but
 * for HTTP_PROXY, which programs behind a web server may be sent by anyone (httpoxy): it is taken in
 * lower case, and in upper case unless REQUEST_METHOD is set.
 *
 * @throws {InputError} a proxy that is no http URL.
 */
export function proxyOf(url: URL): URL | null {
  if (!/^https?:$/.test(url.protocol) || isExcepted(url)) return null;
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const upper = name === "HTTP_PROXY" && process.env.REQUEST_METHOD ? undefined : process.env[name];
  const text = process.env[name.toLowerCase()] ?? upper ?? process.env.all_proxy ??
    process.env.ALL_PROXY;
  if (!text) return null;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : null;
  if (proxy?.protocol !== "http:") {
    throw new InputError(
      `${name}: only proxies of the form http://HOST:PORT are spoken to; unset it, or name ` +
        `${url.hostname} in NO_PROXY`,
    );
  }
  return proxy;
}

/** The value of a proxy-authorization header; null where the proxy's URL has no user. */
export function proxyAuthorization({ username, password }: URL): string | null {
  if (username === "") return null;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${btoa(pair)}`;
}

/** This machine itself is never reached through a proxy. */
function isExcepted({ hostname, port, protocol }: URL): boolean {
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return true;
  const list = process.env.no_proxy ?? process.env.NO_PROXY ?? "";
  const own = port || (protocol === "https:" ? "443" : "80");
  return list.split(",").map((entry) => entry.trim().toLowerCase()).some((entry) => {
    if (entry === "") return false;
    if (entry === "*") return true;
    const [, name, wanted] = /^(.*?)(?::(\d+))?$/.exec(entry)!;
    if (wanted !== undefined && wanted !== own) return false;
    const bare = name.replace(/^\*?\./, "");
    return hostname === bare || hostname.endsWith(`.${bare}`);
  });
}
