/** Memory between two phases of work. */

let collect: Promise<() => void> | null = null;

/**
 * Frees what the phase before has left. Where the next one allocates much, the engine would let both stand:
 * its heap, and the buffers outside of it, grow by a share before it looks. Takes some ten
 * milliseconds; does nothing where the runtime has no such call.
 */
export async function collectGarbage(): Promise<void> {
  (await (collect ??= collector()))();
}

/** The engine's own function, which a context has that is made after it was asked for. */
async function collector(): Promise<() => void> {
  try {
    const [v8, vm] = await Promise.all([import("node:v8"), import("node:vm")]);
    v8.setFlagsFromString("--expose-gc");
    const found = vm.runInNewContext("gc");
    if (typeof found === "function") return () => found();
  } catch { /* a runtime without them */ }
  return () => {};
}
