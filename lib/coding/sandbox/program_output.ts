/** What a program prints that is asked something short before any test runs. */
import { execFile } from "node:child_process";
import { messageOf } from "../../errors.ts";

/** Such a program answers in 0.1 s; a busy machine takes its time. */
const PATIENCE_MS = 60_000;

/**
 * Runs a program with a text as its input; gives its standard output.
 *
 * @throws {Error} in the program's words that it failed, or that it did not answer within a minute.
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
    child.stdin!.on("error", () => {}); // told by the callback
    child.stdin!.end(input);
  });
}
