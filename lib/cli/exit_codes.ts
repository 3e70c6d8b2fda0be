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
