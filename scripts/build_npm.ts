/**
 * Builds the npm package: dist/npm, and from it dist/NAME-VERSION.tgz, with TypeScript's compiler
 * and esbuild; the libraries are bundled. With --dnt, @deno/dnt builds it, with the libraries as
 * dependencies; if dnt cannot be loaded or fails, the script says so and builds without it.
 * Usage: deno run -A scripts/build_npm.ts [--dnt]
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import jsr from "../jsr_imports.json" with { type: "json" };
import { messageOf } from "../lib/errors.ts";
import { platformName } from "../lib/native/prebuilt.ts";
import { buildRelease } from "./build_native.ts";
import { bundlePackage } from "./bundle.ts";
import { BUDGET, copyFiles, dependencies, manifest, outside, ROOT } from "./package.ts";

const DIST = join(ROOT, "dist");
export const PACKAGE = join(DIST, "npm");

/** The part of dnt that is used; the module itself is not available for type checking. */
interface Dnt {
  build(options: Record<string, unknown>): Promise<void>;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

/** The options for dnt; jsr_test.ts checks that dnt can read the sources. */
export const DNT_OPTIONS = {
  entryPoints: [
    { kind: "export", name: ".", path: join(ROOT, "lib/mod.ts") },
    { kind: "bin", name: "dyno", path: join(ROOT, "main.ts") },
  ],
  outDir: PACKAGE,
  importMap: join(ROOT, "jsr_imports.json"),
  package: { ...manifest(), devDependencies: { "@types/node": "^22" } },
  shims: {},
  polyfills: { importMeta: false }, // its stand-in breaks `node -e`
  test: false,
  typeCheck: false, // deno check has checked the sources, verify_npm.ts checks the declarations
  scriptModule: false,
  declaration: "inline",
  skipSourceOutput: true,
  compilerOptions: { lib: ["ESNext", "DOM", "DOM.Iterable"], target: "ES2022" },
};

/** dnt's package: esm/ contains the tree of the sources, so files next to lib/ go there too. */
async function dntPackage(prebuilt: readonly string[]): Promise<void> {
  const specifier = jsr.imports["@deno/dnt"];
  const { build }: Dnt = await import(specifier);
  await build(DNT_OPTIONS);
  copyFiles(PACKAGE, join(PACKAGE, "esm"), prebuilt);
  finish("./esm/main.js", { types: "./esm/lib/mod.d.ts", default: "./esm/lib/mod.js" }, {
    ...manifest(),
    dependencies: dependencies(),
  });
}

function bundledPackage(prebuilt: readonly string[]): void {
  bundlePackage(PACKAGE, join(DIST, "npm-work"), [...Object.keys(outside()), "koffi"]);
  copyFiles(PACKAGE, PACKAGE, prebuilt);
  finish("./lib/main.js", { types: "./types/mod.d.ts", default: "./lib/mod.js" }, manifest());
}

/** Writes the program, which suppresses Node's warning about SQLite, and package.json. */
function finish(program: string, entry: Record<string, string>, fields: object): void {
  writeFileSync(
    join(PACKAGE, "main.js"),
    `#!/usr/bin/env -S node --disable-warning=ExperimentalWarning\nimport "${program}";\n`,
  );
  chmodSync(join(PACKAGE, "main.js"), 0o755);
  const whole = { ...fields, bin: { dyno: "main.js" }, exports: { ".": entry } };
  writeFileSync(join(PACKAGE, "package.json"), JSON.stringify(whole, null, 2));
}

/** Packs dist/npm; returns the tarball's path. */
function pack(): string {
  const told = execFileSync("npm", ["pack", "--json", "--pack-destination", DIST], {
    cwd: PACKAGE,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(told);
  say(`${filename}: ${size} bytes, ${unpackedSize} unpacked, ${entryCount} files`);
  if (size > BUDGET.tarball_bytes || unpackedSize > BUDGET.unpacked_bytes) {
    throw new Error(
      `the package is over its budget of ${BUDGET.tarball_bytes} bytes ` +
        `(${BUDGET.unpacked_bytes} unpacked), see scripts/package.ts`,
    );
  }
  return join(DIST, filename);
}

/**
 * The native parts for each platform that has a compiler here; on other platforms users build them.
 */
async function nativeParts(): Promise<string[]> {
  const folders: string[] = [];
  for (const platform of ["linux-x64", "linux-arm64"]) {
    try {
      folders.push(await buildRelease(join(ROOT, "native"), join(DIST, "npm-prebuilt"), platform));
    } catch (error) {
      if (platform === platformName()) throw error;
      say(`no native part for ${platform}: ${messageOf(error)}`);
    }
  }
  return folders;
}

function emptyPackage(): void {
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
}

/** Builds and packs; returns the tarball's path. */
export async function buildPackage(withDnt = false): Promise<string> {
  const prebuilt = await nativeParts();
  emptyPackage();
  if (withDnt) {
    try {
      await dntPackage(prebuilt);
      return pack();
    } catch (error) {
      say(`@deno/dnt: ${messageOf(error).split("\n")[0]}; built with tsc and esbuild instead`);
      emptyPackage();
    }
  }
  bundledPackage(prebuilt);
  return pack();
}

if (import.meta.main) {
  process.stdout.write(`${await buildPackage(process.argv.includes("--dnt"))}\n`);
}
