/** Runs the command line as a user does: a process of its own. */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** The words that start dyno: as the task does, modules are read when they are asked for. */
export const DYNO = [
  ...[process.execPath, "run", "-A", "--no-check", "--unstable-lazy-dynamic-imports"],
  MAIN,
];

export interface Finished {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  pid: number;
  kill(signal: "SIGKILL" | "SIGINT" | "SIGTERM"): void;
  /** What it has printed for people so far. */
  said(): string;
  finished: Promise<Finished>;
}

/** What a process prints, and how it ends. */
export function followed(
  child: ChildProcessByStdio<null, Readable, Readable>,
): Pick<Running, "finished" | "said"> {
  let stdout = "", stderr = "";
  child.stdout.on("data", (bytes) => stdout += bytes);
  child.stderr.on("data", (bytes) => stderr += bytes);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { finished, said: () => stderr };
}

/** Starts dyno; the caller awaits `finished`. */
export function startDyno(
  args: string[],
  { cwd, env }: { cwd?: string; env?: Record<string, string> } = {},
): Running {
  const [program, ...words] = DYNO;
  const child = spawn(program, [...words, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { finished, said } = followed(child);
  // not child.kill(): Deno's then reports that signal in place of the exit code
  return {
    pid: child.pid!,
    kill: (signal) => void process.kill(child.pid!, signal),
    said,
    finished,
  };
}

/** Runs dyno to its end. */
export function dyno(args: string[], options?: Parameters<typeof startDyno>[1]): Promise<Finished> {
  return startDyno(args, options).finished;
}
