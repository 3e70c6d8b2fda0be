/** Pyodide, CPython in WebAssembly: the sandbox of hosts that have Deno and no bubblewrap. */
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../errors.ts";
import { CANDIDATE } from "./python_candidate.ts";
import { CHECKS } from "./python_checks.ts";
import { CODEC } from "./python_codec.ts";
import { JUDGE } from "./python_judge.ts";
import type { Confinement } from "./bubblewrap.ts";
import type { Interpreter } from "./interpreter.ts";

/** What a Deno process with Pyodide takes beside Python's own memory. */
const OVERHEAD_BYTES = 768 << 20;
const LARGEST_SNAPSHOT_BYTES = 256 << 20;

/** Its processes may read Pyodide's files; Deno denies them everything else. */
export const pyodideConfinement: Confinement = {
  name: "pyodide",
  description: "Pyodide, in processes that Deno lets read its own files only",
  wrap: (command) => ({ command, uid: null }),
  close: () => {},
};

/**
 * Loads Pyodide once, for a snapshot from which others start.
 * @returns why it does not work here, as text, if it does not.
 */
export async function findPyodide(): Promise<Interpreter | string> {
  const { Deno: deno } = globalThis as { Deno?: typeof Deno };
  if (deno === undefined) return "Pyodide runs under Deno only";
  if (deno.build.standalone) return "Pyodide needs the deno program, not a compiled dyno";
  try {
    const { default: info } = await import("pyodide/package.json", { with: { type: "json" } });
    const folder = new URL("./", import.meta.resolve("pyodide/pyodide.mjs"));
    const command = [
      ...[process.execPath, "run", "--quiet", "--no-prompt", "--no-config", "--no-lock"],
      // the optimising compiler takes longer than most programs run
      ...[
        "--v8-flags=--liftoff-only",
        "--cached-only",
        "--no-remote",
        "--no-npm",
        `--allow-read=${fileURLToPath(folder)}`,
      ],
      ...[fileURLToPath(new URL("./pyodide_side.ts", import.meta.url)), folder.href],
    ];
    const env = environment();
    const ahead = await snapshot(command, env);
    const bytes = (source: string) => new TextEncoder().encode(CODEC + source);
    return {
      path: command[0],
      command: [...command, String(ahead.length)],
      ahead,
      env,
      overhead_bytes: OVERHEAD_BYTES,
      version: `of Pyodide ${info.version}`,
      folders: [],
      packages: [],
      judge: bytes(CHECKS + JUDGE),
      candidate: bytes(CANDIDATE),
      runner: null,
    };
  } catch (error) {
    return `Pyodide does not start (${messageOf(error).trim().split("\n")[0]})`;
  }
}

/** What Deno needs to find its cache; a program in it may read no environment. */
function environment(): Record<string, string> {
  const env: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  for (const name of ["HOME", "DENO_DIR", "XDG_CACHE_HOME"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function snapshot([program, ...args]: string[], env: Record<string, string>): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    execFile(
      program,
      args,
      { env, encoding: "buffer", maxBuffer: LARGEST_SNAPSHOT_BYTES, timeout: 120_000 },
      (error, out, err) =>
        error ? reject(new Error(String(err) || messageOf(error))) : resolve(out),
    )
  );
}
