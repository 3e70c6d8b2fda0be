/**
 * Files that come with dyno and are opened when they are needed. They lie beside lib/ in a checkout,
 * in a package and inside a compiled binary alike, so this is the one place that knows where it is.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { extracted, isSingleFile } from "./single_file.ts";

/** A bundler that makes CommonJS leaves out where a module is. */
const HERE: string | undefined = import.meta.url;
const ROOT = new URL("../", HERE ?? pathToFileURL(process.execPath));

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

/** Path of a file or folder of the package; null where the package is not on a disk (a URL). */
export function packageFile(name: PackageFile): string | null {
  const url = packageUrl(name);
  return url.protocol === "file:" ? fileURLToPath(url) : null;
}

/** Address of a file of the package, on a disk or not. */
export function packageUrl(name: PackageFile): URL {
  return urlOf(name);
}

/** Address of a library's file, of the package or where the library is installed. */
export function libraryUrl(name: LibraryFile): URL {
  const kept = urlOf(`assets/${name}`);
  const isKept = kept.protocol === "file:" && existsSync(kept);
  return isKept ? kept : new URL(import.meta.resolve(name));
}

function urlOf(name: string): URL {
  const path = extracted(name);
  return path === null ? new URL(name, ROOT) : pathToFileURL(path);
}

/** The folder of this package, where it is one on a disk; none else. */
export function packageFolders(): string[] {
  if (isSingleFile()) return [fileURLToPath(urlOf("./"))];
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
