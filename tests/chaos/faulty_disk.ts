/** The shim of faulty_disk.c: built once, and the environment that puts it before a dyno. */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("faulty_disk.c", import.meta.url));

/** Whether there is a compiler to build the shim with. */
export const canFault = process.platform === "linux" &&
  spawnSync("cc", ["--version"]).status === 0;

/** What the disk does; numbers of changes count from 1. */
export interface Faults {
  /** kill -9 in place of this change. */
  kill_at?: number;
  /** Changes fail with this error number, from the given one on, all or only of a kind. */
  errno?: number;
  errno_from?: number;
  errno_in?: "write" | "sync";
  /** Only paths that hold this text. */
  only?: string;
  sync_ms?: number;
}

/** Builds the shim, once a process; gives its bytes. @throws it cannot be built. */
function shim(folder: string): Uint8Array {
  const path = join(folder, "built.so");
  const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
  const built = spawnSync("cc", [...flags, "-o", path, SOURCE, "-ldl"]);
  if (built.status !== 0) throw new Error(String(built.stderr));
  return readFileSync(path);
}

let builtShim: Uint8Array | undefined;

/** A disk that fails under one folder. */
export class FaultyDisk implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "dyno-shim-"));
  readonly #shim = join(this.#folder, "faulty_disk.so");
  #counts = 0;

  /** @throws the shim cannot be built. */
  constructor() {
    writeFileSync(this.#shim, builtShim ??= shim(this.#folder));
  }

  /** The environment of a dyno whose changes under `folder` fail so, and a look at their number. */
  under(folder: string, faults: Faults): { env: Record<string, string>; changes: () => number } {
    const counter = join(this.#folder, `count_${++this.#counts}`);
    const fd = openSync(counter, "w");
    ftruncateSync(fd, 8);
    closeSync(fd);
    const env: Record<string, string> = {
      LD_PRELOAD: this.#shim,
      FAULTY_DISK_PROGRAM: basename(process.execPath),
      FAULTY_DISK_UNDER: folder,
      FAULTY_DISK_COUNT: counter,
    };
    for (const [name, value] of Object.entries(faults)) {
      env[`FAULTY_DISK_${name.toUpperCase()}`] = String(value);
    }
    return { env, changes: () => Number(readFileSync(counter).readBigInt64LE()) };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
