/** Pyodide, CPython in WebAssembly: the sandbox on hosts that have Deno but no bubblewrap. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../errors.ts";
import { cacheFolders } from "../../cache_folders.ts";
import { BuildError, installCached, sha256 } from "../../native/cache.ts";
import { CANDIDATE } from "./python_candidate.ts";
import { CHECKS } from "./python_checks.ts";
import { CHANNEL } from "./python_channel.ts";
import { IDENTITY } from "./python_identity.ts";
import { JUDGE } from "./python_judge.ts";
import { NAMES } from "./python_names.ts";
import { OBJECTS } from "./python_objects.ts";
import { REQUESTS } from "./python_requests.ts";
import { STATE } from "./python_state.ts";
import { TRUST } from "./python_trust.ts";
import { VALUES } from "./python_values.ts";
import type { Confinement } from "./bubblewrap.ts";
import type { Interpreter } from "./interpreter.ts";

/** Memory that a Deno process with Pyodide needs in addition to Python's own. */
const OVERHEAD_BYTES = 768 << 20;
const LARGEST_SNAPSHOT_BYTES = 256 << 20;

/** Its processes may read Pyodide's files; Deno denies them everything else. */
export const pyodideConfinement: Confinement = {
  name: "pyodide",
  description: "Pyodide, in processes that Deno lets read its own files only",
  wrap: (command) => ({ command, uid: null }),
  guarded: false,
  close: () => {},
};

/**
 * Loads Pyodide once for each version of it and of Deno. A snapshot of its memory, from which all others
 * start, is kept in the user's cache folder.
 * @returns the reason as text when it does not work here.
 */
export async function findPyodide(): Promise<Interpreter | string> {
  const { Deno: deno } = globalThis as { Deno?: typeof Deno };
  if (deno === undefined) return "Pyodide runs under Deno only";
  if (deno.build.standalone) return "Pyodide needs the deno program, not a compiled dyno";
  try {
    const { version } = await import("pyodide/pyodide.mjs"); // fetches the package
    const folder = new URL("./", import.meta.resolve("pyodide/pyodide.mjs"));
    const side = fileURLToPath(new URL("./pyodide_side.ts", import.meta.url));
    const reading = (...paths: string[]) => [
      ...[process.execPath, "run", "--quiet", "--no-prompt", "--no-config", "--no-lock"],
      // the optimising compiler takes longer than most programs run
      ...["--v8-flags=--liftoff-only", "--cached-only", "--no-remote", "--no-npm"],
      `--allow-read=${[fileURLToPath(folder), ...paths].join(",")}`,
      ...[side, folder.href],
    ];
    const env = environment();
    const source = compiled({
      judge: CHANNEL + VALUES + IDENTITY + OBJECTS + REQUESTS + STATE + CHECKS + TRUST + NAMES +
        JUDGE,
      candidate: CHANNEL + VALUES + IDENTITY + OBJECTS + REQUESTS + STATE + CANDIDATE,
    });
    const versions = [version, deno.version, deno.build.target];
    let fault: Error | null = null;
    const { library: path, reasons } = await installCached({
      folders: cacheFolders(),
      file: { name: "pyodide", suffix: ".snapshot" },
      key: sha256(JSON.stringify([versions, readFileSync(side, "utf8"), source])).slice(0, 16),
      make: () =>
        snapshot(reading(), env, source).catch((error) => {
          fault = error;
          throw new BuildError(messageOf(error));
        }),
      open: (path) => Promise.resolve(path),
    });
    if (path === null) {
      throw fault ?? new Error(
        `its snapshot of 32 MB has no place, XDG_CACHE_HOME can name one: ${reasons.join("; ")}`,
      );
    }
    const command = [...reading(path), path];
    const runs = (name: string) => new TextEncoder().encode(`exec(programs["${name}"])`);
    return {
      path: command[0],
      command,
      env,
      overhead_bytes: OVERHEAD_BYTES,
      version: `of Pyodide ${version}`,
      folders: [],
      packages: [],
      judge: runs("judge"),
      candidate: runs("candidate"),
      runner: null,
    };
  } catch (error) {
    return `Pyodide does not start (${messageOf(error).trim().split("\n")[0]})`;
  }
}

/** Python that compiles the programs by name, so that later starts from the snapshot need no compiler. */
function compiled(programs: Record<string, string>): string {
  return `programs = {name: compile(source, name, "exec") for name, source in ${
    JSON.stringify(programs)
  }.items()}`;
}

/** The variables that Deno needs to find its cache; a program in it cannot read the environment. */
function environment(): Record<string, string> {
  const env: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  for (const name of ["HOME", "DENO_DIR", "XDG_CACHE_HOME"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** The memory of a Python after it has run `source`. */
function snapshot(
  [program, ...args]: string[],
  env: Record<string, string>,
  source: string,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env, encoding: "buffer", maxBuffer: LARGEST_SNAPSHOT_BYTES, timeout: 120_000 },
      (error, out, err) =>
        error ? reject(new Error(String(err) || messageOf(error))) : resolve(out),
    );
    child.stdin!.on("error", () => {}); // reported by the callback
    child.stdin!.end(source);
  });
}
