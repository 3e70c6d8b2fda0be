/**
 * Every example in lib's doc comments: its types are checked, it runs on a mock endpoint, and a line
 * `expression; // value` gives that value. Names that an example uses come from its own file or lib/mod.ts;
 * `endpoint`, `signal` and `library` (libdyno) are given.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { withFakeNvml } from "../native/fixtures.ts";
import { ROOT } from "./docs_pages.ts";
import { finished } from "./script.ts";

const MOD = "lib/mod.ts";

/** The endpoint of examples that name one: the mock stands in for it. */
const ENDPOINT = "http://127.0.0.1:8000/v1";

interface Example {
  /** The file that it is in, and its line. */
  at: string;
  path: string;
  code: string;
}

function examplesIn(path: string): Example[] {
  const source = readFileSync(join(ROOT, path), "utf8");
  return [...source.matchAll(/\/\*\*(?:(?!\*\/)[^])*?\*\//g)].flatMap((comment) => {
    if (!comment[0].includes("@example")) return [];
    const line = source.slice(0, comment.index).split("\n").length;
    const text = comment[0].replaceAll(/^ *\* ?/gm, "");
    return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => ({
      at: `${path}:${line}`,
      path,
      code,
    }));
  });
}

/** The names that a file exports. */
function exportsOf(path: string): Set<string> {
  const source = readFileSync(join(ROOT, path), "utf8");
  const own = source.matchAll(
    /^export (?:async )?(?:abstract )?(?:function\*?|class|const|interface|type|enum) (\w+)/gm,
  );
  const named = source.matchAll(/^export (?:type )?\{([^}]*)\}/gm);
  return new Set([
    ...[...own].map(([, name]) => name),
    ...[...named].flatMap(([, names]) =>
      names.split(",").map((name) => name.trim().split(" ").at(-1)!)
    ),
  ]);
}

/** The text after `// ` as a value, where it is one. */
function isValue(text: string): boolean {
  try {
    new Function(`"use strict"; return (${text});`)();
    return true;
  } catch {
    return false; // words
  }
}

/** `expression; // value` as an assertion. */
function asserting(code: string): string {
  return code.replaceAll(
    /^(?!const |let |await using |using |type |import )(\S.*);(?: |\n)\/\/ (.+)$/gm,
    (line, told, value) => isValue(value) ? `assertEquals<unknown>(${told}, ${value});` : line,
  );
}

const url = (path: string) => pathToFileURL(join(ROOT, path)).href;

/** The example as a module that is complete. */
function moduleOf({ path, code }: Example, endpoint: string): string {
  const own = exportsOf(path), all = exportsOf(MOD);
  const declared = new Set([
    ...[...code.matchAll(/\b(?:const|using|let|type) (\w+)/g)].map(([, name]) => name),
    ...[...code.matchAll(/\bconst \{([^}]*)\}/g)].flatMap(([, names]) => names.match(/\w+/g) ?? []),
    ...[...code.matchAll(/^import \{([^}]*)\}/gm)].flatMap(([, names]) =>
      names.match(/\w+/g) ?? []
    ),
  ]);
  const bare = code.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\/\/.*$/gm, "");
  const used = new Set(bare.match(/(?<=^|\.\.\.|[^.\w])[A-Za-z_]\w*/gm));
  const imported = (from: Set<string>, not: Set<string>) =>
    [...used].filter((name) => from.has(name) && !not.has(name) && !declared.has(name));
  const given = {
    endpoint: JSON.stringify(endpoint),
    signal: "new AbortController().signal",
    library: `(await (await import("${url("lib/native/library.ts")}")).nativeLibrary()).library!`,
  };
  return [
    `import { assertEquals } from "@std/assert";`,
    `import { ${imported(own, new Set()).join(", ")} } from "${url(path)}";`,
    `import { ${imported(all, own).join(", ")} } from "${url(MOD)}";`,
    ...Object.entries(given).filter(([name]) => used.has(name) && !declared.has(name))
      .map(([name, value]) => `const ${name} = ${value};`),
    asserting(code).replaceAll(`"@dyno/dyno"`, `"${url(MOD)}"`).replaceAll(ENDPOINT, endpoint)
      .replaceAll(/from "(\.\/[^"]+)"/g, (_, to) => `from "${url(join(dirname(path), to))}"`)
      .replaceAll(/duration: "\d+s"/g, 'duration: "1s"'),
    "export {};",
  ].join("\n");
}

/** Whether it can run here: it asks no host that is not ours, and the files that it reads are here. */
const runsHere = ({ code }: Example, folder: string): boolean =>
  !/"https?:/.test(code.replaceAll(ENDPOINT, "")) &&
  [...code.matchAll(/"([\w./-]+\.(?:json|jsonl|csv|so))"/g)].every(([, name]) =>
    isThere(join(folder, name))
  );

function isThere(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

/** Imports each module in turn, and prints which ended how. */
const RUNNER = `
const told = {};
for (const name of JSON.parse(Deno.args[0])) {
  const late = Promise.withResolvers();
  const timer = setTimeout(() => late.reject(new Error("goes on after a minute")), 60_000);
  try {
    await Promise.race([import(name), late.promise]);
    told[name] = null;
  } catch (error) {
    told[name] = String(error?.stack ?? error);
  }
  clearTimeout(timer);
}
Deno.writeTextFileSync("told.json", JSON.stringify(told));
Deno.exit(0);
`;

Deno.test("examples in doc comments are right: their types, that they run, and the values they state", async (t) => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "my-model", behaviour: { delay_s: 0.01 } });
  cpSync(join(ROOT, "experiments"), join(folder.path, "experiments"), { recursive: true });
  cpSync(join(ROOT, "experiments/suites/quickstart.json"), join(folder.path, "suite.json"));
  symlinkSync(join(ROOT, "native"), join(folder.path, "native"));
  const modules = join(folder.path, "modules");
  mkdirSync(modules);

  const files = readdirSync(join(ROOT, "lib"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).map((name) => `lib/${name}`).sort();
  const examples = files.flatMap(examplesIn).map((example, i) => {
    const name = join(modules, `${i}_${example.path.replaceAll(/\W/g, "_")}.ts`);
    writeFileSync(name, moduleOf(example, `${mock.url}/v1`));
    return { ...example, name };
  });
  assert(examples.length >= 38, `${examples.length} examples were found`);
  const commented = files.flatMap((path) =>
    readFileSync(join(ROOT, path), "utf8").match(/@example/g) ?? []
  );
  assertEquals(examples.length, commented.length, "an @example has no block of ts");

  const config = ["--config", join(ROOT, "deno.json")];
  await t.step("their types", async () => {
    const all = examples.map(({ name }) => name);
    const { code, stderr } = await finished(["check", "-q", ...config, ...all]);
    assertEquals(code, 0, stderr);
  });

  const here = examples.filter((example) => runsHere(example, folder.path));
  assert(here.length > examples.length * 0.8, `only ${here.map(({ at }) => at)} run`);
  writeFileSync(join(folder.path, "runner.ts"), RUNNER);
  const names = JSON.stringify(here.map(({ name }) => name));
  let stderr = new Uint8Array();
  await withFakeNvml("devices=2", async (path) => {
    ({ stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", ...config, "runner.ts", names],
      cwd: folder.path,
      env: { DYNO_NVML: path },
    }).output());
  });
  const told = JSON.parse(readFileSync(join(folder.path, "told.json"), "utf8"));
  for (const { at, name, code } of here) {
    await t.step(at, () => {
      if (/^throw /m.test(code)) assert(told[name]?.startsWith("InputError"), told[name]);
      else assertEquals(told[name], null, `${code}\n${new TextDecoder().decode(stderr)}`);
    });
  }
});
