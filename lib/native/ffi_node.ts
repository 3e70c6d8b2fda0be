/** The bridge under Node: koffi, an optional dependency. */
import { type NativeCalls, type NativeSignature, type NativeType, SYMBOLS } from "./symbols.ts";
import { messageOf } from "../errors.ts";

const C_TYPES: Record<NativeType, string> = { i32: "int32_t", u32: "uint32_t", buffer: "void *" };

type KoffiFunction = ((...values: unknown[]) => number) & {
  async(...valuesAndCallback: unknown[]): void;
};

interface Koffi {
  load(path: string): {
    func(name: string, result: string, parameters: string[]): KoffiFunction;
    unload(): void;
  };
}

/** The name is held apart, so that bundlers and type checkers do not look for it. */
const KOFFI = "koffi";

/**
 * Loads koffi.
 *
 * @throws {Error} when it is not installed
 */
export async function importKoffi(): Promise<Koffi> {
  try {
    const module = await import(KOFFI);
    return module.default ?? module;
  } catch (error) {
    throw new Error(
      `koffi, which loads libdyno under Node, is not installed: npm install koffi ` +
        `(${messageOf(error).split("\n")[0]})`,
    );
  }
}

/**
 * Opens a library.
 *
 * @throws {Error} when koffi is not installed, or the file cannot be loaded or lacks a function
 */
export async function openWithKoffi(
  path: string,
): Promise<{ call: NativeCalls; close: () => void }> {
  const library = (await importKoffi()).load(path);
  const call = Object.fromEntries(
    Object.entries(SYMBOLS).map(([name, signature]: [string, NativeSignature]) => {
      const types = signature.parameters.map((type) => C_TYPES[type]);
      const direct = library.func(name, C_TYPES[signature.result], types);
      return [name, signature.nonblocking ? onThread(direct) : direct];
    }),
  );
  return { call: call as unknown as NativeCalls, close: () => library.unload() };
}

/** A function that may block, called on one of koffi's threads. */
function onThread(direct: KoffiFunction): (...values: unknown[]) => Promise<number> {
  return (...values) =>
    new Promise((resolve, reject) => {
      direct.async(...values, (error: unknown, result: number) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
}
