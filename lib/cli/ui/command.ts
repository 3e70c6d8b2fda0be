/** What a command of dyno is. */
import type { Flags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";
import type { EndPayload } from "../../notify/payload.ts";

export interface CommandContext {
  terminal: Terminal;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  /** Where ends of runs are reported, if --callback-url asks for that. */
  callbacks?: Callbacks | null;
}

/** Commands by name, each loaded only when it is called. */
export type Commands = Record<
  string,
  { summary: string; load: () => Promise<{ command: Command }> }
>;

export interface Command {
  /** The help: usage, flags, examples. */
  help: string[];
  flags?: Flags;
  subcommands?: Commands;
  /** What its argument may be, where that is one of some words, for completion. */
  words?: readonly string[];
  /** Whether `--help` goes to the command like any other argument. */
  ownHelp?: boolean;
  /** The subcommand of a word, where it is one; its help is shown instead of this. */
  subcommand?(argv: readonly string[]): Promise<Command | null>;
  /**
   * Runs the command; gives the exit code.
   *
   * @throws {InputError} wrong usage or input, printed as one line with exit code 2.
   */
  run(argv: string[], context: CommandContext): Promise<number>;
}

/** Tells a callback URL what happens to the runs of one command. */
export interface Callbacks {
  ended(end: Omit<EndPayload, "event" | "task_id" | "simulation_mode" | "timestamp">): void;
  /** A budget is nearly spent. */
  alert(message: string): void;
}
