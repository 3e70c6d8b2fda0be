/** Frees memory between two phases of work. */
import process from "node:process";

/** Less than this is left to the engine: a collection costs more than it frees. */
const WORTH_BYTES = 24 << 20;

let collect: Promise<() => void> | null = null;
/** The least that was in use since the start or the last collection, in bytes. */
let least = used();

/**
 * Frees what the previous phase has left, if that may be 24 MiB or more. Otherwise, when the next
 * phase allocates much, the engine would keep both: its heap and the buffers outside it grow by a
 * share before it collects. Takes some ten milliseconds; does nothing if the runtime has no such
 * call.
 */
export async function collectGarbage(): Promise<void> {
  least = Math.min(least, used());
  if (used() - least < WORTH_BYTES) return;
  (await (collect ??= collector()))();
  least = used();
}

/** Bytes in the engine's heap and in buffers outside it. */
function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * The engine's own function, which exists only in a context that is created after the flag is set.
 */
async function collector(): Promise<() => void> {
  try {
    const [v8, vm] = await Promise.all([import("node:v8"), import("node:vm")]);
    v8.setFlagsFromString("--expose-gc");
    const found = vm.runInNewContext("gc");
    if (typeof found === "function") return () => found();
  } catch { /* a runtime without them */ }
  return () => {};
}
