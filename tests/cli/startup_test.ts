/** What is loaded before a command begins: nothing that it does not use. */
import { fileURLToPath } from "node:url";
import { spawnSync } from "node:child_process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { finished } from "../e2e/script.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Module {
  specifier: string;
  dependencies?: { isDynamic?: boolean; code?: { specifier?: string } }[];
}

const { stdout } = await finished(["info", "--json", "main.ts"]);
const info: { roots: string[]; modules: Module[] } = JSON.parse(stdout);
const modules = new Map<string, Module>(
  info.modules.map((module: Module) => [module.specifier, module]),
);

/** All that is loaded with a file, without what it may load later. */
function loadedWith(file: string): string[] {
  const start = new URL(file, info.roots[0]).href;
  assert(modules.has(start), file);
  const found = new Set([start]);
  for (const specifier of found) {
    for (const { isDynamic, code } of modules.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) found.add(code.specifier);
    }
  }
  return [...found];
}

/** npm packages among them; @std's are small, and there is no doing without. */
function packagesIn(loaded: readonly string[]): string[] {
  const names = loaded.flatMap((specifier) => /^npm:\/?(@?[^@]+)@/.exec(specifier)?.slice(1) ?? []);
  return [...new Set(names)].filter((name) => name !== "deno-std").sort();
}

/** Loaded only where they are used, by whatever command. */
const HEAVY = [
  "@huggingface/tokenizers",
  "@modelcontextprotocol/sdk",
  "@resvg/resvg-wasm",
  "ajv",
  "echarts",
  "gpt-tokenizer",
  "playwright-core",
];

/** Commands that read no file of a person's need no library at all. */
const LIGHT = [
  "load/calibrate",
  "ui/completions",
  "doctor",
  "runs/runs",
  "runs/list",
  "sample",
  "sim",
];

Deno.test("dyno --help loads the table of commands and the terminal, no command", () => {
  const loaded = loadedWith("main.ts").filter((specifier) => specifier.startsWith("file:"));
  assertEquals(
    loaded.map((specifier) => specifier.slice(new URL(".", info.roots[0]).href.length)).sort(),
    [
      "lib/cli/interrupt.ts",
      "lib/cli/main.ts",
      "lib/cli/ui/command.ts",
      "lib/cli/ui/terminal.ts",
      "lib/errors.ts",
      "lib/execute/scope.ts",
      "lib/text/nearest.ts",
      "lib/text/printable.ts",
      "lib/text/width.ts",
      "main.ts",
    ],
  );
  assertEquals(packagesIn(loadedWith("main.ts")), []);
});

Deno.test("no command begins with a library that only a part of it uses", () => {
  const commands = modules.get(
    [...modules.keys()].find((key) => key.endsWith("/lib/cli/main.ts"))!,
  )!
    .dependencies!.flatMap(({ isDynamic, code }) => isDynamic ? code?.specifier ?? [] : [])
    .filter((specifier) => specifier.includes("/lib/cli/"));
  assert(commands.length >= 14, `${commands}`);
  for (const specifier of commands) {
    const file = specifier.slice(specifier.lastIndexOf("lib/cli/"));
    const heavy = packagesIn(loadedWith(file)).filter((name) => HEAVY.includes(name));
    assertEquals(heavy, [], file);
  }
  for (const name of LIGHT) assertEquals(packagesIn(loadedWith(`lib/cli/${name}.ts`)), [], name);
});

Deno.test("the tasks read no command's module before it is called", async () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const [, ...words] = tasks.dyno.command.split(" ");
  const [run, ...rest] = words;
  const { code, stderr } = await finished([run, "--log-level=debug", ...rest, "--help"]);
  assertEquals(code, 0);
  const fetched = [...stderr.matchAll(/fetch_no_follow - specifier: \S+\/(\S+)/g)];
  const names = fetched.map(([, name]) => name);
  assert(names.includes("terminal.ts"), `${names}`);
  assert(!names.some((name) => ["serve.ts", "run.ts", "load.ts"].includes(name)), `${names}`);
});

Deno.test("--version needs no permission", () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    Deno.execPath(),
    ["run", "--no-prompt", main, "--version"],
    { encoding: "utf8" },
  );
  assertEquals([status, stderr], [0, ""]);
  assertMatch(stdout, /^dyno \d+\.\d+\.\d+/);
});
