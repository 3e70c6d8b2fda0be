/** The bridge under Node: koffi, an optional dependency. */
import { createRequire } from "node:module";
import { cacheFolders } from "../cache_folders.ts";
import { messageOf } from "../errors.ts";
import { packageFile } from "../package_files.ts";
import { isSingleFile } from "../single_file.ts";
import { installCached } from "./cache.ts";
import { readPrebuilt } from "./prebuilt.ts";
import { type NativeCalls, type NativeSignature, type NativeType, SYMBOLS } from "./symbols.ts";

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

/** Not a literal in the import, so that bundlers and type checkers do not resolve it. */
const KOFFI = "koffi";

/** The file name of koffi's native part in a single executable, next to libdyno. */
export const KOFFI_FILE = "koffi.node";

/**
 * Loads koffi.
 *
 * @throws {Error} it is not installed, or cannot be extracted from a single executable.
 */
export async function importKoffi(): Promise<Koffi> {
  if (isSingleFile()) return await keptKoffi();
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
 * Opens koffi's native part, the only part that is used, from the cache like other native files of
 * a release.
 */
async function keptKoffi(): Promise<Koffi> {
  const prebuilt = await readPrebuilt(packageFile("native/")!, KOFFI_FILE);
  if (prebuilt === null || typeof prebuilt === "string") {
    throw new Error(prebuilt ?? "koffi, which loads libdyno, is not inside this program");
  }
  const { library, reasons } = await installCached<Koffi>({
    folders: cacheFolders(),
    key: prebuilt.sha256.slice(0, 16),
    sha256: prebuilt.sha256,
    make: () => Promise.resolve(prebuilt.bytes),
    open: (path) => Promise.resolve(createRequire(path)(path)),
    file: { name: KOFFI, suffix: ".node" },
  });
  if (library === null) throw new Error(`koffi inside this program: ${reasons.join("; ")}`);
  return library;
}

/**
 * Opens a library.
 *
 * @throws {Error} koffi is not installed, or the file cannot be loaded or lacks a function.
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

/** Wraps a function that may block, to call it on one of koffi's threads. */
function onThread(direct: KoffiFunction): (...values: unknown[]) => Promise<number> {
  return (...values) =>
    new Promise((resolve, reject) => {
      direct.async(...values, (error: unknown, result: number) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
}
