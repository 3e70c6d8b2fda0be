/** Errors that are the user's to mend, told apart from faults of ours. */

/**
 * Wrong usage or input: a flag, a file, a value, a folder. The message names it, gives the value,
 * says what was expected and what to do. The command line prints it as one line and exits with 2.
 *
 * @example
 * ```ts
 * throw new InputError(`--workers: "many" is not a number; give a whole number from 1, or "auto"`);
 * ```
 */
export class InputError extends Error {
  /** Tells it from other errors where `instanceof` cannot. */
  override readonly name = "InputError";
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

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
