/** Errors that are the user's to fix, as opposed to bugs of dyno. */
import process from "node:process";

/** An error that says what happened outside dyno; any other that a user meets is a bug in dyno. */
export class ToldError extends Error {}

/**
 * Wrong usage or input: a flag, a file, a value, a folder. The message names it, gives the value,
 * says what was expected and what to do. The command line prints it as one line and exits with 2.
 *
 * @example
 * ```ts
 * throw new InputError(`--workers: "many" is not a number; give a whole number from 1, or "auto"`);
 * ```
 */
export class InputError extends ToldError {
  /** Tells it from other errors where `instanceof` cannot. */
  override readonly name = "InputError";
}

/** Several things are wrong with one input; the message has them all. */
export class InputFaults extends InputError {
  /** A line for a person each. */
  readonly faults: readonly string[];

  /** At least one. */
  constructor(faults: readonly string[]) {
    super(faults.join("; "));
    this.faults = faults;
  }
}

/** A file cannot be written: whatever else is tried, its result could not be kept. */
export class WriteError extends InputError {}

/** The host starts no further process or thread: nothing is known of what was to run in it. */
export class NoProcessError extends InputError {
  constructor(what: string) {
    super(
      `${what}: no further process or thread may be started; raise the limit (ulimit -u, or the ` +
        "container's limit of processes)",
    );
  }
}

/** The host refused, and its own words say what: no space, no right to. */
const REFUSALS = new Set(["EACCES", "EDQUOT", "EIO", "ENOMEM", "ENOSPC", "EPERM", "EROFS"]);

/**
 * What an error says on one line to the one who has to fix it.
 *
 * @returns null for a bug in dyno: neither wrong input, nor cancelled work, nor what an endpoint or
 * this host refused. The command line exits with 70 for it.
 */
export function toldPlainly(error: unknown): string | null {
  const message = messageOf(error);
  if (error instanceof ToldError) return message;
  const { name, code = "", syscall } = (error ?? {}) as {
    name?: string;
    code?: string;
    syscall?: string;
  };
  // native parts give the system's words alone
  if (code === "EMFILE" || code === "ENFILE" || /too many open files/i.test(message)) {
    return `${message}; raise the limit, e.g. ulimit -n 4096`;
  }
  if (code === "EAGAIN" && syscall?.startsWith("spawn")) return new NoProcessError(message).message;
  if (code === "ERR_UNKNOWN_BUILTIN_MODULE") {
    return `${message}; dyno needs Node 22.13 or later, this is ${process.version}`;
  }
  // Deno's permissions, and Node's
  const isRefused = name === "NotCapable" || code === "ERR_ACCESS_DENIED" || REFUSALS.has(code);
  return isRefused ? message : null;
}

/**
 * Whether what a function of this library threw is a bug in dyno, to be reported, instead of wrong
 * input ({@linkcode InputError}), an endpoint's failure, cancelled work or what the host refused.
 */
export function isFault(error: unknown): boolean {
  return toldPlainly(error) === null;
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
