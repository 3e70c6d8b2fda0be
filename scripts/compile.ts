/**
 * Compiles dyno to one file a target, with everything it opens inside: dist/bin/dyno-TARGET.
 * Usage: deno run -A scripts/compile.ts [TARGET ...]     (without one: this machine's)
 *        DENORT_BIN=PATH takes a compile runtime from the disk instead of downloading it
 *        deno run -A scripts/compile.ts --with node      of Node, for this machine: see compile_node.ts
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";
import { messageOf } from "../lib/errors.ts";
import { platformName } from "../lib/native/prebuilt.ts";
import { buildRelease } from "./build_native.ts";
import { commit, ownImports, project, ROOT } from "./package.ts";

/** Targets of deno compile, and the platform of their native part; null: only portable code. */
export const TARGETS: Record<string, string | null> = {
  "x86_64-unknown-linux-gnu": "linux-x64",
  "aarch64-unknown-linux-gnu": "linux-arm64",
  "x86_64-apple-darwin": null,
  "aarch64-apple-darwin": null,
};

/** The most that dyno's own part of a binary may weigh, in bytes; the runtime weighs some 90 MB. */
export const BUDGET_BYTES = 64e6;

/** The same as in deno.json's tasks: a small young heap has shorter pauses. */
const HEAP = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=30";

/**
 * Parts of npm packages that our code never uses: other builds of the same code, sources, and a
 * file of 100,000 numbers on which deno compile overflows its stack.
 */
const LEFT_OUT = [
  "bintrees/test",
  "echarts/dist",
  "echarts/lib",
  "echarts/types",
  "gpt-tokenizer/cjs",
  "gpt-tokenizer/data",
  "gpt-tokenizer/dist",
  "gpt-tokenizer/src",
  "zod/src",
  "zrender/dist",
  "zrender/lib",
  "zrender/src",
];

/** Exceptions, which are used: the charts of reports and of the dashboard. */
const KEPT = ["echarts/dist/echarts.min.js", "echarts/dist/package.json"];

const say = (line: string) => process.stderr.write(`${line}\n`);

function deno(cwd: string, args: string[], env: Record<string, string> = {}): void {
  execFileSync(process.execPath, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    encoding: "utf8",
    stdio: "pipe",
  });
}

/** Removes what is never used from the installed packages. */
function prune(modules: string): void {
  const installed = readdirSync(join(modules, ".deno"), { withFileTypes: true });
  for (const { name } of installed.filter((entry) => entry.isDirectory())) {
    const at = join(modules, ".deno", name, "node_modules");
    const kept = KEPT.map((part) => join(at, part)).filter(existsSync)
      .map((path) => ({ path, text: readFileSync(path) }));
    for (const part of LEFT_OUT) rmSync(join(at, part), { recursive: true, force: true });
    for (const { path, text } of kept) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
}

/**
 * Builds the native part of a platform into `prebuilt`; returns the reason in one line if it
 * cannot.
 */
async function nativeFor(platform: string | null, prebuilt: string): Promise<void> {
  if (platform === null) return;
  try {
    await buildRelease(join(ROOT, "native"), prebuilt, platform);
  } catch (error) {
    say(`no native part for ${platform}, portable paths only: ${messageOf(error)}`);
    rmSync(join(prebuilt, platform), { recursive: true, force: true });
  }
}

/**
 * Puts the content of a binary into `folder`, with the layout it has inside: main.ts, lib,
 * experiments, the npm packages, the native part and build.json.
 */
export async function stage(folder: string, platform: string | null): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "native"), { recursive: true });
  for (const name of ["main.ts", "lib", "experiments", "deno.lock"]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, "deno.json"), JSON.stringify({ ...project(), imports: ownImports() }));
  await nativeFor(platform, join(folder, "native/prebuilt"));
  writeFileSync(join(folder, "build.json"), JSON.stringify({ git_sha: commit() }) + "\n");
  deno(folder, ["install", "-q", "--node-modules-dir=auto", "--entrypoint", "main.ts"]);
  prune(join(folder, "node_modules"));
}

/**
 * Compiles a staged folder to `output`.
 *
 * @throws {Error} one line with what deno compile said; where the runtime cannot be had, what to do.
 */
export function compile(
  folder: string,
  target: string,
  output: string,
  env: Record<string, string> = {},
): void {
  const from = ["--no-check", "-A", HEAP, "--node-modules-dir=manual", "--target", target];
  const inside = ["native", "experiments", "lib/server/dashboard", "build.json"]
    .flatMap((name) => ["--include", name]);
  try {
    deno(folder, ["compile", ...from, ...inside, "-o", output, "main.ts"], env);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? messageOf(error);
    if (/denort|download|error sending request/i.test(said)) {
      throw new Error(
        `the compile runtime of Deno ${process.versions.deno} for ${target} cannot be downloaded ` +
          `here: fetch denort-${target}.zip of that release elsewhere, unpack it, and name the file ` +
          `in DENORT_BIN; or make one file of Node, which needs npm's registry alone: ` +
          `deno task compile --with node`,
      );
    }
    throw new Error(`deno compile: ${said.trim().split("\n").slice(0, 4).join(" ")}`);
  }
}

async function main(targets: string[]): Promise<number> {
  if (targets[0] === "--with") {
    if (targets.length !== 2 || targets[1] !== "node") {
      say(`compile: --with takes "node" and nothing else; got "${targets.slice(1).join(" ")}"`);
      return 2;
    }
    const { compileWithNode } = await import("./compile_node.ts");
    const output = join(ROOT, "dist/bin", `dyno-node-${platformName()}`);
    await compileWithNode(output, join(ROOT, "dist/compile-node-work"));
    return 0;
  }
  const own = Object.keys(TARGETS).find((target) => TARGETS[target] === platformName());
  const chosen = targets.length > 0 ? targets : [own ?? ""];
  for (const target of chosen) {
    if (!Object.hasOwn(TARGETS, target)) {
      say(`compile: "${target}" is not a target; there is ${Object.keys(TARGETS).join(", ")}`);
      return 2;
    }
    const folder = join(ROOT, "dist/compile-work");
    const output = join(ROOT, "dist/bin", `dyno-${target}`);
    await stage(folder, TARGETS[target]);
    try {
      compile(folder, target, output);
    } catch (error) {
      say(`compile: ${messageOf(error)}`);
      return 1;
    }
    const { size } = statSync(output);
    say(`${output}: ${size} bytes`);
  }
  return 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
