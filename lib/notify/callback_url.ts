/** Which addresses a callback may go to: public ones, so that nobody makes this host ask its neighbours. */
import { isIP } from "node:net";
import { addressesOf, hostOf } from "../endpoint/place.ts";
import { isPublic } from "../endpoint/ssrf_guard.ts";

/** A callback that is not sent, whatever its receiver would say. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

/**
 * A URL that callbacks may be sent to, as far as it tells without asking for addresses.
 *
 * @throws {RefusedAddressError} no http or https URL, one with a user's name, a private address.
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
 * The address to connect to: looked up now, and each one that the name has is checked, so that the name
 * cannot lead elsewhere afterwards.
 *
 * @throws {RefusedAddressError} one of them is not public.
 * @throws the system's error when the name is not known.
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
