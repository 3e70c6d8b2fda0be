/** The host, origin and addresses of a URL. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** The host of a URL; an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Protocol, host and port; for a socket's URL, which `URL.origin` does not support, the socket. */
export function originOf({ protocol, host }: URL): string {
  return `${protocol}//${host}`;
}

/** The current addresses of a URL's host. @throws the system's error when the name is unknown. */
export async function addressesOf(url: URL): Promise<string[]> {
  const host = hostOf(url);
  if (isIP(host)) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== "ENOTFOUND") throw error;
    throw Object.assign(new Error(`there is no host "${host}"`), { code });
  }
}
