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
const ETHERNET = 1, INFINIBAND = 32;
/** Loopback, and monitors, which hold copies: of Wi-Fi (802.11, Prism, radiotap), netlink and vsock. */
const NOT_COUNTED: readonly number[] = [772, 801, 802, 803, 824, 826];

/** Used if /sys has no entry. */
const ABOVE = /^(br|docker|virbr|bond|team|vlan|macvlan|ipvlan|cni)|[.@]/;
/** The host's ends of containers' pairs: Docker's and most others', Calico's, Cilium's. */
const PAIRS = /^(veth|cali|lxc|cilium)/;
const TUNNELS = /^(tun|tap|wg|ppp|sit|gre|vxlan|flannel|tailscale|l2tp)/;
/** They only discard or mirror packets. */
const MADE_UP = /^(ifb|dummy)/;

/** The rank of an interface on a host whose files are below `root`. */
export function interfaceRank(root: string, name: string): InterfaceRank {
  const folder = join(root, "sys/class/net", name);
  const type = Number.parseInt(textOf(join(folder, "type")) || "1");
  if (name === "lo" || NOT_COUNTED.includes(type) || MADE_UP.test(name)) {
    return INTERFACE_RANK.never;
  }
  const named = TUNNELS.test(name);
  if (!existsSync(folder)) {
    if (ABOVE.test(name)) return INTERFACE_RANK.never;
    return named || PAIRS.test(name) ? INTERFACE_RANK.tunnel : INTERFACE_RANK.virtual;
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
  if (PAIRS.test(name)) { // a container's port on a bridge, or a namespace's only way out
    return above.length > 0 ? INTERFACE_RANK.never : INTERFACE_RANK.tunnel;
  }
  const tunnel = named || entries.includes("tun_flags") || ![ETHERNET, INFINIBAND].includes(type) ||
    /^DEVTYPE=(wireguard|vxlan|geneve|gre|ppp)/m.test(textOf(join(folder, "uevent")));
  return tunnel ? INTERFACE_RANK.tunnel : INTERFACE_RANK.virtual;
}

/**
 * Whether a disk gets its own series: not a partition, and not a file or memory that looks like a
 * disk. An NVMe disk with several paths is its paths, such as nvme0c1n1: under the disk's own name
 * Linux counts nothing before 6.1, and the same bytes again since.
 */
export function diskIsShown(root: string, name: string): boolean {
  if (/^(loop|ram|zram)/.test(name)) return false;
  return existsSync(join(root, "sys/block", blockName(name))) && !hasPaths(root, name);
}

/** Whether a name is that of an NVMe disk whose paths are listed too. */
function hasPaths(root: string, name: string): boolean {
  const [, disk, space] = /^nvme(\d+)n(\d+)$/.exec(name) ?? [];
  if (disk === undefined) return false;
  const path = new RegExp(`^nvme${disk}c\\d+n${space}$`);
  return readdirSync(join(root, "sys/block")).some((other) => path.test(other));
}

/** Whether it is a whole disk with nothing below it. */
export function diskCounts(root: string, name: string): boolean {
  if (!diskIsShown(root, name) || /^(dm-|md|bcache|drbd|zd)/.test(name)) return false;
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
