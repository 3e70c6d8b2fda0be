/** One of a trial's two processes: reads and writes lines, and is certain to end. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf } from "./usage.ts";
import type { Confinement } from "./bubblewrap.ts";
import type { Interpreter } from "./interpreter.ts";

/** How a process ended. */
export interface End {
  code: number | null;
  signal: string | null;
}

/** Receives what a side reports to its trial. */
export interface Listener {
  line(line: string): void;
  end(end: End): void;
  /** Called when there is more data than is kept: on the channel, or printed. */
  flood(what: "channel" | "stdout"): void;
}

const LONGEST_LINE = 64 << 20;
const MOST_PRINTED = 8 << 20;
const STARTS_WITHIN_MS = 10_000;
const KEPT_PRINTED = 8 << 10;
/** What bubblewrap, a shell or a runtime prints when it cannot start a process. */
const LACK =
  /^[^\n]*(temporarily unavailable|cannot allocate memory|can(no|')t fork)|unable to create worker/i;

/** Running wrappers, to end them when this process exits without waiting. */
const wrappers = new Set<number>();
let endsThem = false;

/**
 * A wrapper that dies with this process may just have created the namespace's first process, which would
 * then wait for it forever. When this process exits, that process is therefore ended first.
 */
function endWithThisProcess(pid: number): void {
  wrappers.add(pid);
  if (endsThem) return;
  endsThem = true;
  process.on("exit", () => {
    for (const pid of wrappers) [...childrenOf(pid), pid].forEach((each) => signalTo(each));
  });
}

export class Side {
  /** The user that it must switch to before it runs anything; null when it already is the right one. */
  readonly uid: number | null;
  readonly #child: ChildProcess;
  /** Whether its process is a wrapper with the program running below it. */
  readonly wrapped: boolean;
  /** Whether the wrapper has a guard above it, which is the process that was started. */
  readonly #guarded: boolean;
  readonly #ended: Promise<void>;
  #listener: Listener | null = null;
  #end: End | null = null;
  #parts: string[] = [];
  #length = 0;
  #printed = 0;
  #kept = "";
  #spoke = false;

  constructor(confinement: Confinement, python: Interpreter, program: Uint8Array, folder: string) {
    const started = confinement.wrap([...python.command, String(program.length)]);
    this.uid = started.uid;
    this.wrapped = confinement.name === "bubblewrap";
    this.#guarded = confinement.guarded;
    const child = spawn(started.command[0], started.command.slice(1), {
      env: python.env,
      cwd: folder,
      detached: !this.wrapped, // a confined one has its own session
      stdio: "pipe",
    });
    this.#child = child;
    const { pid } = child;
    if (this.wrapped && !this.#guarded && pid !== undefined) {
      endWithThisProcess(pid);
      child.once("exit", () => wrappers.delete(pid));
    }
    // without pipes it has not started, which its end reports
    child.stdin?.on("error", () => {});
    child.stdout?.on("data", (bytes) => this.#receive(bytes));
    child.stderr?.on("data", (bytes) => this.#print(bytes));
    this.#ended = new Promise((resolve) => {
      const settle = (end: End) => {
        if (this.#end) return;
        this.#end = end;
        resolve();
        this.#listener?.end(end);
      };
      child.on("error", () => settle({ code: null, signal: null }));
      // a confined process takes everything that holds its pipes with it; of others an orphan may
      // remain
      if (this.wrapped) child.on("close", (code, signal) => settle({ code, signal }));
      else child.on("exit", (code, signal) => setTimeout(() => settle({ code, signal }), 5));
    });
    child.stdin?.write(program);
  }

  /** The process that the program is, or runs below; undefined when none has started. */
  get pid(): number | undefined {
    const { pid } = this.#child;
    return this.#guarded && pid !== undefined ? childrenOf(pid)[0] : pid;
  }

  get running(): boolean {
    return this.#end === null;
  }

  /** Whether it ended before its program began, because the host could not start another process. */
  get lacked(): boolean {
    if (this.#end === null || this.#spoke) return false;
    const { code, signal } = this.#end;
    if (code === null && signal === null) return true;
    return tellsOfLack(this.#kept);
  }

  /** The beginning of what it printed. */
  get printed(): string {
    return this.#kept;
  }

  /** Reports to `listener` from now on; if it has already ended, reports the end immediately. */
  listen(listener: Listener): void {
    this.#listener = listener;
    if (this.#end) listener.end(this.#end);
  }

  send(line: string): void {
    if (!this.#end) this.#child.stdin?.write(`${line}\n`, "latin1");
  }

  /** Ends it and everything that it started, and waits until all have ended. */
  async kill(): Promise<void> {
    this.#listener = null;
    const { pid } = this.#child;
    if (pid !== undefined && this.#guarded) signalTo(pid, "SIGTERM");
    else if (pid !== undefined && !this.wrapped) signalTo(-pid);
    else if (pid !== undefined) await this.#killNamespace(pid);
    await this.#ended;
    for (const stream of this.#child.stdio) stream?.destroy();
  }

  /**
   * Ends the namespace's first process. The kernel then ends all others before its parent sees it end.
   * Ending that parent first would leave an orphan for a moment.
   */
  async #killNamespace(pid: number): Promise<void> {
    for (const started = performance.now(); performance.now() - started < STARTS_WITHIN_MS;) {
      if (this.#end) return;
      const inner = childrenOf(pid);
      for (const each of inner) signalTo(each);
      if (inner.length > 0) return;
      await sleep(1); // not created yet
    }
    if (!this.#end) signalTo(pid);
  }

  #receive(bytes: Uint8Array): void {
    this.#spoke = true;
    const text = new TextDecoder("latin1").decode(bytes);
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      const line = this.#parts.join("") + text.slice(from, at);
      this.#parts = [];
      this.#length = 0;
      from = at + 1;
      this.#listener?.line(line);
    }
    if (from === text.length) return;
    this.#parts.push(text.slice(from));
    this.#length += text.length - from;
    if (this.#length > LONGEST_LINE) {
      this.#parts = [];
      this.#length = 0;
      this.#listener?.flood("channel");
    }
  }

  #print(bytes: Uint8Array): void {
    this.#printed += bytes.length;
    if (this.#kept.length < KEPT_PRINTED) {
      const text = new TextDecoder().decode(bytes.subarray(0, KEPT_PRINTED));
      this.#kept = (this.#kept + text).slice(0, KEPT_PRINTED);
    }
    if (this.#printed > MOST_PRINTED) this.#listener?.flood("stdout");
  }
}

/** Whether a program's first output says that the host could not start a process. */
export function tellsOfLack(text: string): boolean {
  return LACK.test(text);
}

function signalTo(pid: number, signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
