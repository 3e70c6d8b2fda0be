/** The interface of a dyno command. */
import type { Flags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";
import type { EndPayload } from "../../notify/payload.ts";

export interface CommandContext {
  terminal: Terminal;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  /** Where ends of runs are reported, if --callback-url is given. */
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
  /** The values of its argument, if they are fixed words, for completion. */
  words?: readonly string[];
  /** Whether `--help` goes to the command like any other argument. */
  ownHelp?: boolean;
  /** The subcommand of that name, if there is one; its help is shown instead of this one. */
  subcommand?(argv: readonly string[]): Promise<Command | null>;
  /**
   * Runs the command; returns the exit code.
   *
   * @throws {InputError} wrong usage or input, printed as one line with exit code 2.
   */
  run(argv: string[], context: CommandContext): Promise<number>;
}

/** Reports events of one command's runs to a callback URL. */
export interface Callbacks {
  ended(end: Omit<EndPayload, "event" | "task_id" | "simulation_mode" | "timestamp">): void;
  /** A budget is nearly spent. */
  alert(message: string): void;
}

/** The exit codes of all commands. */
export const EXIT = {
  good: 0,
  /** The run has failures. */
  failures: 1,
  /** Wrong usage or input. */
  wrongInput: 2,
  /** A gate found a regression. */
  regression: 3,
  /** A gate has too few runs or requests to decide. */
  underpowered: 4,
  /** A bug in dyno itself: EX_SOFTWARE of sysexits.h. */
  fault: 70,
  /** Ended by Ctrl-C; finished work is saved. */
  interrupted: 130,
} as const;
