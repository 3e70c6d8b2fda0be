/** The flag that says which hosts may receive a key that a file names. */
import { list } from "./flags.ts";

/** The variable DYNO_KEY_ENV means the same, for commands started by other programs. */
export const keyFlag = {
  "key-env": list("NAME=ORIGIN", "lets a file send the key in NAME to ORIGIN (also: DYNO_KEY_ENV)"),
};
