/** Confinement by bubblewrap: its arguments, and whether it works on this host. */
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import process from "node:process";
import { messageOf } from "../../errors.ts";
import { nativeProgram } from "../../native/program.ts";
import { programOutput } from "./program_output.ts";
import { seccompFilter } from "./seccomp.ts";

/** A way to start a program. */
export interface Confinement {
  name: "bubblewrap" | "pyodide" | "none";
  /** What a person reads of it in a run's metadata. */
  description: string;
  /** The command that runs `command`, and the user it is to become before anything untrusted. */
  wrap(command: string[]): { command: string[]; uid: number | null };
  /** The command is that of a guard: at SIGTERM, and when this process ends, it ends all that is below it. */
  guarded: boolean;
  /** Lets go of what `wrap` needs. */
  close(): void;
}

/** Environment of everything in the sandbox: sets in a fixed order, UTF-8, one arena a process. */
export const ENVIRONMENT: Record<string, string> = {
  PATH: "/usr/bin:/bin",
  HOME: "/tmp",
  LANG: "C.UTF-8",
  PYTHONHASHSEED: "0",
  MALLOC_ARENA_MAX: "1",
};

export interface BubblewrapOptions {
  /** Folders and files to show read-only beside /usr. */
  folders: string[];
  /** Folders and files that stay out of sight wherever they are. */
  hidden: string[];
  /** What /tmp holds at most. */
  tmp_bytes: number;
}

/** __O_TMPFILE and O_DIRECTORY, as asm/fcntl.h has them. */
const O_TMPFILE = 0o20_000_000 | (process.arch === "arm64" ? 0o40_000 : 0o200_000);

/** What /dev/shm holds at most. */
const SHARED_BYTES = 16 << 20;

const DEVICES = ["/dev/null", "/dev/urandom"];

/**
 * As root: no user namespace, and the program itself becomes a user that nobody else is, since
 * root's limits of processes do not bind and root outside is root to /proc. As anyone else: a user
 * namespace.
 */
type Mode = "user" | "namespace";

/** Users above any that a host gives out, one after the other; in a container, its highest ones. */
function userIds(): () => number {
  let highest = 0;
  try {
    for (const line of readFileSync("/proc/self/uid_map", "utf8").trim().split("\n")) {
      const [first, , count] = line.trim().split(/\s+/).map(Number);
      highest = Math.max(highest, first + count - 1);
    }
  } catch {
    highest = 65535;
  }
  const ids = Math.min(1 << 20, Math.max(1, Math.floor(highest / 4)));
  const top = Math.min(highest, 0x7fff_0000);
  let next = Math.floor(Math.random() * ids);
  return () => top - (next = (next + 1) % ids);
}

function systemFolders(): string[] {
  const args = ["--ro-bind", "/usr", "/usr"];
  for (const path of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) args.push("--symlink", readlinkSync(path), path);
    else if (found) args.push("--ro-bind", path, path);
  }
  return args;
}

/** The folders above a path, from the top: made first, so that any user may pass through them. */
function above(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => "/" + parts.slice(0, index + 1).join("/"));
}

function argumentsOf(mode: Mode, help: string, { folders, hidden, tmp_bytes }: BubblewrapOptions) {
  const has = (option: string) => help.includes(option);
  const args = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"];
  args.push("--unshare-cgroup-try", "--hostname", "sandbox", "--die-with-parent", "--new-session");
  if (mode === "namespace") {
    args.push("--unshare-user", "--uid", "65534", "--gid", "65534");
    if (has("--disable-userns")) args.push("--disable-userns");
  } else {
    args.push("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID");
  }
  args.push(...systemFolders());
  const mode755 = has("--perms") ? ["--perms", "0755"] : [];
  if (has("--perms")) args.push("--perms", "1777");
  if (has("--size BYTES")) args.push("--size", String(tmp_bytes));
  args.push("--tmpfs", "/tmp");
  const parents = new Set([...folders.flatMap(above), "/dev", "/etc"]);
  parents.delete("/tmp");
  for (const path of parents) args.push(...mode755, "--dir", path);
  for (const path of folders) args.push("--ro-bind", path, path);
  for (const path of ["/etc/ld.so.cache", "/etc/alternatives"]) {
    args.push("--ro-bind-try", path, path);
  }
  // multiprocessing's locks
  if (has("--perms")) args.push("--perms", "1777");
  if (has("--size BYTES")) args.push("--size", String(SHARED_BYTES));
  args.push("--tmpfs", "/dev/shm");
  for (const path of DEVICES) args.push("--dev-bind", path, path);
  const shown = ["/usr", ...folders];
  for (const path of hidden) {
    const inside = shown.some((each) => path.startsWith(`${each}/`));
    const found = inside ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
    if (found?.isDirectory()) args.push("--tmpfs", path, "--remount-ro", path);
    else if (found?.isFile()) args.push("--ro-bind", "/dev/null", path);
  }
  args.push("--remount-ro", "/", "--chdir", "/tmp");
  return args;
}

/**
 * The confinement, tried out on `/usr/bin/true`.
 * @returns why it does not work here, as text, if it does not.
 */
export async function bubblewrap(options: BubblewrapOptions): Promise<Confinement | string> {
  const program = onPath("bwrap");
  if (program === null) return "no bwrap on PATH";
  let help: string;
  try {
    help = await programOutput([program, "--help"]);
  } catch (error) {
    return `${program} does not run: ${messageOf(error).trim()}`;
  }
  const modes: Mode[] = process.getuid?.() === 0 ? ["user", "namespace"] : ["namespace"];
  let why = "";
  for (const mode of modes) {
    const args = [program, ...argumentsOf(mode, help, options), "--"];
    try {
      await programOutput([...args, "/usr/bin/true"]);
    } catch (error) {
      why = messageOf(error).trim().split("\n").at(-1) ?? "";
      continue;
    }
    // bwrap dies with its parent, but what it has made a moment before waits for it for ever
    const guard = await nativeProgram("launch").then((path) => [path, "--guard"], () => []);
    const filter = seccompFilter();
    const file = filter && unnamedFile(filter);
    const start = file === null ? args : [
      // a descriptor of ours would make each start ten times as slow: a fork instead of a spawn
      ...["/bin/sh", "-c", `exec "$@" 3</proc/${process.pid}/fd/${file}`, "sh"],
      ...[args[0], "--seccomp", "3", ...args.slice(1)],
    ];
    const nextId = mode === "user" ? userIds() : () => null;
    return {
      name: "bubblewrap",
      description: (mode === "user"
        ? "bubblewrap, each program as a separate user"
        : "bubblewrap, in a user namespace") + (filter ? ", system calls filtered" : ""),
      wrap: (command) => ({ command: [...guard, ...start, ...command], uid: nextId() }),
      guarded: guard.length > 0,
      close: () =>
        file !== null && closeSync(file),
    };
  }
  return `${program} does not work here: ${why}`;
}

/** No confinement but limits: for a host that is itself thrown away. */
export const none: Confinement = {
  name: "none",
  description: "none: the programs run with your rights",
  wrap: (command) => ({ command, uid: null }),
  guarded: false,
  close: () => {},
};

/** An open file without a name: nothing of it stays, however we end. */
function unnamedFile(content: Uint8Array): number {
  try {
    const file = openSync(tmpdir(), O_TMPFILE | constants.O_RDWR, 0o600);
    writeFileSync(file, content);
    return file;
  } catch { /* not on this file system: it gets a name for a moment */ }
  const folder = mkdtempSync(join(tmpdir(), "dyno-sandbox-"));
  try {
    writeFileSync(join(folder, "filter"), content);
    return openSync(join(folder, "filter"), "r");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A program's path by its name; sandboxed programs get none of our PATH. */
export function onPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(isAbsolute)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // not there
    }
  }
  return null;
}
