/** dyno itself as a program that a sweep runs. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { resolve } from "@std/path";
import { InputError } from "../errors.ts";

/** A small young heap: shorter pauses while a client measures. */
const HEAP = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=30";

/**
 * The program and the arguments that come before dyno's own.
 *
 * @throws {InputError} under another runtime, which cannot start dyno's command line.
 */
export function ownProgram(): { path: string; leading: string[] } {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  if (deno === undefined) {
    throw new InputError("a sweep of kind load or suite starts dyno itself, which needs Deno");
  }
  const path = process.execPath;
  if (deno.build.standalone) return { path, leading: [] };
  return { path, leading: ["run", "-A", HEAP, mainScript()] };
}

/** The words that start this program again, from any folder and under any runtime. */
export function ownCommand(): string[] {
  const { execPath, execArgv, argv } = process;
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  if (deno?.build.standalone) return [execPath];
  return deno ? [execPath, "run", "-A", mainScript()] : [execPath, ...execArgv, resolve(argv[1])];
}

function mainScript(): string {
  const main = new URL("../../main.ts", import.meta.url);
  return main.protocol === "file:" ? fileURLToPath(main) : main.href;
}
