/** A filter of system calls, in the kernel's BPF bytecode, for bubblewrap's --seccomp. */
import process from "node:process";

/**
 * System calls that no solution needs and that could bypass the limits: new namespaces and mounts, memory
 * that is charged to no process (anonymous files, System V segments and queues), other processes' memory,
 * and large parts of the kernel such as bpf. Numbers from the kernel's tables (asm/unistd.h).
 */
const DENIED = {
  x64: [
    ...[165, 166, 155, 272, 308], // mount, umount2, pivot_root, unshare, setns
    ...[101, 310, 311], // ptrace, process_vm_readv, process_vm_writev
    ...[29, 68, 64, 319], // shmget, msgget, semget, memfd_create
    ...[248, 249, 250, 321, 298, 323], // add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd
  ],
  arm64: [
    ...[40, 39, 41, 97, 268],
    ...[117, 270, 271],
    ...[194, 186, 190, 279],
    ...[217, 218, 219, 280, 241, 282],
  ],
};

/**
 * io_uring (3), the mount calls of 5.2 (6), mount_setattr and memfd_secret: the same on all
 * architectures.
 */
const DENIED_EVERYWHERE = [425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 447];

const ARCHITECTURE = { x64: 0xc000003e, arm64: 0xc00000b7 };
const CLONE = { x64: 56, arm64: 220 };
const CLONE3 = 435;
const SOCKET = { x64: 41, arm64: 198 };
/**
 * AF_UNIX, AF_INET and AF_INET6; other families can bypass the network namespace (vsock) or reach into
 * the kernel.
 */
const FAMILIES = [1, 2, 10];
const X32 = 0x4000_0000;
/** The CLONE_NEW* flags, without the one for time, which shares its bit with the signal's number. */
const NAMESPACES = 0x7e02_0000;

const LOAD = 0x20, EQUAL = 0x15, AT_LEAST = 0x35, ANY_BIT = 0x45, RETURN = 0x06;
const ALLOW = 0x7fff_0000, ERROR = 0x0005_0000, EPERM = 1, ENOSYS = 38;
const NUMBER = 0, ARCH = 4, FIRST_ARGUMENT = 16; // offsets in struct seccomp_data

/** The filter for this machine's processor; null for a processor whose numbers are not known here. */
export function seccompFilter(processor: string = process.arch): Uint8Array | null {
  if (processor !== "x64" && processor !== "arm64") return null;
  const denied = [...DENIED[processor], ...DENIED_EVERYWHERE];
  // the program's end: allow, refuse, does not exist
  const body: [code: number, value: number, yes?: Target, no?: Target][] = [
    [LOAD, ARCH],
    [EQUAL, ARCHITECTURE[processor], "next", "refuse"],
    [LOAD, NUMBER],
    [AT_LEAST, X32, "refuse", "next"],
    ...denied.map((call) => [EQUAL, call, "refuse", "next"] as [number, number, Target, Target]),
    // its flags are in memory, which a filter cannot read; the C library then uses clone
    [EQUAL, CLONE3, "absent", "next"],
    [EQUAL, SOCKET[processor], "next", FAMILIES.length + 2],
    [LOAD, FIRST_ARGUMENT],
    ...FAMILIES.map((family) =>
      [EQUAL, family, "allow", "next"] as [number, number, Target, Target]
    ),
    [RETURN, ERROR | EPERM],
    [EQUAL, CLONE[processor], "next", "allow"],
    [LOAD, FIRST_ARGUMENT],
    [ANY_BIT, NAMESPACES, "refuse", "allow"],
  ];
  const ends: Target[] = ["allow", "refuse", "absent"];
  const bytes = new DataView(new ArrayBuffer(8 * (body.length + ends.length)));
  const put = (at: number, code: number, yes: number, no: number, value: number) => {
    bytes.setUint16(8 * at, code, true);
    bytes.setUint8(8 * at + 2, yes);
    bytes.setUint8(8 * at + 3, no);
    bytes.setUint32(8 * at + 4, value, true);
  };
  body.forEach(([code, value, yes = "next", no = "next"], at) => {
    const jump = (to: Target) =>
      typeof to === "number" ? to : to === "next" ? 0 : body.length + ends.indexOf(to) - at - 1;
    put(at, code, jump(yes), jump(no), value);
  });
  const values = [ALLOW, ERROR | EPERM, ERROR | ENOSYS];
  values.forEach((value, index) => put(body.length + index, RETURN, 0, 0, value));
  return new Uint8Array(bytes.buffer);
}

/** Where to continue; a number of instructions to skip. */
type Target = "next" | "allow" | "refuse" | "absent" | number;
