/** One of many processes that want the same locks at the same moments, and keep what they get. */
import process from "node:process";
import { messageOf } from "../../lib/errors.ts";
import { takeLock } from "../../lib/run/lock.ts";

const STEP_MS = 12;
const still = new Int32Array(new SharedArrayBuffer(4));
const [begin_unix_ms, ...paths] = process.argv.slice(2);
const said = paths.map((path, round) => {
  const at_unix_ms = Number(begin_unix_ms) + round * STEP_MS;
  Atomics.wait(still, 0, 0, Math.max(0, at_unix_ms - 1 - Date.now()));
  while (Date.now() < at_unix_ms); // all of them within microseconds
  try {
    takeLock(path);
    return null;
  } catch (error) {
    return messageOf(error);
  }
});
process.stdout.write(JSON.stringify(said));
process.stdin.resume().on("end", () => process.exit()); // alive until all have looked
