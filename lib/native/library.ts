/**
 * Finds libdyno, or builds it once. It tries, in this order: the file that DYNO_NATIVE names, the
 * prebuilt library of a released package or compiled binary, and a build of native/ with `cc`.
 */
import process from "node:process";
import { cacheFolders } from "../cache_folders.ts";
import { InputError, messageOf } from "../errors.ts";
import { isCompiled, packageFile } from "../package_files.ts";
import { buildLibrary, findSources } from "./build.ts";
import { environment } from "../environment.ts";
import { installCached } from "./cache.ts";
import {
  bridgeMissing,
  mayLoadFrom,
  type NativeLibrary,
  NOT_PERMITTED,
  openLibrary,
} from "./ffi.ts";
import { readPrebuilt } from "./prebuilt.ts";

/** libdyno and where it was found, or null and the reason: the portable code is used then. */
export type NativeFound =
  | {
    library: NativeLibrary;
    origin: "DYNO_NATIVE" | "embedded" | "prebuilt" | "built" | "cached";
    reason: null;
  }
  | { library: null; origin: null; reason: string };

/** Where to look, for tests and for programs that use their own folders. */
export interface FindOptions {
  /** Called with one line when the library is built. */
  notice?: (line: string) => void;
  /** The folder with dyno.h and the .c files. Default: native/ of this package. */
  sources?: string;
  /** Folders for the built library, tried in turn. Default: the user's cache folders. */
  cacheFolders?: readonly string[];
  /**
   * Whether a prebuilt library is copied to such a folder first. Default: only in a compiled
   * binary.
   */
  extract?: boolean;
}

async function fromEnvironment(): Promise<NativeFound | null> {
  const path = environment("DYNO_NATIVE");
  if (!path) return null;
  try {
    return { library: await openLibrary(path), origin: "DYNO_NATIVE", reason: null };
  } catch (error) {
    throw new InputError(
      `DYNO_NATIVE: "${path}" cannot be used: ${messageOf(error)}; ` +
        `name a libdyno.so of this version, or unset it`,
    );
  }
}

/** The library of a release, opened in its folder or extracted from a compiled binary. */
async function fromPrebuilt(
  native: string,
  folders: readonly string[],
  extract: boolean,
): Promise<NativeFound | string | null> {
  const prebuilt = await readPrebuilt(native, "libdyno.so");
  if (prebuilt === null || typeof prebuilt === "string") return prebuilt;
  if (!extract) {
    try {
      return { library: await openLibrary(prebuilt.path), origin: "prebuilt", reason: null };
    } catch (error) {
      return messageOf(error); // for example a prebuilt library for a newer libc: build it here instead
    }
  }
  const { library, reasons } = await installCached({
    folders,
    key: `embedded-${prebuilt.sha256.slice(0, 16)}`,
    sha256: prebuilt.sha256,
    make: () => Promise.resolve(prebuilt.bytes),
    open: openLibrary,
  });
  if (library) return { library, origin: "embedded", reason: null };
  return `the library inside this binary: ${reasons.join("; ")}`;
}

async function fromSources(options: FindOptions, folders: readonly string[], folder: string) {
  const sources = await findSources(folder);
  if (typeof sources === "string") return sources;
  if (folders.length === 0) return NOT_PERMITTED; // do not build what may not be loaded
  let built = false;
  const { library, reasons } = await installCached({
    folders,
    key: sources.key,
    make: async (beside) => {
      built = true;
      const started = performance.now();
      const bytes = await buildLibrary(sources, beside);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      options.notice?.(`built libdyno from ${folder} in ${seconds} s, kept in ${beside}`);
      return bytes;
    },
    open: openLibrary,
  });
  if (!library) return reasons.join("; ");
  return { library, origin: built ? "built" : "cached", reason: null } as const;
}

/**
 * Finds and opens libdyno in the order above. A missing library is not an error: `reason` then says
 * in one line what to do to get higher rates.
 *
 * @throws {InputError} DYNO_NATIVE names a file that cannot be used.
 */
export async function findNative(options: FindOptions = {}): Promise<NativeFound> {
  const named = await fromEnvironment();
  if (named) return named;
  if (process.platform !== "linux") {
    return missing(`libdyno is for Linux, this is ${process.platform}`);
  }
  const bridge = await bridgeMissing();
  if (bridge) return missing(bridge);
  const reasons: string[] = [];
  const folders = (options.cacheFolders ?? cacheFolders()).filter(mayLoadFrom);
  const sources = options.sources ?? packageFile("native/");
  const attempts = [
    () => sources ? fromPrebuilt(sources, folders, options.extract ?? isCompiled()) : null,
    () => sources ? fromSources(options, folders, sources) : "no sources beside this program",
  ];
  for (const attempt of attempts) {
    const found = await attempt();
    if (typeof found === "string") reasons.push(found);
    else if (found) return found;
  }
  return missing(reasons.join("; "));
}

function missing(reason: string): NativeFound {
  return { library: null, origin: null, reason };
}

let found: Promise<NativeFound> | null = null;

/**
 * The process's libdyno, found by the first call and returned by every later one. `notice` of the
 * first caller receives the line that a build reports.
 *
 * @throws {InputError} DYNO_NATIVE names a file that cannot be used.
 *
 * @example
 * ```ts
 * const { library, reason } = await nativeLibrary((line) => console.error(line));
 * if (!library) console.error(`no native sampler: ${reason}`);
 * ```
 */
export function nativeLibrary(notice?: (line: string) => void): Promise<NativeFound> {
  found ??= findNative({ notice });
  return found;
}
