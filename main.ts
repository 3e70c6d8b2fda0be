/** dyno's command line. */
import { realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "./lib/cli/main.ts";

// `deno task` goes to this folder, and tells where it was called: paths are seen from there
const called = calledFrom();
if (called && process.cwd() === realpathSync(fileURLToPath(new URL(".", import.meta.url)))) {
  delete process.env.INIT_CWD; // programs that are started from here are called from here
  process.chdir(called);
}

process.exitCode = await main(process.argv.slice(2));

/** Null, too, where the environment may not be read: then no task of Deno's has started it. */
function calledFrom(): string | null {
  try {
    return process.env.INIT_CWD ?? null;
  } catch {
    return null;
  }
}
