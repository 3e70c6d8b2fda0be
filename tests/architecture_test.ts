/** Imports run downward only, a file has a size that can be read, and nothing lies about unused. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const LIB = fileURLToPath(new URL("../lib", import.meta.url));
const LONGEST = 420;

/** Forms that lower folders read and write too, by file; the importers of lib/formats lie higher. */
const LOW_FORMS = ["csv", "json_lines", "junit", "markdown", "parquet", "tables"].map((form) =>
  `formats/${form}.ts`
);

/** Folders of lib from the bottom up; a folder imports from itself and from those before it. */
const LAYERS = [
  "", // errors.ts, package_files.ts, write.ts
  "text",
  ...LOW_FORMS,
  "native",
  "stats",
  "measures",
  "execute",
  "aws",
  "settings",
  "endpoint",
  "hardware",
  "run",
  "upload",
  "formats",
  "notify",
  "mock",
  "suite",
  "coding",
  "load",
  "prometheus",
  "sweep",
  "schedule",
  "compare",
  "report",
  "server",
  "integration",
  "cli",
];

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

const folderOf = (path: string) => {
  if (LOW_FORMS.includes(relative(LIB, path))) return relative(LIB, path);
  const [first, ...rest] = relative(LIB, path).split("/");
  return rest.length ? first : "";
};

Deno.test("lib imports only downward", () => {
  const uphill: string[] = [];
  for (const path of files(LIB)) {
    if (/\/(mod|types\/std\.d)\.ts$/.test(path)) continue;
    const own = LAYERS.indexOf(folderOf(path));
    assert(own >= 0, `${path}: its folder is not in LAYERS`);
    for (const [, target] of readFileSync(path, "utf8").matchAll(/from "(\.[^"]+\.ts)"/g)) {
      const imported = LAYERS.indexOf(folderOf(resolve(path, "..", target)));
      if (imported > own) uphill.push(`${relative(LIB, path)} imports ${target}`);
    }
  }
  assertEquals(uphill, []);
});

Deno.test(`no file of lib has more than ${LONGEST} lines`, () => {
  const long = files(LIB).filter((path) => readFileSync(path, "utf8").split("\n").length > LONGEST);
  assertEquals(long, []);
});

const ROOT = resolve(LIB, "..");

/** Values that nothing imports by name and that are used all the same, each with its reason. */
const USED_OTHERWISE: Record<string, string> = {
  command: "a command of the command line: lib/cli/main.ts and its groups load it by its file",
  Kept: "compiles only while what is written has the form that its schema says",
  evaluatorNames: "the tests go over all of them",
  numbersIn: "what numeric sees in a text, which its tests ask alone",
  recognise: "a form's recognition, asked alone by the importers' tests",
};

/** A file's own imports: the file that is meant, and the names that are taken; "*" for all of them. */
function importsOf(path: string): { target: string; names: string[] }[] {
  const text = readFileSync(path, "utf8");
  const found: { target: string; names: string[] }[] = [];
  const add = (target: string, names: string) =>
    found.push({
      target: resolve(path, "..", target),
      names: names.split(",").map((name) =>
        name.trim().replace(/^type /, "").split(/\s+as\s+|:/)[0]
      )
        .filter(Boolean),
    });
  for (
    const [, names, all, target] of text.matchAll(
      /(?:import|export)\s+(?:type\s+)?(?:\{([^}]*)\}|(\*)[^"]*?)\s+from\s+"(\.[^"]+)"/g,
    )
  ) add(target, names ?? all);
  for (const [, target] of text.matchAll(/(?:^import\s+|new URL\(\s*)"(\.[^"]+\.ts)"/gm)) {
    add(target, "");
  }
  for (const [, target] of text.matchAll(/\bimport\(\s*"(\.[^"]+)"/g)) add(target, "");
  for (
    const [, names, target] of text.matchAll(/\{([^{}]*)\}\s*=\s*await import\(\s*"(\.[^"]+)"/g)
  ) add(target, names);
  for (
    const [, target, one, several] of text.matchAll(
      /import\(\s*"(\.[^"]+)"\s*\)\)?\.(?:then\(\(\{([^}]*)\}\)|(\w+))/g,
    )
  ) add(target, one ?? several);
  return found;
}

/** What a file exports by declaration: values, and types. */
function exportsOf(text: string): { name: string; isType: boolean }[] {
  const declared =
    /^export\s+(?:abstract\s+)?(?:async\s+)?(function\*?|class|const|let|interface|type|enum)\s+(\w+)/gm;
  return [...text.matchAll(declared)].map(([, kind, name]) => ({
    name,
    isType: kind === "interface" || kind === "type",
  }));
}

Deno.test("a file of lib is not named like a test", () => {
  assertEquals(files(LIB).filter((path) => path.endsWith("_test.ts")), []);
});

Deno.test("every file of lib is reached from main.ts or from the library", () => {
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path) || !path.endsWith(".ts") || !existsSync(path)) return;
    reached.add(path);
    for (const { target } of importsOf(path)) visit(target);
  };
  for (const start of ["main.ts", "lib/mod.ts"]) visit(join(ROOT, start));
  const lost = files(LIB).filter((path) => !reached.has(path) && !path.endsWith("/types/std.d.ts"));
  assertEquals(lost.map((path) => relative(LIB, path)), []);
});

Deno.test("every export of lib is used outside its file; a part that is tested alone, by its test", () => {
  const used = new Map<string, Set<string>>();
  const tested = new Map<string, Set<string>>();
  const take = (into: typeof used, path: string) => {
    for (const { target, names } of importsOf(path)) {
      const known = into.get(target) ?? new Set();
      names.forEach((name) => known.add(name));
      into.set(target, known);
    }
  };
  for (const path of [...files(LIB), ...files(join(ROOT, "scripts")), join(ROOT, "main.ts")]) {
    take(used, path);
  }
  for (const path of files(join(ROOT, "tests"))) take(tested, path);
  const idle = files(LIB).flatMap((path) => {
    if (path === join(LIB, "mod.ts")) return [];
    const text = readFileSync(path, "utf8");
    const others = used.get(path) ?? new Set();
    if (others.has("*")) return [];
    return exportsOf(text).flatMap(({ name, isType }) => {
      if (others.has(name) || Object.hasOwn(USED_OTHERWISE, name)) return [];
      const isUsedHere = text.match(new RegExp(`\\b${name}\\b`, "g"))!.length > 1;
      // a type may be what an exported function takes or gives; a value may be tested alone
      const isFine = isUsedHere && (isType || tested.get(path)?.has(name));
      return isFine ? [] : [`${relative(LIB, path)}: ${name}`];
    });
  });
  assertEquals(idle, [], "drop the word export; drop what nothing uses at all");
});

/** What each file of a kind exports under one name. */
const TWICE = new Set(["command"]);

Deno.test("no name is exported by two files of lib", () => {
  const homes = new Map<string, string[]>();
  for (const path of files(LIB)) {
    if (path === join(LIB, "mod.ts")) continue;
    for (const { name } of exportsOf(readFileSync(path, "utf8"))) {
      homes.set(name, [...homes.get(name) ?? [], relative(LIB, path)]);
    }
  }
  const twice = [...homes].filter(([name, paths]) => paths.length > 1 && !TWICE.has(name));
  assertEquals(twice, []);
});

/** Files that import each other, types included, by way of others too; what is loaded when it is called is none. */
function cyclesOf(paths: readonly string[]): string[][] {
  const imports = (path: string) =>
    [...readFileSync(path, "utf8").matchAll(/(?:from|^import) "(\.[^"]+\.ts)"/gm)]
      .map(([, target]) => resolve(path, "..", target));
  // Tarjan's strongly connected components
  const order = new Map<string, number>(), low = new Map<string, number>();
  const stack: string[] = [], cycles: string[][] = [];
  const visit = (path: string) => {
    order.set(path, order.size);
    low.set(path, order.get(path)!);
    stack.push(path);
    for (const next of imports(path)) {
      if (!order.has(next)) visit(next);
      else if (!stack.includes(next)) continue;
      low.set(path, Math.min(low.get(path)!, low.get(next)!));
    }
    if (low.get(path) !== order.get(path)) return;
    const cycle = stack.splice(stack.indexOf(path));
    if (cycle.length > 1) cycles.push(cycle.map((each) => relative(LIB, each)).sort());
  };
  for (const path of paths) if (!order.has(path)) visit(path);
  return cycles;
}

Deno.test("no files of lib import each other, types included", () => {
  assertEquals(cyclesOf(files(LIB)), []);
});
