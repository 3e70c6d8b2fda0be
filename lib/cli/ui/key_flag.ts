/** The flag that says where a key may go that a file names. */
import { list } from "./flags.ts";

/** As the variable DYNO_KEY_ENV says it too, for commands that others start. */
export const keyFlag = {
  "key-env": list("NAME=ORIGIN", "lets a file send the key in NAME to ORIGIN (also: DYNO_KEY_ENV)"),
};
