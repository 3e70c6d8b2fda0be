/** Proxies from the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY. */
import { Buffer } from "node:buffer";
import { BlockList, isIP, isIPv6 } from "node:net";
import process from "node:process";
import { InputError } from "../errors.ts";

/**
 * The proxy for a URL; null for none. Names count in upper and lower case. The exception is HTTP_PROXY,
 * which any client of a web server can set for the programs that it starts (httpoxy): it counts in lower
 * case, and in upper case unless REQUEST_METHOD is set.
 *
 * @throws {InputError} a proxy that is not an http URL.
 */
export function proxyOf(url: URL): URL | null {
  if (!/^https?:$/.test(url.protocol) || isExcepted(url)) return null;
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const upper = name === "HTTP_PROXY" && process.env.REQUEST_METHOD ? undefined : process.env[name];
  // an empty value means none, as in curl
  const text = process.env[name.toLowerCase()] || upper || process.env.all_proxy ||
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

/** The value of a proxy-authorization header, in UTF-8; null when the proxy's URL has no user. */
export function proxyAuthorization({ username, password }: URL): string | null {
  if (username === "" && password === "") return null;
  const pair = `${unescaped(username)}:${unescaped(password)}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

/** The text without percent escapes; unchanged when they are invalid. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Whether a URL is reached without a proxy: this machine itself, and what NO_PROXY lists. As in curl, the
 * list has names (with all names below them), addresses and networks (10.0.0.0/8), separated by commas or
 * spaces. In addition, as in Go's programs: `name:port`, `*.name`, and `*` among others.
 */
function isExcepted({ hostname, port, protocol }: URL): boolean {
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return true;
  const list = process.env.no_proxy || process.env.NO_PROXY || "";
  const own = port || (protocol === "https:" ? "443" : "80");
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return list.toLowerCase().split(/[,\s]+/).some((entry) => {
    if (entry === "*") return true;
    if (isIP(host) && entry.includes("/")) return isWithin(host, entry);
    const [, named, wanted] = (isIPv6(entry) ? /^(.*)$/ : /^(.*?)(?::(\d+))?$/).exec(entry)!;
    if (isIPv6(host)) {
      const address = named.replace(/^\[|\]$/g, "");
      return isIPv6(address) && (wanted ?? own) === own && inNetwork(host, address, 128);
    }
    const name = named.replace(/^\*?\./, "").replace(/\.$/, "");
    if (name === "" || wanted !== undefined && wanted !== own) return false;
    return host === name || !isIP(host) && host.endsWith(`.${name}`);
  });
}

/** Whether an address is in a network such as `10.0.0.0/8`; false when that is not a network. */
function isWithin(address: string, network: string): boolean {
  const [, start, bits] = /^\[?([^\]/]+)\]?\/(\d{1,3})$/.exec(network) ?? [];
  if (start === undefined || isIP(start) !== isIP(address)) return false;
  return Number(bits) <= (isIPv6(start) ? 128 : 32) && inNetwork(address, start, Number(bits));
}

function inNetwork(address: string, start: string, bits: number): boolean {
  const networks = new BlockList();
  const family = isIPv6(start) ? "ipv6" : "ipv4";
  networks.addSubnet(start, bits, family);
  return networks.check(address, family);
}
