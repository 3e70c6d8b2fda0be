/**
 * Runs a memory server as a process: sends messages over its stdin and stdout, and makes sure that
 * it ends.
 */
import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types";

/** Longer lines are not messages. */
const LONGEST_LINE_BYTES = 256 << 20;
/** How long a server may take to exit after its stdin is closed, and again after SIGTERM. */
const GRACE_MS = 500;

/**
 * The protocol's stdio transport. Unlike the official one, which ends a single process, it ends the
 * server's whole process group, as the command is often a wrapper around the server, and waits for
 * that. Lines that are not messages are skipped.
 */
export class MemoryProcess implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #command: readonly string[];
  readonly #parse: (line: string) => JSONRPCMessage;
  readonly #onExit = () => void this.#kill("SIGKILL");
  #child: ChildProcess | null = null;
  #closing: Promise<void> | null = null;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #stderr = "";
  #garbage = "";
  #end = "";

  /** @param parse converts a line to a message, or throws. */
  constructor(command: readonly string[], parse: (line: string) => JSONRPCMessage) {
    this.#command = command;
    this.#parse = parse;
  }

  /** Signs of what is wrong with a failing server: its exit, its errors, its unexpected output. */
  get symptoms(): string {
    const said = this.#stderr.trim().split("\n").at(-1)!.trim();
    return [
      this.#end,
      said && `it says: ${said.slice(0, 300)}`,
      this.#garbage &&
      `it prints something that is not a message: ${JSON.stringify(this.#garbage)}`,
    ].filter(Boolean).join("; ");
  }

  /** Starts the server. @throws the system's error, e.g. when the program does not exist. */
  start(): Promise<void> {
    const [program, ...args] = this.#command;
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { detached: true, stdio: "pipe" });
      this.#child = child;
      process.on("exit", this.#onExit);
      child.on("error", (error) => {
        process.off("exit", this.#onExit);
        reject(error);
      });
      child.on("spawn", () => resolve());
      child.on("exit", (code, by) => {
        this.#end = by ? `it was ended by ${by}` : `it ended with exit code ${code}`;
        // the last lines may still arrive; "close" may wait for a child of the server
        const closed = () => {
          clearTimeout(timer);
          this.onclose?.();
        };
        const timer = setTimeout(closed, 200);
        child.once("close", closed);
      });
      child.stdin!.on("error", () => {}); // its exit is reported instead
      child.stdout!.on("data", (chunk: Buffer) => this.#receive(chunk));
      child.stderr!.on("data", (chunk) => this.#stderr = (this.#stderr + chunk).slice(-4000));
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#closing === null) this.#child?.stdin?.write(JSON.stringify(message) + "\n");
    return Promise.resolve();
  }

  /** Asks the server to exit, and kills it if it does not. All callers wait for the end. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.stdin?.end();
    if (!(await this.#isGone())) {
      this.#kill("SIGTERM");
      if (!(await this.#isGone())) this.#kill("SIGKILL");
      await this.#isGone();
    }
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
    process.off("exit", this.#onExit);
  }

  /** Whether the server and all processes that it started have exited, waiting for a short time. */
  async #isGone(): Promise<boolean> {
    const until_ms = performance.now() + GRACE_MS;
    while (this.#kill(0)) {
      if (performance.now() > until_ms) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return true;
  }

  /** Signals the process group; returns whether it exists. */
  #kill(signal: "SIGTERM" | "SIGKILL" | 0): boolean {
    if (this.#child?.pid === undefined) return false;
    try {
      return process.kill(-this.#child.pid, signal);
    } catch {
      return false;
    }
  }

  #receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#keep(chunk.subarray(start, end));
      const line = Buffer.concat(this.#line).toString("utf8");
      this.#line = [];
      this.#lineBytes = 0;
      this.#take(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #keep(part: Buffer): void {
    this.#lineBytes += part.length;
    const message = (this.#line[0] ?? part)[0] === 0x7b; // {
    if (message && this.#lineBytes <= LONGEST_LINE_BYTES) this.#line.push(part);
    else this.#line = [(this.#line[0] ?? part).subarray(0, 60)];
  }

  #take(line: string): void {
    if (line.trim() === "") return;
    let message: JSONRPCMessage;
    try {
      message = this.#parse(line);
    } catch {
      this.#garbage ||= line.trim().slice(0, 60);
      return;
    }
    this.onmessage?.(message);
  }
}
