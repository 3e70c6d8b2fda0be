/** The output of a program that is asked something short before any test runs. */
import { execFile } from "node:child_process";
import { messageOf } from "../../errors.ts";

/** Such a program answers in 0.1 s, but may take longer on a busy machine. */
const PATIENCE_MS = 60_000;

/**
 * Runs a program with a text as its input; returns its standard output.
 *
 * @throws {Error} the program failed (with its own message), or did not answer within a minute.
 */
export function programOutput([program, ...args]: string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { timeout: PATIENCE_MS, maxBuffer: 4 << 20 },
      (error, out, err) => {
        if (!error) return resolve(String(out));
        const late = error.killed ? `no answer within ${PATIENCE_MS / 1000} s` : "";
        reject(new Error(late || err || messageOf(error)));
      },
    );
    child.stdin!.on("error", () => {}); // reported by the callback
    child.stdin!.end(input);
  });
}
