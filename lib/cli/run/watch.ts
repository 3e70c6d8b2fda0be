/** dyno run --watch: runs the suite again whenever its files change, each time in a new process. */
import { spawn } from "node:child_process";
import { existsSync, statSync, watch } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { InputError } from "../../errors.ts";
import { ownCommand } from "../../execute/own_program.ts";
import { readJsonFile } from "../../settings/json_file.ts";
import { noSuchFile } from "../../text/no_such_file.ts";
import { shortPath } from "../../text/short_path.ts";
import { EXIT } from "../ui/command.ts";
import type { CommandContext } from "../ui/command.ts";

/**
 * An editor writes a file in several steps: if this time passes without another change, it has
 * finished.
 */
const QUIET_MS = 300;

/** Files of these types may name other files. */
const NAMES_OTHERS = /\.(json|jsonc|ya?ml)$/i;

/**
 * The files of a suite or an experiment: the file itself, every file that a text in it names, and
 * the files that those name. Paths are relative to the naming file's folder, or, for an
 * experiment's suite, to the current folder.
 */
async function filesOf(first: readonly string[]): Promise<Set<string>> {
  const files = new Set(first.map((path) => resolve(path)));
  for (const path of files) { // the set grows during the loop
    if (!NAMES_OTHERS.test(path)) continue;
    // a file that is being written, or is wrong: the run reports what is wrong
    const file = await readJsonFile(path).catch(() => null);
    for (const text of textsIn(file?.value)) {
      const named = [resolve(dirname(path), text), resolve(text)].find(isFile);
      if (named !== undefined) files.add(named);
    }
  }
  return files;
}

/** Every text in a JSON value that could be a path. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === "string") {
    if (value.length < 1000 && !/[\0\n]/.test(value)) yield value.replace(/^file:\/\//, "");
  } else if (value !== null && typeof value === "object") {
    for (const part of Object.values(value)) yield* textsIn(part);
  }
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** A stamp that differs after a file was written or replaced. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "none" : `${found.mtimeMs} ${found.size} ${found.ino}`;
}

/**
 * Watches the files as they are now. Folders are watched, not files, because many editors replace a
 * file with a new one.
 */
class WatchedFiles implements Disposable {
  readonly #stamps: Map<string, string>;
  readonly #watchers;
  #onEvent = () => {};

  constructor(files: ReadonlySet<string>) {
    const folders = new Set([...files].map((path) => dirname(path)).filter(existsSync));
    this.#watchers = [...folders].map((folder) => watch(folder, () => this.#onEvent()));
    this.#stamps = new Map([...files].map((path) => [path, stampOf(path)]));
  }

  #changed(): string[] {
    return [...this.#stamps].filter(([path, stamp]) => stampOf(path) !== stamp)
      .map(([path]) => path);
  }

  /**
   * The files that changed since the start, once no file has changed for a while; empty if aborted.
   */
  async changes(signal: AbortSignal): Promise<string[]> {
    for (let before = ""; !signal.aborted;) {
      const changed = this.#changed();
      const now = changed.map((path) => `${path} ${stampOf(path)}`).join();
      if (changed.length > 0 && now === before) return changed;
      before = now;
      if (changed.length > 0) await wait(QUIET_MS, null, { signal }).catch(() => {});
      else await this.#event(signal);
    }
    return [];
  }

  #event(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#onEvent = done;
      signal.addEventListener("abort", done);
      if (signal.aborted || this.#changed().length > 0) done();
    });
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}

/**
 * Runs `dyno run` with these words, and again after each change, until the signal is aborted.
 *
 * @param first the files that the words name.
 * @throws {InputError} one of them does not exist.
 */
export async function runAndWatch(
  words: readonly string[],
  first: readonly string[],
  { terminal, signal }: CommandContext,
): Promise<number> {
  for (const path of first) {
    if (!isFile(path)) throw new InputError(noSuchFile(path));
  }
  const say = (line: string) => terminal.say(terminal.paint.dim(line));
  while (!signal.aborted) {
    const files = await filesOf(first);
    using watched = new WatchedFiles(files);
    await finished([...ownCommand(), "run", ...words], signal);
    if (signal.aborted) break;
    say(`watching ${files.size === 1 ? "1 file" : `${files.size} files`}; Ctrl-C ends`);
    const changed = await watched.changes(signal);
    if (changed.length > 0) say(`changed: ${changed.map(shortPath).join(", ")}`);
  }
  return EXIT.interrupted;
}

/** Runs in a new process, so that modules are loaded again. */
function finished([program, ...args]: string[], signal: AbortSignal): Promise<void> {
  const child = spawn(program, args, { stdio: "inherit" });
  // a terminal signals the run too, which counts both signals as one
  const stop = () => void child.kill("SIGINT");
  signal.addEventListener("abort", stop);
  return new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  }).finally(() => signal.removeEventListener("abort", stop));
}
