/**
 * Restricts callbacks to public addresses, so that nobody can make this host send requests to its
 * own network.
 */
import { isIP } from "node:net";
import { addressesOf, hostOf } from "../endpoint/place.ts";
import { isPublic } from "../endpoint/ssrf_guard.ts";

/** A callback that must not be sent. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

/**
 * Returns the URL of a callback, if it may be sent there. The addresses of its host are checked
 * later.
 *
 * @throws {RefusedAddressError} not an http or https URL, or one with a user name or a private
 * address.
 */
export function callbackUrl(text: string, allowPrivate: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new RefusedAddressError("expected an http or https URL");
  }
  if (url.username || url.password) {
    throw new RefusedAddressError("a URL with a user's name or password would be stored as it is");
  }
  const host = hostOf(url);
  if (!allowPrivate && (isIP(host) ? !isPublic(host) : /(^|\.)localhost\.?$/.test(host))) {
    throw new RefusedAddressError(`${host} is ${NOT_PUBLIC}`);
  }
  return url;
}

/**
 * Returns the address to connect to. The name is resolved now and all its addresses are checked, so
 * that it cannot lead to another address afterwards.
 *
 * @throws {RefusedAddressError} an address is not public.
 * @throws the system's error when the name is unknown.
 */
export async function checkedAddress(url: URL, allowPrivate: boolean): Promise<string> {
  const host = hostOf(url);
  const addresses = await addressesOf(url);
  const refused = addresses.find((address) => !isPublic(address));
  if (refused !== undefined && !allowPrivate) {
    throw new RefusedAddressError(`${host} is ${refused}, ${NOT_PUBLIC}`);
  }
  return addresses[0];
}

const NOT_PUBLIC = "a private, loopback or link-local address; --allow-private-callbacks allows it";
