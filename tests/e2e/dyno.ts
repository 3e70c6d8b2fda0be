/** Runs the command line as a user does: a process of its own. */
import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertRunsConserved } from "../load/conserved.ts";
import type { ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const EACH = fileURLToPath(new URL("../cli/each.ts", import.meta.url));

/** Deno's own cache stays where it is when the user's cache is another. */
export const DENO_DIR = process.env.DENO_DIR ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "deno");

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
  return start([...DYNO, ...args], { cwd, env });
}

function start(
  [program, ...args]: string[],
  { cwd, env }: { cwd?: string; env?: Record<string, string> },
): Running {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, DENO_DIR, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { finished, said } = followed(child);
  // not child.kill(): Deno's then reports that signal in place of the exit code
  return {
    pid: child.pid!,
    kill: (signal) => {
      try {
        process.kill(child.pid!, signal);
      } catch (error) {
        if ((error as { code?: string }).code !== "ESRCH") throw error; // it has just ended
      }
    },
    said,
    finished,
  };
}

/** Runs dyno to its end. Loads that it measured, those of a sweep too, keep the laws of loads. */
export async function dyno(
  args: string[],
  options?: Parameters<typeof startDyno>[1],
): Promise<Finished> {
  const finished = await startDyno(args, options).finished;
  if (finished.signal === null && (args[0] === "load" || args[0] === "sweep")) {
    const out = args.lastIndexOf("--out"), cwd = options?.cwd;
    const below = out >= 0 ? args[out + 1] : args[0] === "load" ? "runs" : cwd;
    if (below !== undefined) await assertRunsConserved(resolve(cwd ?? ".", below));
  }
  return finished;
}

/** How dyno ends with each of the lists of arguments, all in one process: starting takes the longest. */
export async function dynoEach(
  lists: string[][],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Omit<Finished, "signal">[]> {
  const words = [...DYNO.slice(0, -1), EACH, JSON.stringify(lists)];
  const { code, stdout, stderr } = await start(words, options).finished;
  if (code !== 0) throw new Error(`dyno in one process ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
