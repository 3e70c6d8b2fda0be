/**
 * Hosts as /proc and /sys tell them, read by the native and by the portable sampler: one set of rules.
 * The right values are those of the wire, the disk and the cores: each byte and each second once.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { performanceOver } from "../../lib/hardware/performance.ts";
import { PortableSampler } from "../../lib/hardware/portable_sampler.ts";
import { Series } from "../../lib/hardware/series.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import { NativeSampler } from "../../lib/native/sampler.ts";
import { until } from "../until.ts";
import type { SampleBatch, SamplerLayout } from "../../lib/native/sample_batch.ts";

const MB = 1e6;
type Files = Record<string, string>;

/** /proc/net/dev: megabytes received and sent, by interface. */
function network(interfaces: Record<string, [number, number]>): Files {
  const lines = Object.entries(interfaces).map(([name, [received, sent]]) =>
    `  ${name}: ${received * MB} 1 0 0 0 0 0 0 ${sent * MB} 1 0 0 0 0 0 0\n`
  );
  return { "proc/net/dev": `Inter-|   Receive\n face |bytes\n${lines.join("")}` };
}

/** An interface in /sys/class/net: its type (ARPHRD_…) and what else is in its folder. */
function inSys(name: string, ...entries: string[]): Files {
  const type = entries.find((entry) => entry.startsWith("type=")) ?? "type=1";
  return Object.fromEntries([
    [`sys/class/net/${name}/type`, `${type.slice("type=".length)}\n`],
    ...entries.filter((entry) => !entry.startsWith("type=")).map((entry) => {
      const [path, text = ""] = entry.split("=");
      return [`sys/class/net/${name}/${path}`, text.replace(":", "=") + "\n"];
    }),
  ]);
}

/** /proc/diskstats with `sectors` read of each; whole disks and what lies below are in /sys/block. */
function disks(sectors: Record<string, number>, slaves: Record<string, string[]>): Files {
  const lines = Object.entries(sectors).map(([name, read], i) =>
    `   8  ${i} ${name} 1 0 ${read} 0 1 0 ${2 * read} 0 0 0 0\n`
  );
  return {
    "proc/diskstats": lines.join(""),
    ...Object.fromEntries(
      Object.entries(slaves).flatMap(([name, below]) => [
        [`sys/block/${name}/dev`, ""],
        ...below.map((each) => [`sys/block/${name}/slaves/${each}/dev`, ""]),
      ]),
    ),
  };
}

interface Host {
  files: Files;
  values: Record<string, number | null>;
}

const HOSTS: Record<string, Host> = {
  "a bridge over a card": {
    files: {
      ...network({ lo: [3, 3], eth0: [4, 10], br0: [4, 10] }),
      ...inSys("eth0", "device/vendor", "upper_br0"),
      ...inSys("br0", "bridge/bridge_id", "lower_eth0"),
    },
    values: {
      "network.sent_bytes": 10 * MB,
      "network.received_bytes": 4 * MB,
      "network.br0.sent_bytes": 10 * MB,
      "network.eth0.sent_bytes": 10 * MB,
    },
  },
  "a bond over two cards": {
    files: {
      ...network({ eth0: [1, 6], eth1: [2, 4], bond0: [3, 10] }),
      ...inSys("eth0", "device/vendor", "upper_bond0"),
      ...inSys("eth1", "device/vendor", "upper_bond0"),
      ...inSys("bond0", "bonding/mode", "lower_eth0", "lower_eth1"),
    },
    values: { "network.sent_bytes": 10 * MB, "network.received_bytes": 3 * MB },
  },
  "a VLAN and a macvlan over a card": {
    files: {
      ...network({ eth0: [1, 10], "eth0.100": [1, 4], macvlan0: [0, 2] }),
      ...inSys("eth0", "device/vendor", "upper_eth0.100", "upper_macvlan0"),
      ...inSys("eth0.100", "lower_eth0"),
      ...inSys("macvlan0", "lower_eth0"),
    },
    values: { "network.sent_bytes": 10 * MB, "network.eth0.100.sent_bytes": 4 * MB },
  },
  "containers on a bridge, WireGuard and a tunnel, all through one card": {
    files: {
      ...network({
        ...{ lo: [1, 1], enp3s0: [5, 10], docker0: [2, 3], veth1a: [3, 2] },
        ...{ wg0: [1, 4], tun0: [1, 1] },
      }),
      ...inSys("enp3s0", "device/vendor"),
      ...inSys("docker0", "bridge/bridge_id", "lower_veth1a"),
      ...inSys("veth1a", "upper_docker0"),
      ...inSys("wg0", "type=65534", "uevent=DEVTYPE:wireguard"),
      ...inSys("tun0", "type=65534", "tun_flags"),
    },
    values: {
      "network.sent_bytes": 10 * MB,
      "network.received_bytes": 5 * MB,
      "network.wg0.sent_bytes": 4 * MB,
      "network.veth1a.received_bytes": 3 * MB,
    },
  },
  "a container: its own end is all it has; a VPN goes through it": {
    files: {
      ...network({ lo: [1, 1], eth0: [5, 10], tun0: [4, 9] }),
      ...inSys("lo", "type=772"),
      ...inSys("eth0"),
      ...inSys("tun0", "type=65534", "tun_flags"),
    },
    values: { "network.sent_bytes": 10 * MB, "network.received_bytes": 5 * MB },
  },
  // DEVTYPE and ARPHRD_… as in Linux's l2tp_eth.c, ip_gre.c, ipip.c and vxlan; names as in their CNIs' manuals
  "a node of Kubernetes that is a container: ends of Calico's and Cilium's pairs, tunnels": {
    files: {
      ...network({
        ...{ eth0: [5, 10], cali12: [3, 2], lxc12ab: [3, 2], cilium_host: [1, 1] },
        ...{ cilium_vxlan: [1, 2], tunl0: [1, 1], l2tpeth0: [3, 2], gretap1: [1, 1] },
      }),
      ...inSys("eth0"),
      ...["cali12", "lxc12ab", "cilium_host", "gretap1"].reduce(
        (files, name) => ({ ...files, ...inSys(name) }),
        {},
      ),
      ...inSys("cilium_vxlan", "uevent=DEVTYPE:vxlan"),
      ...inSys("l2tpeth0", "uevent=DEVTYPE:l2tpeth"),
      ...inSys("tunl0", "type=768"),
    },
    values: { "network.sent_bytes": 10 * MB, "network.received_bytes": 5 * MB },
  },
  "a card's monitor (ARPHRD_IEEE80211_RADIOTAP) and netlink's hold copies": {
    files: {
      ...network({ wlan0: [1, 10], mon0: [20, 0], nlmon0: [9, 9] }),
      ...inSys("wlan0", "device/vendor"),
      ...inSys("mon0", "device/vendor", "type=803"),
      ...inSys("nlmon0", "type=824"),
    },
    values: { "network.received_bytes": MB, "network.mon0.received_bytes": 20 * MB },
  },
  "a namespace whose only way out is a tunnel": {
    files: {
      ...network({ lo: [1, 1], tap0: [5, 10] }),
      ...inSys("tap0", "type=1", "tun_flags"),
    },
    values: { "network.sent_bytes": 10 * MB },
  },
  "no card in /sys: a pair's loose end counts only where there is nothing else": {
    files: {
      ...network({ eth0: [5, 10], veth9: [1, 2] }),
      ...inSys("eth0"),
      ...inSys("veth9"),
    },
    values: { "network.sent_bytes": 10 * MB },
  },
  "a namespace with one end of a pair": {
    files: { ...network({ lo: [1, 1], veth9: [1, 2] }), ...inSys("veth9") },
    values: { "network.sent_bytes": 2 * MB },
  },
  "a virtual function counts on the card that it stands in for": {
    files: {
      ...network({ eth0: [5, 10], enP1s1: [4, 9] }),
      ...inSys("eth0", "device/vendor", "lower_enP1s1"),
      ...inSys("enP1s1", "device/vendor", "upper_eth0"),
    },
    values: { "network.sent_bytes": 10 * MB },
  },
  "no network but loopback: unknown, not 0": {
    files: network({ lo: [1, 1] }),
    values: { "network.sent_bytes": null, "network.lo.sent_bytes": MB },
  },
  "partitions, device mapper, RAID, loop and NVMe paths over two disks": {
    files: disks(
      {
        ...{ nvme0n1: 1000, nvme0n1p1: 400, nvme0c0n1: 1000, sda: 2000, sda1: 2000 },
        ...{ "dm-0": 1500, md127: 900, loop3: 100, zram0: 50 },
      },
      {
        ...{ nvme0n1: [], nvme0c0n1: [], sda: [], "dm-0": ["md127"] },
        ...{ md127: ["sda1", "nvme0n1p1"], loop3: [], zram0: [] },
      },
    ),
    values: {
      "disk.read_bytes": 3000 * 512,
      "disk.written_bytes": 6000 * 512,
      "disk.dm-0.read_bytes": 1500 * 512,
      "disk.md127.read_bytes": 900 * 512,
    },
  },
  // /proc/diskstats as in github.com/Atoptool/atop/pull/157, with a second path and a disk of one path
  "NVMe paths of a kernel that counts nothing under the disk's own name": {
    files: disks(
      { nvme0c0n1: 700, nvme0c1n1: 300, nvme0n1: 0, nvme1n1: 50, nvme10n1: 5 },
      { nvme0c0n1: [], nvme0c1n1: [], nvme0n1: [], nvme1n1: [], nvme10n1: [] },
    ),
    values: { "disk.read_bytes": 1055 * 512, "disk.nvme0c1n1.read_bytes": 300 * 512 },
  },
  "volumes of ZFS, which have no slaves in /sys": {
    files: disks({ sda: 1000, sdb: 1000, zd0: 1500, zd16: 300 }, {
      ...{ sda: [], sdb: [], zd0: [], zd16: [] },
    }),
    values: { "disk.read_bytes": 2000 * 512, "disk.zd0.read_bytes": 1500 * 512 },
  },
  "a core that is offline, and time that the hypervisor stole": {
    files: {
      "proc/stat":
        "cpu  300 0 100 500 50 10 20 400 9 0\ncpu0 300 0 100 500 50 10 20 400 9 0\nintr 1\n",
      "sys/devices/system/cpu/present": "0-1\n",
    },
    values: {
      "cpu.busy_s": 4.3,
      "cpu.idle_s": 5,
      "cpu.iowait_s": 0.5,
      "cpu.steal_s": 4,
      "cpu0.busy_s": 4.3,
      "cpu0.idle_s": 5.5,
      "cpu1.busy_s": null,
    },
  },
  "two hundred cores": {
    files: {
      "proc/stat": `cpu  ${200 * 10} 0 0 ${200 * 90} 0 0 0 0 0 0\n` +
        Array.from({ length: 200 }, (_, i) => `cpu${i} ${i} 0 0 90 0 0 0 0 0 0\n`).join(""),
    },
    values: { "cpu.busy_s": 20, "cpu70.busy_s": 0.7, "cpu199.busy_s": 1.99, "cpu199.idle_s": 0.9 },
  },
  "sensors and cores whose numbers have gaps, and twelve chips of one name": {
    files: Object.fromEntries([
      ...Array.from({ length: 12 }, (_, i) => [`sys/class/hwmon/hwmon${i}/name`, "nvme\n"]),
      ...Array.from({ length: 12 }, (_, i) => [
        `sys/class/hwmon/hwmon${i}/temp1_input`,
        `${30 + i}000\n`,
      ]),
      ["sys/class/hwmon/hwmon3/temp40_input", "71000\n"],
      ["sys/class/hwmon/hwmon3/temp40_label", "Core 38\n"],
      ...[0, 1, 64, 190].map((core) => [
        `sys/devices/system/cpu/cpu${core}/cpufreq/scaling_cur_freq`,
        `${1000 + core}000\n`,
      ]),
    ]),
    values: {
      "temperature.nvme.temp1_celsius": 30,
      "temperature.nvme.temp1_celsius.3": 32,
      "temperature.nvme.temp1_celsius.12": 41,
      "temperature.nvme.Core_38_celsius": 71,
      "cpu190.frequency_mhz": 1190,
    },
  },
  "a container of version 2, limited above its own group": {
    files: {
      "proc/self/cgroup": "0::/pod/main\n",
      "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
      "sys/fs/cgroup/pod/main/memory.max": "max\n",
      "sys/fs/cgroup/pod/main/memory.current": "100\n",
      "sys/fs/cgroup/pod/main/cpu.max": "max 100000\n",
      "sys/fs/cgroup/pod/main/cpu.stat": "usage_usec 2500000\nthrottled_usec 500000\n",
      "sys/fs/cgroup/pod/memory.max": "4000\n",
      "sys/fs/cgroup/pod/memory.current": "3000\n",
      "sys/fs/cgroup/pod/memory.stat": "anon 10\ninactive_file 1000\n",
      "sys/fs/cgroup/pod/cpu.max": "250000 100000\n",
    },
    values: {
      "cgroup.memory_limit_bytes": 4000,
      "cgroup.memory_bytes": 3000,
      "cgroup.memory_inactive_file_bytes": 1000,
      "cgroup.cpu_limit_cores": 2.5,
      "cgroup.cpu_s": 2.5,
      "cgroup.throttled_s": 0.5,
    },
  },
  "a container of version 1, which sees its own group at the top": {
    files: {
      "proc/self/cgroup": "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "5000\n",
      "sys/fs/cgroup/memory/memory.usage_in_bytes": "2000\n",
      "sys/fs/cgroup/memory/memory.stat": "inactive_file 7\ntotal_inactive_file 500\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu/cpu.stat": "nr_throttled 3\nthrottled_time 250000000\n",
      "sys/fs/cgroup/cpuacct/cpuacct.usage": "7500000000\n",
    },
    values: {
      "cgroup.memory_limit_bytes": 5000,
      "cgroup.memory_bytes": 2000,
      "cgroup.memory_inactive_file_bytes": 500,
      "cgroup.cpu_limit_cores": 1.5,
      "cgroup.cpu_s": 7.5,
      "cgroup.throttled_s": 0.25,
    },
  },
  "version 1 without limits": {
    files: {
      "proc/self/cgroup": "5:memory:/\n4:cpu,cpuacct:/\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "sys/fs/cgroup/memory/memory.usage_in_bytes": "2000\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    },
    values: { "cgroup.memory_limit_bytes": Infinity, "cgroup.cpu_limit_cores": Infinity },
  },
};

class FixtureHost implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "dyno-once-"));

  set(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

const { library } = await nativeLibrary();
assert(library !== null, "a C compiler is needed");

interface Maker {
  layout: SamplerLayout;
  start(): void;
  drainAll(): Iterable<SampleBatch>;
  close(): void;
}

const METRICS = [
  ...["cpu", "cores", "memory", "disk", "network", "cgroup", "frequency", "temperature"],
];
const MAKERS: Record<string, (root: string) => Maker> = {
  native: (root) => new NativeSampler(library, { rateHz: 200, root, metrics: METRICS }),
  portable: (root) => new PortableSampler(50, root, METRICS),
};

/** All that a sampler has drained so far, until `enough` says so. */
async function sampled(maker: Maker, series: Series, enough: (series: Series) => boolean) {
  await until(() => {
    for (const batch of maker.drainAll()) series.append(batch, 0);
    return series.length > 0 && enough(series);
  });
}

for (const [name, { files, values }] of Object.entries(HOSTS)) {
  Deno.test(`${name}: both samplers say the same, and what is right`, async () => {
    using host = new FixtureHost();
    host.set(files);
    const told: Record<string, number | null>[] = [];
    for (const [kind, make] of Object.entries(MAKERS)) {
      const maker = make(host.root);
      const series = new Series(maker.layout, 100);
      maker.start();
      await sampled(maker, series, () => true);
      maker.close();
      for (const [field, value] of Object.entries(values)) {
        assert(series.index.has(field), `${kind}: no field ${field}`);
        const latest = series.latest(field);
        if (value === null || !Number.isFinite(value)) {
          assertEquals(latest, value, `${kind} ${field}`);
        } else assertAlmostEquals(latest!, value, 1e-9 * value, `${kind} ${field}`);
      }
      told.push(Object.fromEntries(
        [...series.index.keys()].map((field) => [field, series.latest(field)]),
      ));
    }
    const [native, portable] = told;
    assert(Object.keys(portable).length > 0);
    for (const [field, value] of Object.entries(portable)) {
      assert(Object.hasOwn(native, field), `${field} is the portable sampler's alone`);
      if (value === null) assertEquals(native[field], null, field);
      else assertAlmostEquals(native[field]!, value, 1e-9 * Math.abs(value), field);
    }
  });
}

for (const [kind, make] of Object.entries(MAKERS)) {
  Deno.test(`${kind}: interfaces that go, come and begin anew leave the host's figure right`, async () => {
    using host = new FixtureHost();
    const card = (name: string) => inSys(name, "device/vendor");
    host.set({ ...network({ eth0: [0, 10], eth1: [0, 20] }), ...card("eth0"), ...card("eth1") });
    const maker = make(host.root);
    const series = new Series(maker.layout, 1000);
    const total = (expected: number) =>
      sampled(maker, series, () => series.latest("network.sent_bytes") === expected * MB);
    maker.start();
    await total(30);
    host.set(network({ eth0: [0, 15] })); // eth1 is pulled
    await total(35);
    assertEquals(series.latest("network.eth1.sent_bytes"), null);
    host.set(card("usb0"));
    host.set(network({ eth0: [0, 2], usb0: [0, 4] })); // eth0's driver anew
    await total(41);
    maker.close();
  });

  Deno.test(`${kind}: a core that goes offline is unknown, one that comes is there`, async () => {
    using host = new FixtureHost();
    const stat = (...cores: number[]) => ({
      "proc/stat": "cpu  100 0 0 100 0 0 0 0 0 0\n" +
        cores.map((core) => `cpu${core} 50 0 0 50 0 0 0 0 0 0\n`).join("") + "intr 1\n",
    });
    host.set({ ...stat(0, 1), "sys/devices/system/cpu/present": "0-2\n" });
    const maker = make(host.root);
    const series = new Series(maker.layout, 1000);
    maker.start();
    await sampled(maker, series, () => series.latest("cpu1.busy_s") === 0.5);
    assertEquals(series.latest("cpu2.busy_s"), null);
    host.set(stat(0, 2));
    await sampled(maker, series, () => series.latest("cpu2.busy_s") === 0.5);
    assertEquals([series.latest("cpu1.busy_s"), series.latest("cpu0.busy_s")], [null, 0.5]);
    maker.close();
  });

  Deno.test(`${kind}: memory in use is that of the container where it may have less than the host`, async () => {
    using host = new FixtureHost();
    const kib = 1024 ** 2;
    host.set({
      "proc/meminfo": `MemTotal: ${64 * kib} kB\nMemAvailable: ${60 * kib} kB\n`,
      "proc/self/cgroup": "0::/\n",
      "sys/fs/cgroup/cgroup.controllers": "memory\n",
      "sys/fs/cgroup/memory.max": `${8 * 2 ** 30}\n`,
      "sys/fs/cgroup/memory.current": `${7 * 2 ** 30}\n`,
      "sys/fs/cgroup/memory.stat": `inactive_file ${2 ** 30}\n`,
    });
    const maker = make(host.root);
    const series = new Series(maker.layout, 1000);
    maker.start();
    await sampled(maker, series, () => series.length > 2);
    maker.close();
    const { memory_used_gb, memory_usage_percent } = performanceOver(
      series,
      series.t_ns(0),
      series.t_ns(series.length - 1),
    );
    assertEquals([memory_used_gb, memory_usage_percent], [6, 75]);
  });
}
