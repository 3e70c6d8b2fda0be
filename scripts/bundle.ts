/** Joins dyno's sources and the libraries that they use into JavaScript for Node. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { LIBRARY_FILES } from "../lib/package_files.ts";
import { dependencies, inlinedImports, ROOT } from "./package.ts";

const ESBUILD = "0.28.2";
const TYPESCRIPT = "7.0.2";
const NODE_TYPES = "22.19.1";

const COMPILER_OPTIONS = {
  target: "ES2022",
  lib: ["ESNext", "DOM", "DOM.Iterable"],
  module: "NodeNext",
  types: ["node"],
  strict: true,
  declaration: true,
  emitDeclarationOnly: true, // esbuild makes the code
  rewriteRelativeImportExtensions: true,
  resolveJsonModule: true,
  noCheck: true, // deno check has checked the sources
  isolatedModules: true, // as in Deno, types are only needed for the declarations
  outDir: "out",
  rootDir: ".",
};

function deno(cwd: string, ...args: string[]): string {
  try {
    return execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`deno ${args.slice(0, 4).join(" ")}: ${stdout}${stderr}`);
  }
}

const json = (path: string, value: unknown) => writeFileSync(path, JSON.stringify(value, null, 2));

/**
 * Puts the sources, the libraries and the tools into the folder `work`; `further` lists more
 * packages.
 */
export function layOut(work: string, further: Record<string, string> = {}): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const tools = { esbuild: ESBUILD, typescript: TYPESCRIPT, "@types/node": NODE_TYPES };
  const std = Object.values(inlinedImports()).map((target) => /^npm:([^@]+)@([^/]+)/.exec(target)!);
  json(join(work, "package.json"), {
    private: true,
    type: "module",
    dependencies: {
      ...dependencies(),
      ...Object.fromEntries(std.map(([, name, version]) => [name, version])),
      ...tools,
      ...further,
    },
  });
  deno(work, "install", "-q", "--no-lock", "--node-modules-dir=auto");
  for (const name of ["lib", "experiments", "main.ts", "deno.json"]) {
    cpSync(join(ROOT, name), join(work, name), { recursive: true });
  }
}

/** The part of esbuild's description of its inputs that is read. */
interface Metafile {
  inputs: Record<string, {
    format?: "cjs" | "esm";
    imports: { path: string; kind: string }[];
  }>;
}

/**
 * CommonJS libraries that lib loads when they are needed. When output is split, esbuild gives such
 * an import only a default export, so ES modules that name all exports replace them.
 */
const COMMON_JS: Record<string, string> = {
  "ajv-formats": "ajv-formats/dist/index.js",
  "ajv/dist/2019.js": "ajv/dist/2019.js",
  "ajv/dist/2020.js": "ajv/dist/2020.js",
  "ajv/dist/ajv.js": "ajv/dist/ajv.js",
  "echarts/dist/echarts.min.js": "echarts/dist/echarts.min.js",
  "prom-client": "prom-client/index.js",
  "yaml": "yaml/dist/index.js",
};

/** Prints the names of a module's exports. */
const NAMES = `console.log(JSON.stringify(Object.keys(require(process.argv[2]))));`;

/** Writes those modules; returns esbuild's flags for them. */
function namedModules(work: string): string[] {
  mkdirSync(join(work, "named"));
  writeFileSync(join(work, "named/names.cjs"), NAMES);
  return Object.entries(COMMON_JS).map(([name, file], i) => {
    const path = realpathSync(join(work, "node_modules", file));
    const told = deno(work, "run", "-A", "--no-lock", "named/names.cjs", path);
    const names = (JSON.parse(told) as string[])
      .filter((key) => /^[A-Za-z_$][\w$]*$/.test(key) && key !== "default");
    const own = join(work, `named/${i}.mjs`);
    const whole = `import whole from ${JSON.stringify(path)};\nexport default whole;\n`;
    writeFileSync(own, `${whole}export const { ${names.join(", ")} } = whole;\n`);
    return `--alias:${name}=${own}`;
  });
}

/**
 * Runs esbuild in `work` on entries named `OUTPUT=SOURCE`; returns the paths of its inputs.
 * Libraries are used in their ES form if they have one, because the other form may load files by
 * computed names.
 */
export function bundle(work: string, entries: string[], form: string[]): string[] {
  const std = Object.entries(inlinedImports()).map(([name, target]) =>
    `--alias:${name}=${target.replace(/^npm:([^@]+)@[^/]+/, "$1")}`
  );
  const common = [
    "--bundle",
    "--platform=node",
    "--target=node22", // which has no `using`
    "--main-fields=module,main",
    "--minify-whitespace",
    "--minify-syntax",
    "--keep-names",
    "--log-level=error",
    "--legal-comments=none", // a separate file has the licences
    "--metafile=meta.json",
  ];
  const esbuild = ["run", "-A", "--no-lock", "node_modules/esbuild/bin/esbuild"];
  deno(work, ...esbuild, ...common, ...std, ...namedModules(work), ...form, ...entries);
  const { inputs }: Metafile = JSON.parse(readFileSync(join(work, "meta.json"), "utf8"));
  for (const { path, kind } of Object.values(inputs).flatMap(({ imports }) => imports)) {
    if (kind === "dynamic-import" && inputs[path]?.format === "cjs") {
      throw new Error(`${path} is CommonJS and loaded when needed: name it in COMMON_JS`);
    }
  }
  return Object.keys(inputs);
}

/** CommonJS libraries load Node's modules with `require`, which an ES module does not have. */
const REQUIRE = `import{createRequire as makeRequire}from"node:module";` +
  `const require=makeRequire(import.meta.url??process.execPath);\n`;

/**
 * Writes `output`/lib (the program and the library, with shared parts in separate files),
 * `output`/assets, `output`/types, and the licences of everything included. Names in `outside` stay
 * imports.
 */
export function bundlePackage(output: string, work: string, outside: string[]): void {
  layOut(work);
  const files = ["main.ts", "lib/mod.ts", "lib/types/std.d.ts"];
  json(join(work, "tsconfig.json"), { compilerOptions: COMPILER_OPTIONS, files });
  deno(work, "run", "-A", "--no-lock", "node_modules/typescript/bin/tsc", "--singleThreaded");
  copyDeclarations(join(work, "out/lib"), join(output, "types"));
  const lib = join(output, "lib");
  // all in one folder, because package_files.ts derives the package's location from its own
  const form = ["--format=esm", "--splitting", "--chunk-names=[name]-[hash]"];
  const external = outside.flatMap((name) => [`--external:${name}`, `--external:${name}/*`]);
  const entries = ["main=main.ts", "mod=lib/mod.ts"];
  const inputs = bundle(work, entries, [...form, ...external, `--outdir=${lib}`]);
  for (const name of readdirSync(lib, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(lib, name), "utf8");
    if (/typeof require/.test(text)) writeFileSync(join(lib, name), REQUIRE + text);
  }
  copyAssets(work, output);
  writeFileSync(join(output, "THIRD_PARTY.txt"), licences(work, inputs));
}

/** The files of libraries that are read at run time. */
export function copyAssets(work: string, output: string): void {
  for (const name of LIBRARY_FILES) {
    const to = join(output, "assets", name);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(work, "node_modules", name), to, { dereference: true });
  }
}

/** The folder of the package that a file belongs to; null for our own files. */
function packageOf(path: string): string | null {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? null;
}

/** Name, version, licence and source location of each included package. */
export function licences(work: string, inputs: readonly string[]): string {
  const files = [
    ...inputs.filter((path) => path.includes("node_modules/")).map((path) => join(work, path)),
    ...LIBRARY_FILES.map((name) => realpathSync(join(work, "node_modules", name))),
  ];
  const folders = [...new Set(files.map(packageOf).filter((folder) => folder !== null))];
  const texts = folders.map((folder) => {
    const { name, version, license, repository } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const source = repository?.url ?? repository ?? "the npm registry";
    const texts = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && /^(licen[cs]e|notice|copying)/i.test(entry.name))
      .map((entry) => readFileSync(join(folder, entry.name), "utf8").trim());
    const head = `${name} ${version} (${license}), source: ${source}`;
    return [head, ...texts].join("\n\n");
  });
  return texts.sort().join(`\n\n${"-".repeat(80)}\n\n`) + "\n";
}

/**
 * Copies the declarations that the library's declarations use, without those of the command line.
 */
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
