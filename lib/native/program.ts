/** The C programs of dyno, built once with the host's compiler and kept in the user's cache folder. */
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { InputError } from "../errors.ts";
import { buildProgram, findSources } from "./build.ts";
import { cacheFolders, installCached } from "./cache.ts";
import { packageSources } from "./library.ts";

/** Programs by name: the folder of their sources in native/, and one file that must be there. */
const PROGRAMS = {
  agent_sched_sim: { folder: "sim", mark: "engine.c" },
  launch: { folder: "launch", mark: "launch.c" },
} as const;

export type ProgramName = keyof typeof PROGRAMS;

/** Where to look, for tests. */
export interface ProgramOptions {
  /** Gets one line when the program is built. */
  notice?: (line: string) => void;
  /** Folders for the built program, tried in turn. Default: the user's cache folders. */
  cacheFolders?: readonly string[];
}

/**
 * Path of a program of ours, built when it is needed for the first time and when its sources have
 * changed.
 *
 * @throws {InputError} there is no C compiler, or no folder that can hold programs.
 */
export async function nativeProgram(
  name: ProgramName,
  { notice, cacheFolders: folders = cacheFolders() }: ProgramOptions = {},
): Promise<string> {
  const { folder, mark } = PROGRAMS[name];
  if (process.platform !== "linux") throw unavailable(name, `this is ${process.platform}`);
  const native = packageSources();
  if (native === null) throw unavailable(name, "its sources are not beside this program");
  const sources = await findSources(join(native, folder), mark, name);
  if (typeof sources === "string") throw unavailable(name, sources);
  const { library: path, reasons } = await installCached({
    folders,
    key: sources.key,
    file: { name, suffix: "" },
    make: async (beside) => {
      const started = performance.now();
      const bytes = await buildProgram(sources, beside);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      notice?.(`built ${name} from ${sources.folder} in ${seconds} s, kept in ${beside}`);
      return bytes;
    },
    open: async (path) => {
      await access(path, constants.X_OK); // refused where the folder is mounted noexec
      return path;
    },
  });
  if (path === null) throw unavailable(name, reasons.join("; "));
  return path;
}

function unavailable(name: string, reason: string): InputError {
  return new InputError(`${name} cannot be built here: ${reason}`);
}
