/** Compiles libdyno and the programs from their sources with the host's C compiler. */
import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { messageOf } from "../errors.ts";
import { BuildError, sha256 } from "./cache.ts";
import { environment } from "../environment.ts";

/** The same as LIBRARY_FLAGS in native/Makefile. */
const FLAGS = [
  "-std=c11",
  "-D_GNU_SOURCE",
  "-O2",
  "-fPIC",
  "-pthread",
  "-fvisibility=hidden",
  "-shared",
  "-Wl,-z,nodelete",
];
const LIBRARIES = ["-ldl", "-lm"];
/** The same as FLAGS in the programs' Makefiles. */
const PROGRAM_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2"];

/** A part of native/ that is built separately: libdyno, or a program. */
export interface NativePart {
  name: string;
  /** A file that must exist; all paths are relative to native/. */
  mark: string;
  holds(path: string): boolean;
}

/** All of native/ except the programs and build outputs. */
const LIBRARY: NativePart = {
  name: "libdyno",
  mark: "dyno.h",
  holds: (path) => !/^(sim|launch|build|prebuilt)\//.test(path),
};

/** The C files of a part, and a key that changes with the files, the flags or the machine. */
export interface NativeSources {
  /** The folder native/, which include paths are relative to. */
  folder: string;
  part: NativePart;
  units: string[];
  key: string;
}

/** Reads a part's sources from a folder laid out like native/; a message if there are none. */
export async function findSources(
  folder: string,
  part: NativePart = LIBRARY,
): Promise<NativeSources | string> {
  let names: string[];
  try {
    names = (await readdir(folder, { recursive: true }))
      .filter((name) => /\.[ch]$/.test(name) && part.holds(name)).sort();
  } catch (error) {
    return `no sources of ${part.name}: ${messageOf(error)}`;
  }
  if (!names.includes(part.mark)) return `no sources of ${part.name} in ${folder}`;
  const texts: string[] = []; // one at a time: few files may be open at once
  for (const name of names) texts.push(await readFile(join(folder, name), "utf8"));
  const parts = names.map((name, i) => `${name}\n${texts[i].length}\n${texts[i]}`);
  return {
    folder,
    part,
    units: names.filter((name) => name.endsWith(".c")).map((name) => join(folder, name)),
    key: `${process.arch}-${
      sha256([...FLAGS, ...LIBRARIES, ...PROGRAM_FLAGS, ...parts].join("\n")).slice(0, 16)
    }`,
  };
}

interface CompilerRun {
  succeeded: boolean;
  stderr: string;
}

async function runUnderDeno(cc: string, parameters: string[], env: Record<string, string>) {
  const command = new Deno.Command(cc, { args: parameters, env, clearEnv: true });
  const { success, stderr } = await command.output();
  return { succeeded: success, stderr: new TextDecoder().decode(stderr) };
}

function runUnderNode(
  cc: string,
  parameters: string[],
  env: Record<string, string>,
): Promise<CompilerRun> {
  return new Promise((resolve, reject) => {
    const child = execFile(cc, parameters, { env }, (error, _out, stderr) => {
      if (child.pid === undefined && error) reject(error); // it did not even start
      else resolve({ succeeded: error === null, stderr });
    });
  });
}

/**
 * Runs the compiler. Only PATH is passed on, because LD_LIBRARY_PATH, which CUDA users set, must
 * not reach the compiler. Deno's own API is used under Deno, where
 * node:child_process would need more permissions than `--allow-run=cc`.
 */
async function compile(cc: string, parameters: string[], what: string): Promise<void> {
  const env = { PATH: environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin" };
  const run = "Deno" in globalThis ? runUnderDeno : runUnderNode;
  let outcome: CompilerRun;
  try {
    outcome = await run(cc, parameters, env);
  } catch (error) {
    throw new BuildError(
      `no C compiler: install gcc (or another with the name ${cc}) for ${what} ` +
        `(${messageOf(error)})`,
    );
  }
  if (!outcome.succeeded) {
    throw new BuildError(`${cc} could not build ${what}: ${outcome.stderr.trim().split("\n")[0]}`);
  }
}

/**
 * Compiles the sources and returns the library's bytes; works in `folder`.
 *
 * @throws {BuildError} there is no compiler, or it fails.
 */
export function buildLibrary(
  sources: NativeSources,
  folder: string,
  cc = "cc",
): Promise<Uint8Array> {
  const includes = `-I${sources.folder}`;
  return builtBytes(cc, [...FLAGS, includes, ...sources.units, ...LIBRARIES], folder, "libdyno");
}

/**
 * Compiles a program as its Makefile does; otherwise the same as {@linkcode buildLibrary}. A
 * release adds `further` flags.
 */
export function buildProgram(
  { folder, part, units }: NativeSources,
  beside: string,
  cc = "cc",
  further: readonly string[] = [],
): Promise<Uint8Array> {
  const parameters = [...PROGRAM_FLAGS, `-I${folder}`, ...further, ...units, "-lm"];
  return builtBytes(cc, parameters, beside, part.name);
}

async function builtBytes(
  cc: string,
  parameters: string[],
  folder: string,
  what: string,
): Promise<Uint8Array> {
  const output = join(folder, `.build-${crypto.randomUUID()}`);
  try {
    await compile(cc, [...parameters, "-o", output], what);
    return await readFile(output);
  } finally {
    await rm(output, { force: true });
  }
}
