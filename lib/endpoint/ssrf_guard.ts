/**
 * Decides which addresses a request may go to, when the endpoint is chosen by others than this host's
 * users.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import process from "node:process";
import { InputError } from "../errors.ts";
import { addressesOf, hostOf } from "./place.ts";

/** Addresses that do not belong to public hosts, from the IANA special-purpose registries. */
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

/** The parts of the global unicast range (2000::/3) that are not public hosts. */
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

/** Whether an IP address belongs to a public host. IPv6 addresses outside of 2000::/3 do not. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  return isIP(address) === 6 && unicast.check(address, "ipv6") && !special.check(address, "ipv6");
}

const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");

/**
 * The IPv4 address inside a mapped IPv6 address (`::ffff:127.0.0.1`, in either spelling), else the
 * address itself.
 */
function unmapped(address: string): string {
  if (isIP(address) !== 6) return address;
  const text = new URL(`http://[${address.split("%", 1)[0]}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) ?? [];
  if (high === undefined) return text;
  const bits = (parseInt(high, 16) << 16 | parseInt(low, 16)) >>> 0;
  return [24, 16, 8, 0].map((shift) => bits >>> shift & 255).join(".");
}

/** The variable in which a server lists what its tasks may ask: hosts and networks, separated by commas. */
export const ENDPOINTS_ENV = "DYNO_TASK_ENDPOINTS";

/**
 * Allows public hosts, and those private and loopback hosts that a list names; never allows link-local
 * addresses.
 */
export class EndpointGuard {
  /** The list that it was made from. */
  readonly list: readonly string[];
  readonly #networks = new BlockList();
  readonly #hosts = new Set<string>();

  /** @param list host names, addresses, networks such as 10.0.0.0/8. @throws {InputError} anything else. */
  constructor(list: readonly string[]) {
    this.list = list;
    for (const text of list) {
      const [, address, bits] = /^\[?([^\]/]+)\]?(?:\/(\d{1,3}))?$/.exec(text) ?? [];
      const family = isIP(address ?? "");
      if (family !== 0) {
        const most = family === 4 ? 32 : 128;
        const length = bits === undefined ? most : Number(bits);
        if (length > most) throw notAllowed(text);
        this.#networks.addSubnet(address, length, family === 4 ? "ipv4" : "ipv6");
      } else if (/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(text)) {
        this.#hosts.add(text.toLowerCase());
      } else throw notAllowed(text);
    }
  }

  /** Why a host with these addresses may not be asked; null when it may. */
  refusal(host: string, addresses: readonly string[]): string | null {
    const named = this.#hosts.has(host.toLowerCase());
    for (const each of addresses) {
      const address = unmapped(each);
      const family = isIPv4(address) ? "ipv4" : "ipv6";
      if (linkLocal.check(address, family)) return `${host} is ${each}, a link-local address`;
      if (named || isPublic(address) || this.#networks.check(address, family)) continue;
      return `${host} is ${each}, a private or loopback address; the server's --allow-endpoints ` +
        `${host} would let tasks ask it`;
    }
    return null;
  }

  /** The addresses of a URL's host, if all of them are allowed. @throws {Error} with the reason why not. */
  async addresses(url: URL): Promise<string[]> {
    if (url.protocol === "http+unix:") {
      throw new Error("a socket of this host is not an endpoint for tasks");
    }
    const found = await addressesOf(url);
    const refusal = this.refusal(hostOf(url), found);
    if (refusal !== null) throw new Error(refusal);
    return found;
  }
}

function notAllowed(text: string): InputError {
  return new InputError(
    `--allow-endpoints "${text}": expected a host, an address or a network such as 10.0.0.0/8`,
  );
}

/** The guard that a server set for this process, if it runs a server's task; else null. */
export function inheritedGuard(): EndpointGuard | null {
  const list = process.env[ENDPOINTS_ENV];
  return list === undefined
    ? null
    : new EndpointGuard(list.split(",").filter((part) => part !== ""));
}
