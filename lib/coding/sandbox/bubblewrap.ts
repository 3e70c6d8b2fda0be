/** Confinement with bubblewrap: its arguments, and whether it works on this host. */
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
  /** A description for a run's metadata. */
  description: string;
  /**
   * The command that runs `command` confined, and the user that it must switch to before it runs
   * untrusted code.
   */
  wrap(command: string[]): { command: string[]; uid: number | null };
  /**
   * Whether the command is a guard's: on SIGTERM, and when this process ends, it ends every process below
   * it.
   */
  guarded: boolean;
  /** Releases what `wrap` needs. */
  close(): void;
}

/**
 * The environment of everything in the sandbox: sets with a fixed order, UTF-8, one malloc arena per
 * process.
 */
export const ENVIRONMENT: Record<string, string> = {
  PATH: "/usr/bin:/bin",
  HOME: "/tmp",
  LANG: "C.UTF-8",
  PYTHONHASHSEED: "0",
  MALLOC_ARENA_MAX: "1",
};

export interface BubblewrapOptions {
  /** Folders and files that are visible read-only in addition to /usr. */
  folders: string[];
  /** Folders and files that are never visible, wherever they are. */
  hidden: string[];
  /** The size limit of /tmp. */
  tmp_bytes: number;
}

/** __O_TMPFILE and O_DIRECTORY, as in asm/fcntl.h. */
const O_TMPFILE = 0o20_000_000 | (process.arch === "arm64" ? 0o40_000 : 0o200_000);

/** The size limit of /dev/shm. */
const SHARED_BYTES = 16 << 20;

const DEVICES = ["/dev/null", "/dev/urandom"];

/**
 * As root there is no user namespace: the program itself becomes a user that nobody else has, because
 * process limits do not apply to root, and in /proc root inside equals root outside. As any other user: a
 * user namespace.
 */
type Mode = "user" | "namespace";

/** User ids above all that a host assigns, each used in turn; in a container, its highest ones. */
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

/**
 * The folders above a path, from the top. They are created first, so that any user may pass through them.
 */
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
  // for multiprocessing's locks
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
 * Opens the confinement and tries it out on `/usr/bin/true`.
 * @returns the reason as text when it does not work here.
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
    // bwrap dies with its parent, but a process that it created just before would wait for it forever
    const guard = await nativeProgram("launch").then((path) => [path, "--guard"], () => []);
    const filter = seccompFilter();
    const file = filter && unnamedFile(filter);
    const start = file === null ? args : [
      // inheriting a descriptor would make each start ten times as slow: a fork instead of a spawn
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

/** No confinement but limits: for a host that is itself disposable. */
export const none: Confinement = {
  name: "none",
  description: "none: the programs run with your rights",
  wrap: (command) => ({ command, uid: null }),
  guarded: false,
  close: () => {},
};

/** An open file without a name: nothing of it remains, however the process ends. */
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

/** A program's path by its name; sandboxed programs do not see our PATH. */
export function onPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(isAbsolute)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // does not exist
    }
  }
  return null;
}
