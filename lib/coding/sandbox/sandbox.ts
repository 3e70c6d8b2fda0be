/** The sandbox for coding tests: runs an untrusted program against its checks. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { InputError, messageOf, NoProcessError } from "../../errors.ts";
import { packageFolders } from "../../package_files.ts";
import { CancelledError, throwIfAborted } from "../../execute/scope.ts";
import { sleep } from "../../execute/sleep.ts";
import { bubblewrap, type Confinement, none } from "./bubblewrap.ts";
import { findInterpreter, type Interpreter } from "./interpreter.ts";
import { findPyodide, pyodideConfinement } from "./pyodide.ts";
import { Side, tellsOfLack } from "./side.ts";
import { type CommandProgram, runCommandTrial } from "./command_trial.ts";
import { type Pair, runTrial } from "./trial.ts";
import type { Outcome, Program } from "./outcome.ts";

/**
 * When the host cannot start a process: the number of tries, and the pause before the second, which
 * doubles.
 */
const MOST_TRIES = 8;
const FIRST_PAUSE_MS = 50;

/** The outcome of a program, and the processes in which it ran. */
interface Tried {
  outcome: Outcome;
  sides: Side[];
}

/** How to open a sandbox. */
export interface SandboxOptions {
  /**
   * "auto": bubblewrap, else Pyodide, else an error. "none": no confinement at all, for a host that is
   * itself disposable; it is never chosen automatically. Default "auto".
   */
  sandbox?: "auto" | "bubblewrap" | "pyodide" | "none";
  /** A Python's name on PATH, or its path. Default "python3". */
  python?: string;
  /** More folders that programs may read, such as those of another language. */
  folders?: string[];
  /** Folders and files that programs must not read, such as the problems with their solutions. */
  hidden?: string[];
  /** The number of programs that run at the same time, and of pairs of interpreters started in advance. */
  workers?: number;
  /** The size limit of a program's /tmp. Default 64 MiB. */
  tmp_bytes?: number;
}

/**
 * Runs each program in its own processes: no network, a read-only system, a private /tmp, no
 * environment, its own user, and limits of time, memory, files and processes.
 *
 * @example
 * ```ts
 * await using sandbox = await Sandbox.open();
 * const outcome = await sandbox.run({
 *   code: "def double(x):\n    return 2 * x\n",
 *   entry_point: "double",
 *   test: "def check(candidate):\n    assert candidate(2) == 4\n",
 *   form: "check",
 *   timeout_s: 10,
 *   memory_bytes: 512 * 1024 * 1024,
 * });
 * outcome.class; // "passed"
 * ```
 */
export class Sandbox implements AsyncDisposable {
  /** A description of its Python, for people. */
  readonly pythonName: string;
  /** The confinement and the Python that are used, for a run's metadata. */
  readonly description: string;
  readonly #confinement: Confinement;
  readonly #python: Interpreter;
  #workers: number;
  readonly #folder: string;
  readonly #ready: Pair[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();
  readonly #trials = new Set<Promise<unknown>>();
  #running = 0;
  /** Whether the host has too few processes to start some in advance. */
  #scarce = false;

  private constructor(confinement: Confinement, python: Interpreter, workers: number) {
    this.#confinement = confinement;
    this.#python = python;
    this.#workers = workers;
    this.#folder = confinement.name === "none" ? mkdtempSync(join(tmpdir(), "dyno-sandbox-")) : "/";
    this.pythonName = `Python ${python.version}`;
    this.description = `${confinement.description}; ${this.pythonName}`;
  }

  /**
   * Finds a Python and a confinement, and runs one program in it.
   * @throws {InputError} there is no Python, no confinement that works here, or the host cannot start
   * another process.
   */
  static async open(options: SandboxOptions = {}): Promise<Sandbox> {
    const { sandbox = "auto" } = options;
    if (options.python !== undefined) {
      if (sandbox === "pyodide") {
        throw new InputError("--python: Pyodide brings its own Python");
      }
      await python(options); // one that was named is not replaced by another
    }
    if (sandbox === "none") return await Sandbox.#tried(none, await python(options), options);
    const reasons: unknown[] = [];
    for (const kind of ["bubblewrap", "pyodide"] as const) {
      if (sandbox !== "auto" && sandbox !== kind) continue;
      try {
        return await (kind === "bubblewrap" ? Sandbox.#bubblewrap : Sandbox.#pyodide)(options);
      } catch (error) {
        if (!(error instanceof InputError) || error instanceof NoProcessError) throw error;
        reasons.push(error);
      }
    }
    throw new InputError(refusal(reasons.map(messageOf).join("; ")));
  }

  static async #bubblewrap(options: SandboxOptions): Promise<Sandbox> {
    const found = await python(options);
    const { tmp_bytes = 64 << 20, folders = [] } = options;
    const hidden = [...packageFolders(), ...(options.hidden ?? []).map((path) => resolve(path))];
    const shown = [...found.folders, ...folders];
    const confinement = await bubblewrap({ folders: shown, hidden, tmp_bytes });
    if (typeof confinement === "string") {
      if (tellsOfLack(confinement)) throw new NoProcessError("sandbox");
      throw new InputError(confinement);
    }
    return await Sandbox.#tried(confinement, found, options);
  }

  static async #pyodide(options: SandboxOptions): Promise<Sandbox> {
    const found = await findPyodide();
    if (typeof found === "string") throw new InputError(found);
    return await Sandbox.#tried(pyodideConfinement, found, options);
  }

  /** Runs a first program. @throws {InputError} it does not pass. */
  static async #tried(
    confinement: Confinement,
    python: Interpreter,
    { workers = availableParallelism() }: SandboxOptions,
  ): Promise<Sandbox> {
    const opened = new Sandbox(confinement, python, Math.max(1, Math.floor(workers)));
    const tried = await opened.run(TRY).catch((error) => error as Error);
    if (!(tried instanceof Error) && tried.passed) return opened;
    await opened[Symbol.asyncDispose]();
    if (tried instanceof NoProcessError) throw tried;
    const why = tried instanceof Error ? tried.message : `${tried.class}: ${tried.detail}`;
    throw new InputError(`${python.path} does not run in ${confinement.name}: ${why}`);
  }

  /** Whether programs are confined; false only for "none". */
  get confined(): boolean {
    return this.#confinement.name !== "none";
  }

  /** The path of its Python, as its programs see it. */
  get pythonPath(): string {
    return this.#python.path;
  }

  /** Whether programs in other languages can run in it. */
  get runsCommands(): boolean {
    return this.#python.runner !== null;
  }

  /**
   * Runs one program against its checks. A failure of the program is an outcome, never an exception.
   * @throws {NoProcessError} the host cannot start another process, even when few of ours are running.
   * @throws {CancelledError} the signal is aborted, or the sandbox is closed.
   */
  run(program: Program, signal?: AbortSignal): Promise<Outcome> {
    if (program.code.trim() === "") return Promise.resolve(nothing());
    return this.#inTurn(signal, async (either) => {
      const pair = await this.#next();
      const { packages, overhead_bytes } = this.#python;
      const options = { packages, overhead_bytes, limit_processes: this.confined };
      const trial = runTrial(pair, program, options, either);
      const ahead = this.#scarce ? 0 : this.#workers;
      while (this.#ready.length < ahead && !either.aborted) this.#ready.push(this.#start());
      return { outcome: await trial, sides: [pair.judge, pair.candidate] };
    });
  }

  /** Those of the given modules that its Python lacks. */
  async lacking(modules: readonly string[]): Promise<string[]> {
    if (modules.length === 0) return [];
    const test =
      `def check(candidate):\n    from importlib.util import find_spec\n    missing = [m for m in ${
        JSON.stringify(modules)
      } if find_spec(m) is None]\n    assert candidate([1]) and not missing, "lacks " + " ".join(missing)\n`;
    const { passed, detail } = await this.run({ ...TRY, test });
    return passed ? [] : /lacks (.*)/.exec(detail.split("\n").at(-1)!)?.[1].split(" ") ?? [];
  }

  /**
   * Runs a program in another language on its cases' inputs and compares what it prints.
   * @throws {InputError} the sandbox is Pyodide.
   * @throws {NoProcessError} the host cannot start another process, even when few of ours are running.
   * @throws {CancelledError} the signal is aborted, or the sandbox is closed.
   */
  runCommand(program: CommandProgram, signal?: AbortSignal): Promise<Outcome> {
    if (program.code.trim() === "") return Promise.resolve(nothing());
    return this.#inTurn(signal, async (either) => {
      const { runner } = this.#python;
      if (runner === null) throw new InputError(ONLY_PYTHON);
      const side = this.#side(runner);
      const folder = this.confined ? "/tmp" : this.#folder;
      const options = { folder, limit_processes: this.confined };
      return { outcome: await runCommandTrial(side, program, options, either), sides: [side] };
    });
  }

  async #inTurn(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Tried>,
  ): Promise<Outcome> {
    const closing = this.#closing.signal;
    const either = signal ? AbortSignal.any([signal, closing]) : closing;
    await this.#turn(either);
    const trial = this.#untilStarted(work, either);
    this.#trials.add(trial);
    try {
      return await trial;
    } finally {
      this.#trials.delete(trial);
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Tries again when the host could not start a process: later, and with fewer of ours running. */
  async #untilStarted(
    work: (signal: AbortSignal) => Promise<Tried>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    for (let tries = 0;; tries++) {
      const { outcome, sides } = await work(signal);
      if (!sides.some((side) => side.lacked)) return outcome;
      if (tries >= MOST_TRIES) throw new NoProcessError("sandbox");
      this.#scarce = true;
      this.#workers = Math.max(1, this.#workers >> 1);
      await this.#endReady();
      await sleep(FIRST_PAUSE_MS * 2 ** tries, signal);
    }
  }

  async #endReady(): Promise<void> {
    const sides = this.#ready.splice(0).flatMap(({ judge, candidate }) => [judge, candidate]);
    await Promise.all(sides.map((side) => side.kill()));
  }

  /** A pair that is still alive: the host may have ended one that waited. */
  async #next(): Promise<Pair> {
    for (let pair = this.#ready.shift(); pair; pair = this.#ready.shift()) {
      if (pair.judge.running && pair.candidate.running) return pair;
      await Promise.all([pair.judge.kill(), pair.candidate.kill()]);
    }
    return this.#start();
  }

  #start(): Pair {
    const { judge, candidate } = this.#python;
    return { judge: this.#side(judge), candidate: this.#side(candidate) };
  }

  #side(program: Uint8Array): Side {
    return new Side(this.#confinement, this.#python, program, this.#folder);
  }

  /** Waits until fewer than the allowed number are running. */
  async #turn(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    while (this.#running >= this.#workers) {
      let wake = () => {};
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.#waiting.push(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
      signal.removeEventListener("abort", wake);
      const at = this.#waiting.indexOf(wake);
      if (at >= 0) this.#waiting.splice(at, 1);
      if (signal.aborted) this.#waiting.shift()?.(); // this waiter may have been the next one
      throwIfAborted(signal);
    }
    this.#running++;
  }

  /** Cancels running programs and ends every process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new CancelledError("the sandbox was closed"));
    await Promise.allSettled(this.#trials);
    await this.#endReady();
    this.#confinement.close();
    if (!this.confined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The Python that was named. @throws {InputError} it does not exist. */
function python({ python }: SandboxOptions): Promise<Interpreter> {
  return findInterpreter(python);
}

/** Why programs in other languages cannot run. */
export const ONLY_PYTHON = "sandbox: Pyodide runs Python only; other languages need bubblewrap " +
  "(Debian, Ubuntu: apt-get install bubblewrap)";

/** The program that is tried once when a sandbox is opened. */
const TRY: Program = {
  code: "def same(x):\n    return x\n",
  entry_point: "same",
  test: "def check(candidate):\n    assert candidate([1]) == [1]\n",
  form: "check",
  timeout_s: 20,
  memory_bytes: 512 << 20,
};

function refusal(why: string): string {
  return `sandbox: ${
    why.replace(/^sandbox: /, "")
  }. Coding tests run programs that nobody has read, so they need one: ` +
    `install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install ` +
    `bubblewrap) or run dyno with Deno, which brings Pyodide; or on a host that is thrown away afterwards ask for "none"`;
}

function nothing(): Outcome {
  return {
    class: "no_code",
    passed: false,
    detail: "there is no program",
    checks: null,
    stdout: "",
    wall_s: 0,
    worked_s: 0,
    cpu_s: 0,
    max_rss_bytes: null,
  };
}
