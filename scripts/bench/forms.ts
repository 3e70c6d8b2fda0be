/**
 * Measures the size of each form of dyno and how long it takes to start: `deno run`, the npm
 * package under Node, and the single file of Node, in turns.
 * Usage: deno task bench forms     (builds what is missing in dist/)
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { platformName } from "../../lib/native/prebuilt.ts";
import { buildPackage } from "../build_npm.ts";
import { compileWithNode } from "../compile_node.ts";
import { project, ROOT } from "../package.ts";

const TURNS = 15;
const COMMANDS = [["--version"], ["load", "--help"], ["runs", "list", "--runs", "."]];
const NODE = "node@24";

interface Form {
  name: string;
  words: string[];
  /** The size of everything that must be copied to a host. */
  bytes: number;
}

function bytesIn(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size;
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** Runs a program, which must succeed; returns standard output. */
function output(words: string[], cwd: string): string {
  const [program, ...args] = words;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return stdout;
}

async function forms(at: string): Promise<Form[]> {
  const file = join(ROOT, "dist/bin", `dyno-node-${platformName()}`);
  if (!existsSync(file)) await compileWithNode(file, join(ROOT, "dist/compile-node-work"));
  const [name, version] = [project().name, project().version];
  const tarball = join(ROOT, "dist", `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  if (!existsSync(tarball)) await buildPackage();
  writeFileSync(join(at, "package.json"), "{}");
  output(["npm", "install", "--no-audit", "--no-fund", "--silent", tarball], at);
  const node = output(["npx", "-y", "-p", NODE, "node", "-p", "process.execPath"], at).trim();
  const own: string[] = project().tasks.dyno.command.split(" ");
  const deno = own.map((word) =>
    word === "deno" ? process.execPath : word === "main.ts" ? join(ROOT, word) : word
  );
  const main = join(at, "node_modules", name, "main.js");
  return [
    { name: "deno run", words: deno, bytes: bytesIn(process.execPath) },
    {
      name: "npm, Node 24",
      words: [node, "--disable-warning=ExperimentalWarning", main],
      bytes: bytesIn(node) + bytesIn(join(at, "node_modules")),
    },
    { name: "one file of Node", words: [file], bytes: bytesIn(file) },
  ];
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

const at = mkdtempSync(join(tmpdir(), "dyno-forms-"));
try {
  const all = await forms(at);
  const head = COMMANDS.map((args) => args.slice(0, 2).join(" ").padStart(14)).join("");
  process.stdout.write(`load average ${loadavg()[0].toFixed(1)}; median of ${TURNS} starts, ms\n`);
  process.stdout.write(`${"".padEnd(18)}${"MB".padStart(6)}${head}\n`);
  const times = new Map(all.map(({ name }) => [name, COMMANDS.map(() => [] as number[])]));
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const { name, words } of all) {
      COMMANDS.forEach((args, i) => {
        const started = performance.now();
        output([...words, ...args], at);
        if (turn > 0) times.get(name)![i].push(performance.now() - started); // the first run only warms the caches
      });
    }
  }
  for (const { name, bytes } of all) {
    const cells = times.get(name)!.map((each) => median(each).toFixed(0).padStart(14)).join("");
    process.stdout.write(`${name.padEnd(18)}${(bytes / 1e6).toFixed(0).padStart(6)}${cells}\n`);
  }
} finally {
  rmSync(at, { recursive: true, force: true });
}
