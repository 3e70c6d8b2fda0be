/**
 * dyno's C programs: from a release, or built once with the host's compiler and kept in the user's
 * cache folder.
 */
import { access, constants } from "node:fs/promises";
import process from "node:process";
import { cacheFolders } from "../cache_folders.ts";
import { InputError } from "../errors.ts";
import { packageFile } from "../package_files.ts";
import { buildProgram, findSources, type NativePart } from "./build.ts";
import { type CachedInstall, installCached } from "./cache.ts";
import { readPrebuilt } from "./prebuilt.ts";

/** The programs by name, and the part of native/ that each is built from. */
export const PROGRAMS = {
  agent_sched_sim: {
    name: "agent_sched_sim",
    mark: "sim/engine.c",
    holds: (path) => /^(sim\/|base\/heap\.)/.test(path),
  },
  launch: {
    name: "launch",
    mark: "launch/launch.c",
    holds: (path) => path.startsWith("launch/"),
  },
} as const satisfies Record<string, NativePart>;

export type ProgramName = keyof typeof PROGRAMS;

/** Where to look, for tests. */
export interface ProgramOptions {
  /** The folder with sources and prebuilt programs. Default: native/ of this package. */
  native?: string;
  /** Called with one line when the program is built. */
  notice?: (line: string) => void;
  /** Folders for the built program, tried in turn. Default: the user's cache folders. */
  cacheFolders?: readonly string[];
}

/**
 * The path of one of dyno's programs. It is built when first needed, and again after its sources
 * have changed.
 *
 * @throws {InputError} there is no C compiler, or no folder that can hold programs.
 */
export async function nativeProgram(
  name: ProgramName,
  options: ProgramOptions = {},
): Promise<string> {
  if (process.platform !== "linux") throw unavailable(name, `this is ${process.platform}`);
  const native = options.native ?? packageFile("native/");
  if (native === null) throw unavailable(name, "its sources are not beside this program");
  const folders = options.cacheFolders ?? cacheFolders();
  const reasons: string[] = [];
  for (const attempt of [fromPrebuilt, fromSources]) {
    const found = await attempt(name, native, folders, options);
    if (found === null) continue;
    if (found.path !== null) return found.path;
    reasons.push(...found.reasons);
  }
  throw unavailable(name, reasons.join("; "));
}

type ProgramFound = { path: string } | { path: null; reasons: string[] };

/** Always copies through a cache folder, because an archive may have lost the file's mode. */
async function fromPrebuilt(
  name: ProgramName,
  native: string,
  folders: readonly string[],
): Promise<ProgramFound | null> {
  const prebuilt = await readPrebuilt(native, name);
  if (prebuilt === null) return null;
  if (typeof prebuilt === "string") return { path: null, reasons: [prebuilt] };
  return await kept(name, {
    folders,
    key: `prebuilt-${prebuilt.sha256.slice(0, 16)}`,
    sha256: prebuilt.sha256,
    make: () => Promise.resolve(prebuilt.bytes),
  });
}

async function fromSources(
  name: ProgramName,
  native: string,
  folders: readonly string[],
  { notice }: ProgramOptions,
): Promise<ProgramFound> {
  const sources = await findSources(native, PROGRAMS[name]);
  if (typeof sources === "string") return { path: null, reasons: [sources] };
  return await kept(name, {
    folders,
    key: sources.key,
    make: async (beside) => {
      const started = performance.now();
      const bytes = await buildProgram(sources, beside);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      notice?.(`built ${name} from ${sources.folder} in ${seconds} s, kept in ${beside}`);
      return bytes;
    },
  });
}

async function kept(
  name: ProgramName,
  install: Omit<CachedInstall<string>, "file" | "open">,
): Promise<ProgramFound> {
  const { library: path, reasons } = await installCached({
    ...install,
    file: { name, suffix: "" },
    open: async (path) => {
      await access(path, constants.X_OK); // fails if the folder is mounted noexec
      return path;
    },
  });
  return path === null ? { path, reasons } : { path };
}

function unavailable(name: string, reason: string): InputError {
  return new InputError(`${name} cannot be built here: ${reason}`);
}
