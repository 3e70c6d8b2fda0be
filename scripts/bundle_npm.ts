/** The package's code without dnt: tsc lowers and declares, Deno's bundler joins. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { dependencies, inlinedImports, ROOT } from "./package.ts";

const TYPESCRIPT = "7.0.2";
const NODE_TYPES = "22.19.1";

const COMPILER_OPTIONS = {
  target: "ES2022", // Node 22 has no `using`
  lib: ["ESNext", "DOM", "DOM.Iterable"],
  module: "NodeNext",
  types: ["node"],
  strict: true,
  declaration: true,
  rewriteRelativeImportExtensions: true,
  resolveJsonModule: true,
  noCheck: true, // deno check has seen the sources
  isolatedModules: true, // as Deno takes them: types are asked for by the declarations alone
  outDir: "out",
  rootDir: ".",
};

function deno(cwd: string, ...args: string[]): void {
  try {
    execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`deno ${args.slice(0, 3).join(" ")}: ${stdout}${stderr}`);
  }
}

const json = (path: string, value: unknown) => writeFileSync(path, JSON.stringify(value, null, 2));

/**
 * Writes `output`/lib, the program and the library with their shared parts in files of their own, and
 * `output`/types. `work` is a folder for what lies in between.
 */
export function bundlePackage(output: string, work: string): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const development = { typescript: TYPESCRIPT, "@types/node": NODE_TYPES };
  json(join(work, "package.json"), {
    private: true,
    type: "module",
    dependencies: { ...dependencies(), ...development },
  });
  deno(work, "install", "-q", "--no-lock", "--node-modules-dir=auto");
  for (const name of ["lib", "experiments", "main.ts", "deno.json"]) {
    cpSync(join(ROOT, name), join(work, name), { recursive: true });
  }
  const files = ["main.ts", "lib/mod.ts", "lib/types/std.d.ts"];
  json(join(work, "tsconfig.json"), { compilerOptions: COMPILER_OPTIONS, files });
  deno(work, "run", "-A", "--no-lock", "node_modules/typescript/bin/tsc", "--singleThreaded");
  bundle(work, join(output, "lib"));
  copyDeclarations(join(work, "out/lib"), join(output, "types"));
}

/** Each lazily loaded command stays a file that is loaded when it is called. */
function bundle(work: string, output: string): void {
  const map = join(work, "imports.json");
  json(map, { imports: inlinedImports() });
  const outside = [...Object.keys(dependencies()), "koffi"];
  const external = outside.flatMap((name) => ["--external", name, "--external", `${name}/*`]);
  const entry = join(work, "out/lib/main.js"); // beside mod.js, so that all comes into one folder
  writeFileSync(entry, `import "../main.js";\n`);
  const form = ["--platform", "deno", "--code-splitting", "--import-map", map, "--outdir", output];
  const entries = [entry, join(work, "out/lib/mod.js")];
  deno(work, "bundle", "-q", "--no-config", "--no-lock", ...external, ...form, ...entries);
}

/** Copies the declarations that the library's reaches; those of the command line stay behind. */
function copyDeclarations(from: string, to: string): void {
  const waiting = [join(from, "mod.d.ts")];
  const seen = new Set(waiting);
  for (const path of waiting) {
    const text = readFileSync(path, "utf8").replace(
      /((?:from|import)\s*\(?")(\.[^"]+?)\.(?:ts|js)"/g,
      (_, before: string, target: string) => {
        const next = join(dirname(path), `${target}.d.ts`);
        if (existsSync(next) && !seen.has(next)) waiting.push((seen.add(next), next));
        return `${before}${target}.js"`;
      },
    );
    const copy = join(to, relative(from, path));
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, text);
  }
}
