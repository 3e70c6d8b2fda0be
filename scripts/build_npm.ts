/**
 * Builds the npm package: dist/npm, and dist/NAME-VERSION.tgz of it. With @deno/dnt where JSR can be
 * reached, else with TypeScript's compiler and Deno's bundler; both make what package.ts describes.
 * Usage: deno run -A scripts/build_npm.ts
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import jsr from "../jsr_imports.json" with { type: "json" };
import { messageOf } from "../lib/errors.ts";
import { buildRelease } from "./build_native.ts";
import { bundlePackage } from "./bundle_npm.ts";
import { BUDGET, copyFiles, manifest, ROOT } from "./package.ts";

const DIST = join(ROOT, "dist");
export const PACKAGE = join(DIST, "npm");

/** The part of dnt that is used; the module itself is not there to be checked against. */
interface Dnt {
  build(options: Record<string, unknown>): Promise<void>;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

async function loadDnt(): Promise<Dnt | string> {
  const specifier = jsr.imports["@deno/dnt"];
  try {
    return await import(specifier);
  } catch (error) {
    return messageOf(error).split("\n")[0];
  }
}

/** dnt's package: esm/ with the tree of the sources, so that what is beside lib/ goes there too. */
async function dntPackage({ build }: Dnt, prebuilt: string): Promise<void> {
  await build({
    entryPoints: [
      { kind: "export", name: ".", path: join(ROOT, "lib/mod.ts") },
      { kind: "bin", name: "dyno", path: join(ROOT, "main.ts") },
    ],
    outDir: PACKAGE,
    importMap: join(ROOT, "jsr_imports.json"),
    package: { ...manifest(), devDependencies: { "@types/node": "^22" } },
    shims: {},
    test: false,
    typeCheck: false, // deno check has seen the sources, verify_npm.ts sees the declarations
    scriptModule: false,
    declaration: "inline",
    skipSourceOutput: true,
    compilerOptions: { lib: ["ESNext", "DOM", "DOM.Iterable"], target: "ES2022" },
  });
  copyFiles(PACKAGE, join(PACKAGE, "esm"), prebuilt);
}

function bundledPackage(prebuilt: string): void {
  bundlePackage(PACKAGE, join(DIST, "npm-work"));
  copyFiles(PACKAGE, PACKAGE, prebuilt);
  writeFileSync(
    join(PACKAGE, "main.js"),
    `#!/usr/bin/env -S node --disable-warning=ExperimentalWarning\nimport "./lib/main.js";\n`,
  );
  chmodSync(join(PACKAGE, "main.js"), 0o755);
  const entry = { types: "./types/mod.d.ts", default: "./lib/mod.js" };
  writeFileSync(
    join(PACKAGE, "package.json"),
    JSON.stringify({ ...manifest(), bin: { dyno: "main.js" }, exports: { ".": entry } }, null, 2),
  );
}

/** Packs dist/npm; gives the tarball's path. */
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

/** Builds and packs; gives the tarball's path. */
export async function buildPackage(): Promise<string> {
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
  const prebuilt = await buildRelease(join(ROOT, "native"), join(DIST, "prebuilt"));
  const dnt = await loadDnt();
  if (typeof dnt === "string") {
    say(`@deno/dnt cannot be loaded (${dnt}): built with tsc and deno bundle`);
    bundledPackage(prebuilt);
  } else {
    await dntPackage(dnt, prebuilt);
  }
  return pack();
}

if (import.meta.main) process.stdout.write(`${await buildPackage()}\n`);
