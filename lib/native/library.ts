/**
 * Finds libdyno, or builds it once. In this order: the file that DYNO_NATIVE names, the copy inside
 * a compiled binary, the prebuilt one of a released package, the sources in native/ and `cc`.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { InputError, messageOf } from "../errors.ts";
import { buildLibrary, findSources } from "./build.ts";
import { environment } from "./environment.ts";
import { cacheFolders, installCached, sha256 } from "./cache.ts";
import { bridgeMissing, type NativeLibrary, openLibrary } from "./ffi.ts";

/** A library carried inside a compiled binary: made by scripts/build_native.ts. */
export interface EmbeddedLibrary {
  /** The platform it is for, as {@linkcode platformName} gives it. */
  platform: string;
  /** Of the library itself, hexadecimal. */
  sha256: string;
  gzip_base64: string;
}

/** libdyno and where it came from, or null and why: then portable paths are taken. */
export type NativeFound =
  | {
    library: NativeLibrary;
    origin: "DYNO_NATIVE" | "embedded" | "prebuilt" | "built" | "cached";
    reason: null;
  }
  | { library: null; origin: null; reason: string };

/** Where to look, for tests and for programs that keep their own places. */
export interface FindOptions {
  /** Gets one line when the library is built. */
  notice?: (line: string) => void;
  /** The folder with dyno.h and the .c files. Default: native/ of this package. */
  sources?: string;
  /** Folders for the built library, tried in turn. Default: the user's cache folders. */
  cacheFolders?: readonly string[];
}

let embedded: EmbeddedLibrary | null = null;

/** A compiled binary's entry calls this before anything else, with the library it carries. */
export function provideEmbedded(library: EmbeddedLibrary): void {
  embedded = library;
}

/** The platform's name in prebuilt folders: `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
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

async function gunzip(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function fromEmbedded(folders: readonly string[]): Promise<NativeFound | string | null> {
  if (!embedded || embedded.platform !== platformName()) return null;
  const wanted = embedded;
  const { library, reasons } = await installCached({
    folders,
    key: `embedded-${wanted.sha256.slice(0, 16)}`,
    sha256: wanted.sha256,
    make: () => gunzip(wanted.gzip_base64),
    open: openLibrary,
  });
  if (library) return { library, origin: "embedded", reason: null };
  return `the library inside this binary: ${reasons.join("; ")}`;
}

/** A prebuilt library lies beside its hash: a truncated file would kill the process. */
async function fromPrebuilt(sources: string): Promise<NativeFound | string | null> {
  const path = join(sources, "prebuilt", platformName(), "libdyno.so");
  let bytes: Uint8Array, hash: string;
  try {
    [bytes, hash] = await Promise.all([readFile(path), readFile(`${path}.sha256`, "utf8")]);
  } catch {
    return null; // a checkout has none
  }
  if (sha256(bytes) !== hash.trim()) return `${path} is damaged: its hash is another`;
  try {
    return { library: await openLibrary(path), origin: "prebuilt", reason: null };
  } catch (error) {
    return messageOf(error); // a prebuilt for a newer C library, say: build it here
  }
}

async function fromSources(options: FindOptions, folders: readonly string[], folder: string) {
  const sources = await findSources(folder);
  if (typeof sources === "string") return sources;
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

/** The folder native/ of this package; null where it is not on a disk. */
export function packageSources(): string | null {
  const url = new URL("../../native/", import.meta.url);
  return url.protocol === "file:" ? fileURLToPath(url) : null;
}

/**
 * Finds and opens libdyno; see the order above. Never throws for a library that is merely missing:
 * `reason` then says in one line what to do for the higher rates.
 *
 * @throws {InputError} when DYNO_NATIVE names a file that cannot be used
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
  const folders = options.cacheFolders ?? cacheFolders();
  const sources = options.sources ?? packageSources();
  const attempts = [
    () => fromEmbedded(folders),
    () => sources ? fromPrebuilt(sources) : null,
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
 * The process's libdyno: found at the first call, the same ever after. The first caller's `notice`
 * gets the one line that a build says.
 *
 * @throws {InputError} when DYNO_NATIVE names a file that cannot be used
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
