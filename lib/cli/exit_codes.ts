/** Exit codes that every command keeps to. */
export const EXIT = {
  good: 0,
  /** The run has failures. */
  failures: 1,
  /** Wrong usage or input. */
  wrongInput: 2,
  /** A gate found a regression. */
  regression: 3,
  /** A gate has too little to tell. */
  underpowered: 4,
  /** A bug in dyno itself: EX_SOFTWARE of sysexits.h. */
  fault: 70,
  /** By Ctrl-C; what was done is saved. */
  interrupted: 130,
} as const;
