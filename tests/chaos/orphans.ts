/** What killed processes leave behind: processes, and files that were to be gone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
const PATIENCE_MS = 30_000;
const PAUSE_MS = 20;
/** A child that the runtime waits for itself is no zombie for so long. */
const LOOKS_AT_ZOMBIE = 50;

/** Files that only work in progress has. */
const TRANSIENT = /\.tmp$|\.lock(\..+)?$|^\.(import|removing)_|\.partial-|-(wal|shm|journal)$/;

/**
 * Makes this process the parent of whatever processes under it lose theirs, so that none hides,
 * sandboxed or in a session of its own.
 */
export class Orphans implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
    waitpid: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  });
  readonly #known: Set<number>;
  readonly #zombies = new Map<number, number>();

  constructor() {
    this.#known = new Set(children().map(({ pid }) => pid));
    this.#adopt(1n);
  }

  /** A child that was started on purpose. */
  expect(pid: number): void {
    this.#known.add(pid);
  }

  /** Waits until no process is left of those that were killed. @throws what is left, after a while. */
  async gone(): Promise<void> {
    for (let waited_ms = 0;; waited_ms += PAUSE_MS) {
      const left = children().filter(({ pid, command }) =>
        !this.#known.has(pid) && !command.startsWith("slurmstepd") // a node's, which Slurm looks after
      );
      for (const { pid, zombie } of left) {
        if (!zombie) continue;
        const looks = (this.#zombies.get(pid) ?? 0) + 1;
        this.#zombies.set(pid, looks);
        if (looks === LOOKS_AT_ZOMBIE) this.#libc.symbols.waitpid(pid, null, WNOHANG);
      }
      const living = left.filter(({ zombie }) => !zombie);
      if (living.length === 0) return;
      if (waited_ms > PATIENCE_MS) {
        throw new Error(
          `left: ${living.map(({ pid, command }) => `${pid} ${command}`).join("; ")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  [Symbol.dispose](): void {
    this.#adopt(0n);
    this.#libc.close();
  }

  #adopt(whether: bigint): void {
    this.#libc.symbols.prctl(PR_SET_CHILD_SUBREAPER, whether, 0n, 0n, 0n);
  }
}

function children(): { pid: number; zombie: boolean; command: string }[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) !== process.pid) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(name), zombie: state === "Z", command }];
    } catch {
      return []; // it has just ended
    }
  });
}

/** Files, folders and sockets under a folder that should be gone when nothing is at work there. */
export function transientIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    TRANSIENT.test(entry.name) || entry.isSocket() || entry.isFIFO()
  ).map(({ parentPath, name }) => join(parentPath, name));
}
