/** A dyno in a control group (version 1) of its own below ours: with so much memory, so many processes. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DYNO, followed } from "../e2e/dyno.ts";
import type { Finished } from "../e2e/dyno.ts";

const PATIENCE_MS = 10_000;

/** Our own group's folder. */
function ownGroup(controller: string): string {
  const line = new RegExp(`^\\d+:${controller}:(/.*)$`, "m");
  const own = line.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  return join("/sys/fs/cgroup", controller, own ?? "none");
}

/** Whether groups of a controller can be made here. */
export function mayLimit(controller: string): boolean {
  try {
    const folder = join(ownGroup(controller), `dyno-test-${process.pid}`);
    mkdirSync(folder);
    const made = existsSync(join(folder, "cgroup.procs"));
    rmdirSync(folder);
    return made;
  } catch {
    return false;
  }
}

/** A group, gone afterwards. */
export class Limited implements AsyncDisposable {
  readonly #folder: string;

  constructor(controller: "memory" | "pids", file: string, value: number) {
    this.#folder = join(ownGroup(controller), `dyno-test-${process.pid}-${Date.now()}`);
    mkdirSync(this.#folder);
    this.set(file, value);
  }

  /** One of the group's figures. */
  read(file: string): string {
    return readFileSync(join(this.#folder, file), "utf8");
  }

  set(file: string, value: number): void {
    writeFileSync(join(this.#folder, file), String(value));
  }

  dyno(args: string[], cwd: string): Promise<Finished> {
    return this.deno([...DYNO.slice(1), ...args], cwd);
  }

  deno(args: string[], cwd?: string): Promise<Finished> {
    const enter = `echo $$ > ${join(this.#folder, "cgroup.procs")} && exec "$@"`;
    const child = spawn("sh", ["-c", enter, "sh", process.execPath, ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return followed(child).finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS;;) {
      try {
        return rmdirSync(this.#folder);
      } catch (error) {
        if (Date.now() > end) throw error; // a process of it is left
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}
