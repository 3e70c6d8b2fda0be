/**
 * Files that come with dyno and are opened when they are needed. They lie beside lib/ in a checkout,
 * in a package and inside a compiled binary alike, so this is the one place that knows where it is.
 */
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { extracted, extractedFolders, isSingleFile, readInside } from "./single_file.ts";

/** A bundler that makes CommonJS leaves out where a module is: then they lie in the program, as in a folder. */
const HERE: string | undefined = import.meta.url;
const ROOT = HERE === undefined ? pathToFileURL(`${process.execPath}/`) : new URL("../", HERE);

/**
 * What lies there: folders end with a slash. A checkout has no `assets/`, no `native/prebuilt/` and no
 * `build.json` (the commit that a release was made of); a release has no `main.ts` and no `.git`.
 */
export const PACKAGE_FILES = [
  ".git",
  "build.json",
  "experiments/",
  "lib/server/dashboard/",
  "main.js",
  "main.ts",
  "native/",
] as const;

export type PackageFile = typeof PACKAGE_FILES[number];

/** Files of libraries, which a release that has the libraries inside keeps in `assets/`. */
export const LIBRARY_FILES = [
  "@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff2",
  "@fontsource/dejavu-sans/files/dejavu-sans-latin-700-normal.woff2",
  "@resvg/resvg-wasm/index_bg.wasm",
  "echarts/dist/echarts.min.js",
] as const;

export type LibraryFile = typeof LIBRARY_FILES[number];

/**
 * Path of a file or folder of the package; null where the package is not on a disk (a URL). In a single
 * executable made of Node only `experiments/` can be opened there.
 */
export function packageFile(name: PackageFile): string | null {
  const url = packageUrl(name);
  return url.protocol === "file:" ? fileURLToPath(url) : null;
}

/** Address of a file of the package, on a disk or not. */
export function packageUrl(name: PackageFile): URL {
  const path = name === "experiments/" ? extracted(name) : null;
  return path === null ? new URL(name, ROOT) : pathToFileURL(path);
}

/**
 * What is in a file of the package, wherever it lies; `path` begins with one of {@linkcode PACKAGE_FILES}.
 *
 * @throws the system's error where there is none.
 */
export function packageBytes(path: string): Uint8Array<ArrayBuffer> {
  return readInside(path) ?? new Uint8Array(readFileSync(new URL(path, ROOT)));
}

/**
 * What is in a file whose path begins with what {@linkcode packageFile} gave.
 *
 * @throws the system's error where there is none.
 */
export async function bytesAt(path: string): Promise<Uint8Array> {
  const inside = isSingleFile() ? readInside(relative(process.execPath, path)) : null;
  return inside ?? await readFile(path);
}

/** What is in a library's file: the package's own copy, or where the library is installed. */
export function libraryBytes(name: LibraryFile): Uint8Array<ArrayBuffer> {
  const inside = readInside(`assets/${name}`);
  if (inside !== null) return inside;
  const kept = new URL(`assets/${name}`, ROOT);
  const isKept = kept.protocol === "file:" && existsSync(kept);
  return new Uint8Array(readFileSync(isKept ? kept : new URL(import.meta.resolve(name))));
}

/** The folder of this package, where it is one on a disk; none else. */
export function packageFolders(): string[] {
  if (isSingleFile()) return extractedFolders();
  if (ROOT.protocol !== "file:") return [];
  for (let folder = fileURLToPath(ROOT); folder !== "/"; folder = dirname(folder)) {
    if (["package.json", "deno.json"].some((name) => existsSync(join(folder, name)))) {
      return [folder.replace(/\/$/, "")];
    }
  }
  return [];
}

/**
 * Whether the package's files lie inside this program, a compiled binary: they can be read, but the
 * system can neither start nor load them.
 */
export function isCompiled(): boolean {
  const deno = (globalThis as { Deno?: { build: { standalone: boolean } } }).Deno;
  return deno?.build.standalone ?? isSingleFile();
}

/** Whether this is Deno; else it is Node. */
export function underDeno(): boolean {
  return process.versions.deno !== undefined;
}
