/**
 * Which devices make up the host's total, so that each byte counts once: what goes through a
 * bridge, a bond, a VLAN, a tunnel, a mapped disk or an array also goes through the devices below
 * it. native/sample/once.c has the same rules in C; one test checks both against one table.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The kinds of interfaces, better ones higher: only the best kind that is present counts. never:
 * loopback, or on top of other interfaces. tunnel: its packets leave again through another
 * interface, if there is one. virtual: with nothing below it, such as a container's own end.
 */
const INTERFACE_RANK = { never: 0, tunnel: 1, virtual: 2, hardware: 3 } as const;

export type InterfaceRank = typeof INTERFACE_RANK[keyof typeof INTERFACE_RANK];

/** ARPHRD_… in /sys/class/net/NAME/type. */
const ETHERNET = 1, INFINIBAND = 32, LOOPBACK = 772;

/** Used if /sys has no entry. */
const ABOVE = /^(br|docker|virbr|bond|team|vlan|cali|macvlan|ipvlan|cni)|[.@]/;
const TUNNELS = /^(tun|tap|wg|ppp|sit|gre|vxlan|flannel|tailscale|veth)/;
/** They only discard or mirror packets. */
const MADE_UP = /^(ifb|dummy)/;

/** The rank of an interface on a host whose files are below `root`. */
export function interfaceRank(root: string, name: string): InterfaceRank {
  const folder = join(root, "sys/class/net", name);
  const type = Number.parseInt(textOf(join(folder, "type")) || "1");
  if (name === "lo" || type === LOOPBACK || MADE_UP.test(name)) return INTERFACE_RANK.never;
  if (!existsSync(folder)) {
    if (ABOVE.test(name)) return INTERFACE_RANK.never;
    return TUNNELS.test(name) ? INTERFACE_RANK.tunnel : INTERFACE_RANK.virtual;
  }
  const isHardware = (other: string) => existsSync(join(root, "sys/class/net", other, "device"));
  const entries = readdirSync(folder);
  const above = entries.filter((entry) => entry.startsWith("upper_"));
  if (isHardware(name)) {
    // a card's function given to a virtual machine counts as the card it stands in for
    const standsIn = above.some((entry) => isHardware(entry.slice("upper_".length)));
    return standsIn ? INTERFACE_RANK.never : INTERFACE_RANK.hardware;
  }
  const onTop = entries.some((entry) =>
    entry.startsWith("lower_") || entry === "bridge" || entry === "bonding"
  );
  if (onTop) return INTERFACE_RANK.never;
  if (name.startsWith("veth")) { // a container's port on a bridge, or a namespace's only way out
    return above.length > 0 ? INTERFACE_RANK.never : INTERFACE_RANK.tunnel;
  }
  const tunnel = entries.includes("tun_flags") || ![ETHERNET, INFINIBAND].includes(type) ||
    /^DEVTYPE=(wireguard|vxlan|geneve|gre|ppp)/m.test(textOf(join(folder, "uevent")));
  return tunnel ? INTERFACE_RANK.tunnel : INTERFACE_RANK.virtual;
}

/**
 * Whether a disk gets its own series: not a partition, and not a file or memory that looks like a
 * disk.
 */
export function diskIsShown(root: string, name: string): boolean {
  // one of several paths to an NVMe disk is also listed under the disk's own name
  if (/^(loop|ram|zram)/.test(name) || /^nvme\d+c\d+n\d+/.test(name)) return false;
  return existsSync(join(root, "sys/block", blockName(name)));
}

/** Whether it is a whole disk with nothing below it. */
export function diskCounts(root: string, name: string): boolean {
  if (!diskIsShown(root, name) || /^(dm-|md|bcache|drbd)/.test(name)) return false;
  const slaves = join(root, "sys/block", blockName(name), "slaves");
  return !existsSync(slaves) || readdirSync(slaves).length === 0;
}

/** In /sys/block a slash in a name is written as an exclamation mark. */
function blockName(name: string): string {
  return name.replaceAll("/", "!");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
