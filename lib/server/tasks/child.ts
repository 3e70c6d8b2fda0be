/** The process of a task: a separate group, which can be found and ended after a restart. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import process from "node:process";
import { nativeProgram } from "../../native/program.ts";
import { startTicks } from "../../run/lock.ts";
import { notWritten } from "../../write.ts";
import type { TaskProcess } from "../../run/events.ts";

/**
 * How long a process may take to save its work before it is killed; a task has ended within 5 s.
 */
export const GRACE_MS = 4000;
const POLL_MS = 50;

/** Variables that only the server may see. */
const OWN_SECRETS = ["DYNO_SERVE_TOKEN", "DYNO_WEBHOOK_SECRET"];

/** A small young heap, for shorter pauses while a client measures. */
const HEAP = "--max-semi-space-size=2,--heap-growing-percent=30";

/** How a process ended. */
export interface ChildEnd {
  /** Null if a signal ended it. */
  exit_code: number | null;
  signal: string | null;
}

/** A process that was started for a task. */
export interface TaskChild {
  process: TaskProcess;
  ended: Promise<ChildEnd>;
}

const SHELL = "/bin/sh";

/**
 * A prefix that waits for a line on standard input and then runs the command after it; without a
 * line it exits.
 */
async function whenTold(): Promise<string[]> {
  if (existsSync(SHELL)) return [SHELL, "-c", 'read -r line && exec "$@"', "sh"];
  return [await nativeProgram("launch"), "--when-told"]; // a container may have no shell
}

/**
 * Starts a command in a separate process group. Its output goes to files, so that it continues, and
 * saves its work, if this process is killed.
 *
 * @param onStarted records the process. Only after that does it become the command, so that no
 * command runs that a killed server has not recorded.
 * @param own variables of its environment, in addition to this process's.
 * @throws {InputError} its output cannot be written.
 * @throws what `onStarted` threw, or the system's error if it cannot be started.
 */
export async function startChild(
  command: readonly string[],
  output: { stdout: string; stderr: string },
  onStarted: (child: TaskProcess) => void,
  own: Readonly<Record<string, string>> = {},
): Promise<TaskChild> {
  const env: Record<string, string | undefined> = { DENO_V8_FLAGS: HEAP, ...process.env, ...own };
  for (const name of OWN_SECRETS) delete env[name];
  const stdout = opened(output.stdout, "w");
  const stderr = opened(output.stderr, "a");
  try {
    const [starter, ...words] = [...await whenTold(), ...command];
    const child = spawn(starter, words, { detached: true, stdio: ["pipe", stdout, stderr], env });
    const stdin = child.stdin!.on("error", () => {}); // it may be killed before the line is sent
    const ended = new Promise<ChildEnd>((resolve) => {
      child.once("exit", (exit_code, signal) => resolve({ exit_code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    const pid = child.pid!;
    const started = { pid, start_ticks: startTicks(pid) };
    try {
      onStarted(started);
      stdin.end("go\n");
    } finally {
      if (!stdin.writableEnded) stdin.destroy();
    }
    return { process: started, ended };
  } finally {
    closeSync(stdout);
    closeSync(stderr);
  }
}

function opened(path: string, flags: "w" | "a"): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw notWritten(path, error);
  }
}

/**
 * Ends a process and its group: first with SIGINT, so that it can save its work, then with SIGKILL.
 * Resolves when it has ended.
 */
export async function endGroup(child: TaskProcess): Promise<void> {
  if (!isAlive(child)) return killGroup(child.pid);
  signalGroup(child.pid, "SIGINT");
  for (let waited_ms = 0; isAlive(child) && waited_ms < GRACE_MS; waited_ms += POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  killGroup(child.pid);
  while (isAlive(child)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Kills what is left of a group. */
export function killGroup(pid: number): void {
  signalGroup(pid, "SIGKILL");
}

/** Whether the process still runs and its id has not been reused by another one. */
export function isAlive({ pid, start_ticks }: TaskProcess): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return start_ticks === null || startTicks(pid) === start_ticks;
}

function signalGroup(pid: number, signal: "SIGINT" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch { /* it is gone */ }
}
