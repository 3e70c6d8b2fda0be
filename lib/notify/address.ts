/** Which addresses a callback may go to: public ones, so that nobody makes this host ask its neighbours. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4 } from "node:net";

/** Addresses that are no public host's, by the IANA special-purpose registries. */
const SPECIAL: [address: string, bits: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3], // multicast, reserved, broadcast
];

/** Of what is global unicast (2000::/3), the parts that lead elsewhere. */
const SPECIAL_V6: [address: string, bits: number][] = [
  ["2001::", 23], // protocol assignments, Teredo, ORCHID
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4 carries an IPv4 address
  ["3fff::", 20],
];

const special = new BlockList();
for (const [address, bits] of SPECIAL) special.addSubnet(address, bits, "ipv4");
for (const [address, bits] of SPECIAL_V6) special.addSubnet(address, bits, "ipv6");
const unicast = new BlockList();
unicast.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address is a public host's. An IPv6 address outside of 2000::/3 is none. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  return isIP(address) === 6 && unicast.check(address, "ipv6") && !special.check(address, "ipv6");
}

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
  const addresses = isIP(host)
    ? [host]
    : (await lookup(host, { all: true })).map(({ address }) => address);
  const refused = addresses.find((address) => !isPublic(address));
  if (refused !== undefined && !allowPrivate) {
    throw new RefusedAddressError(`${host} is ${refused}, ${NOT_PUBLIC}`);
  }
  return addresses[0];
}

const NOT_PUBLIC = "a private, loopback or link-local address; --allow-private-callbacks allows it";

/** The host of a URL, an IPv6 address without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}
