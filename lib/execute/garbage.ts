/** Frees memory between two phases of work. */

let collect: Promise<() => void> | null = null;

/**
 * Frees what the previous phase has left. Otherwise, when the next phase allocates much, the engine
 * would keep both: its heap and the buffers outside it grow by a share before it collects. Takes
 * some ten milliseconds; does nothing if the runtime has no such call.
 */
export async function collectGarbage(): Promise<void> {
  (await (collect ??= collector()))();
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
