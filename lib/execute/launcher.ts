/**
 * Starts subprocesses that never outlive this process, with limits, and with their output in files.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { InputError, NoProcessError, ToldError } from "../errors.ts";
import { nativeProgram } from "../native/program.ts";
import { asCancelled, throwIfAborted } from "./scope.ts";
import { sleep } from "./sleep.ts";

/** A program to run. */
export interface LaunchRequest {
  /** The program, searched along PATH if its name has no slash, and its arguments. */
  command: readonly string[];
  cwd: string;
  /** Files that receive its output while it runs. */
  stdout: string;
  stderr: string;
  /** SIGTERM is sent after this time, SIGKILL two seconds later; 0 is no limit. */
  timeout_s: number;
  /** The private memory that each of its processes may use (RLIMIT_DATA); 0 is no limit. */
  memory_bytes: number;
  /** Called as soon as it runs. */
  onStart?: (pid: number) => void;
}

/** How a program ended. */
export interface LaunchEnd {
  started_unix_s: number;
  wall_time_s: number;
  /** Its exit code, or the negative number of the signal that ended it. */
  exit_code: number;
  signal: string | null;
  timed_out: boolean;
  /** The largest resident set of the program or of a process that it waited for. */
  peak_memory_bytes: number;
  /** CPU time of the program and the processes that it waited for. */
  cpu_time_s: number;
}

/** The program could not be started. */
export class LaunchError extends ToldError {
  override readonly name = "LaunchError";
}

/** The launcher process has gone, and the programs it started with it. */
class LauncherLostError extends ToldError {
  override readonly name = "LauncherLostError";
  constructor() {
    super("the launcher was ended from outside, and what it had started with it");
  }
}

interface Waiting {
  request: LaunchRequest;
  started_unix_s: number;
  resolve(end: LaunchEnd | "stopped"): void;
  reject(error: Error): void;
}

/**
 * How long to wait when the host cannot start another process, and how often to retry if none of
 * ours is running.
 */
const PAUSE_MS = 200;
const MOST_PAUSES = 10;

const signalNames = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

/**
 * Runs programs through one small C process, native/launch. Each program gets its own session. When
 * this process ends, even by SIGKILL, all programs and everything they started are killed.
 *
 * @example
 * ```ts
 * await using launcher = await Launcher.start();
 * const files = { cwd: ".", stdout: "out.txt", stderr: "err.txt" };
 * const limits = { timeout_s: 10, memory_bytes: 0 };
 * const end = await launcher.run({ command: ["sh", "-c", "exit 3"], ...files, ...limits }, signal);
 * end.exit_code; // 3
 * ```
 */
export class Launcher implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed: Promise<void>;
  #next = 1;
  #lost = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdin!.on("error", () => {}); // "close" says more
    const lines = createInterface({ input: child.stdout! });
    lines.on("line", (line) => this.#read(line));
    this.#closed = new Promise((resolve) => {
      child.once("close", () => {
        this.#lost = true;
        for (const { reject } of this.#waiting.values()) reject(new LauncherLostError());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /**
   * @throws {InputError} native/launch cannot be built, or the host cannot start another process.
   */
  static async start(notice?: (line: string) => void): Promise<Launcher> {
    const path = await nativeProgram("launch", { notice });
    const child = spawn(path, [], { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        const lacks = (error as { code?: string }).code === "EAGAIN";
        reject(lacks ? new NoProcessError(path) : new InputError(`${path}: ${error.message}`));
      });
    });
    return new Launcher(child);
  }

  /**
   * Runs a program until it ends. If the host cannot start another process, it waits for running
   * ones to end.
   *
   * @throws {LaunchError} the program cannot be started.
   * @throws {NoProcessError} the host cannot start another process, and none of ours is running.
   * @throws {LauncherLostError} the launcher was killed.
   * @throws {CancelledError} the signal was aborted; by then the program and its children have
   * ended.
   */
  async run(request: LaunchRequest, signal: AbortSignal): Promise<LaunchEnd> {
    for (let pauses = 0;; pauses++) {
      try {
        return await this.#run(request, signal);
      } catch (error) {
        if (!(error instanceof NoProcessError)) throw error;
        if ([...this.#waiting.values()].some((other) => other.started_unix_s > 0)) pauses = 0;
        if (pauses >= MOST_PAUSES) throw error;
        await sleep(PAUSE_MS, signal);
      }
    }
  }

  async #run(request: LaunchRequest, signal: AbortSignal): Promise<LaunchEnd> {
    throwIfAborted(signal);
    if (this.#lost) throw new LauncherLostError();
    const id = this.#next++;
    const { timeout_s, memory_bytes, cwd, stdout, stderr, command } = request;
    const texts = [cwd, stdout, stderr, ...command];
    if (texts.some((text) => text.includes("\0"))) {
      throw new LaunchError("a NUL character cannot stand in a program's arguments");
    }
    const onAbort = () => this.#send(`stop ${id}\n`);
    try {
      const ended = new Promise<LaunchEnd | "stopped">((resolve, reject) => {
        this.#waiting.set(id, { request, started_unix_s: 0, resolve, reject });
      });
      const limits = `${Math.ceil(timeout_s * 1000)} ${Math.floor(memory_bytes)}`;
      this.#send(`run ${id} ${limits} ${texts.length}\n${texts.join("\0")}\0`);
      signal.addEventListener("abort", onAbort, { once: true });
      const end = await ended;
      if (end === "stopped") throw asCancelled(signal.reason);
      return end;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the launcher; everything that still runs is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await this.#closed;
  }

  #send(text: string): void {
    this.#child.stdin!.write(text);
  }

  #read(line: string): void {
    const [event, number, ...rest] = line.split(" ");
    const id = Number(number);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    if (event === "started") {
      waiting.started_unix_s = Number(rest[1]) / 1e9;
      waiting.request.onStart?.(Number(rest[0]));
      return;
    }
    this.#waiting.delete(id);
    if (event === "failed") waiting.reject(notStarted(waiting.request, rest));
    else waiting.resolve(endOf(waiting.started_unix_s, rest));
  }
}

function endOf(started_unix_s: number, fields: readonly string[]): LaunchEnd | "stopped" {
  const [code, signal, wall_ns, peak_kb, cpu_us] = fields.map(Number);
  if (fields[5] === "stopped") return "stopped";
  return {
    started_unix_s,
    wall_time_s: wall_ns / 1e9,
    exit_code: signal > 0 ? -signal : code,
    signal: signal > 0 ? signalNames.get(signal) ?? `signal ${signal}` : null,
    timed_out: fields[5] === "timeout",
    peak_memory_bytes: peak_kb * 1024,
    cpu_time_s: cpu_us / 1e6,
  };
}

function notStarted(request: LaunchRequest, [step, ...reason]: readonly string[]): Error {
  if (step === "process") return new NoProcessError(request.command[0]);
  const place: Record<string, string> = {
    folder: request.cwd,
    output: request.stdout,
    program: request.command[0],
  };
  return new LaunchError(`${place[step]}: ${reason.join(" ")}`);
}
