/**
 * Installs the npm package as a user does, into an empty folder, and tries all of it under the oldest
 * Node: no Deno and no compiler on PATH. Then a load under a newer Node, under Bun, by other installers,
 * without koffi, and inside other programs. Ends at the first thing that does not work, with what it said.
 * Usage: deno run -A scripts/verify_npm.ts [TARBALL]     (without it, builds one)
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { buildPackage } from "./build_npm.ts";
import { BUDGET, commit, manifest } from "./package.ts";
import {
  type Check,
  expect,
  findingsOf,
  FORM_CHECKS,
  mockOf,
  runChecks,
  type Started,
  startedBy,
  type User,
} from "./verify_form.ts";

/** The oldest Node line that the package supports, and the newest with long-term support. */
const NODES = [22, 24] as const;
const PNPM = "pnpm@10.34.9";
const YARN = "yarn@1.22.22";
const BUN = "bun@1.4.5";
const ESBUILD = "esbuild@0.28.2";
const TYPESCRIPT = "5.9.3";
const NODE_TYPES = "22.19.1";
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];

/** A user's program in strict TypeScript; it is run unchanged except for its types. */
const PROGRAM = `import {
  configureApi,
  InputError,
  MockEndpoint,
  openTransport,
  parseSuite,
  readResults,
  runSuite,
} from "@dyno/dyno";
import type { Aggregate, Suite } from "@dyno/dyno";

const suite: Suite = {
  test_suite_id: "own",
  tests: [{ id: "a", name: "A", category: "c", prompt: "Say yes." }],
};
const mock = await MockEndpoint.start({ model: "m", behaviour: { default_response: "yes" } });
const transport = await openTransport();
try {
  const api = await configureApi({ endpoint: mock.url + "/v1", model: "m" }, transport, () => {});
  const loaded = parseSuite("own.json", JSON.stringify(suite));
  const run = await runSuite({ suite: loaded, api, transport, workers: 1, out: "library" });
  const aggregate: Aggregate = run.results.aggregate;
  const [first] = await readResults(run.directory);
  if (first.response_text !== "yes") throw new Error(JSON.stringify(first));
  try {
    parseSuite("own.json", "{}");
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  console.log(JSON.stringify({ aggregate, deno: "Deno" in globalThis }));
} finally {
  await transport[Symbol.asyncDispose]();
  await mock[Symbol.asyncDispose]();
}
`;

const TSCONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: false,
    skipLibCheck: false,
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    module: "NodeNext",
    types: ["node"],
    outDir: "built",
  },
  files: ["program.ts"],
};

const nodes = new Map<number, string>();

/** A Node of that line: the machine's, else npm's, which its cache provides the next time. */
function nodeOf(line: number): string {
  const known = nodes.get(line);
  if (known !== undefined) return known;
  const ask = (program: string, ...args: string[]) =>
    execFileSync(program, [...args, "-p", "process.version + ' ' + process.execPath"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim().split(" ");
  const [version, own] = ask("node");
  const found = version.startsWith(`v${line}.`)
    ? own
    : ask("npx", "-y", "-p", `node@${line}`, "node")[1];
  nodes.set(line, found);
  return found;
}

/**
 * A folder for PATH with Node, npm and the programs that their scripts need, but without Deno or a
 * compiler.
 */
function pathFolder(at: string, line: number): string {
  const folder = join(at, "bin");
  mkdirSync(folder);
  const which = (name: string) =>
    execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
  symlinkSync(nodeOf(line), join(folder, "node"));
  for (const name of ["npm", "npx", "sh", "env", "uname", "dirname", "sed"]) {
    symlinkSync(which(name), join(folder, name));
  }
  return folder;
}

/** The folder of a user who has installed the package, and how that user starts programs. */
class Installed implements User {
  readonly folder: string;
  readonly experiments: string;
  readonly tarball: string;
  readonly #env: Record<string, string>;
  /** The command that starts dyno. */
  #program: string[];

  constructor(at: string, tarball: string, line: number = NODES[0]) {
    this.tarball = resolve(tarball);
    mkdirSync(at, { recursive: true });
    this.folder = join(at, "project");
    this.experiments = join(this.folder, "node_modules/@dyno/dyno/experiments");
    mkdirSync(this.folder);
    this.#program = [join(this.folder, "node_modules/.bin/dyno")];
    writeFileSync(join(this.folder, "package.json"), `{"private": true, "type": "module"}\n`);
    const { HOME = at } = process.env;
    const npmrc = join(HOME, ".npmrc");
    this.#env = {
      PATH: pathFolder(at, line),
      HOME: join(at, "home"),
      XDG_CACHE_HOME: join(at, "cache"),
      npm_config_cache: process.env.npm_config_cache ?? join(HOME, ".npm"),
      npm_config_userconfig: process.env.npm_config_userconfig ?? npmrc,
      NO_COLOR: "1",
    };
  }

  /** Runs a program until it ends; returns standard output. */
  run(program: string, args: string[], expected = 0): string {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      cwd: this.folder,
      env: this.#env,
      encoding: "utf8",
    });
    const said = `${program} ${args.join(" ")} (${status})\n${stdout}${stderr}${error ?? ""}`;
    expect(status === expected, "failed", said);
    return stdout;
  }

  /** Starts dyno with another command from now on. */
  startBy(...words: string[]): void {
    this.#program = [...words, this.#program.at(-1)!];
  }

  dyno(...args: string[]): string {
    const [program, ...leading] = this.#program;
    return this.run(program, [...leading, ...args]);
  }

  started(ready: RegExp, ...args: string[]): Promise<Started> {
    const words = [...this.#program, ...args];
    return startedBy({ words, cwd: this.folder, env: this.#env }, ready);
  }
}

/** The size of a folder's content, in bytes. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

const CHECKS: Check<Installed>[] = [
  ["npm install", (user) => {
    user.run("npm", ["install", ...QUIET, user.tarball]);
    const bytes = bytesIn(join(user.folder, "node_modules"));
    process.stderr.write(`node_modules: ${bytes} bytes\n`);
    expect(bytes < BUDGET.installed_bytes, "node_modules is over its budget", bytes);
  }],
  ["help, version, what works here", (user) => {
    const line = user.run("node", ["-p", "process.version"]);
    expect(line.startsWith(`v${NODES[0]}.`), "not that Node", line);
    const help = user.run("npx", ["--no", "--", "dyno", "--help"]);
    expect(help.includes("quickstart") && help.includes("sample"), "dyno --help", help);
    const version = user.dyno("--version");
    const sha = commit()?.slice(0, 12) ?? "";
    expect(version.includes(manifest().version) && version.includes(sha), "--version", version);
    const found = findingsOf(user);
    expect(found.get("compiler")?.works === false, "a compiler is on PATH", "");
    expect(/^prebuilt: /.test(found.get("libdyno")!.detail), "libdyno", found.get("libdyno"));
  }],
  ...FORM_CHECKS,
  ["a strict TypeScript program with the library", (user) => {
    const tools = [`typescript@${TYPESCRIPT}`, `@types/node@${NODE_TYPES}`, ESBUILD];
    user.run("npm", ["install", ...QUIET, ...tools]);
    writeFileSync(join(user.folder, "program.ts"), PROGRAM);
    writeFileSync(join(user.folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    user.run(join(user.folder, "node_modules/.bin/tsc"), ["-p", "."]);
    const { aggregate, deno } = JSON.parse(user.run("node", ["built/program.js"]));
    expect(aggregate.successful === 1 && !deno, "the program", { aggregate, deno });
  }],
  ["require() in CommonJS", (user) => {
    writeFileSync(join(user.folder, "own.cjs"), `${REQUIRING}\n`);
    const said = user.run("node", ["own.cjs"]);
    expect(said === "yes\n", "own.cjs", said);
  }],
  ["a program that esbuild bundles, as an ES module and by its defaults", (user) => {
    const esbuild = join(user.folder, "node_modules/.bin/esbuild");
    const forms = [
      { source: "program.ts", output: "esm.mjs", form: ["--format=esm"], says: /"successful":1,/ },
      { source: "own.cjs", output: "default.cjs", form: [], says: /^yes$/m },
    ];
    for (const { source, output, form, says } of forms) {
      const away = join(user.folder, "..", output); // a folder without node_modules
      const quiet = ["--platform=node", "--log-level=error"];
      user.run(esbuild, [source, "--bundle", ...quiet, ...form, `--outfile=${away}`]);
      const said = user.run("node", [away]);
      expect(says.test(said), output, said);
    }
  }],
];

/** A CommonJS program that uses the mock endpoint. */
const REQUIRING = `const { MockEndpoint } = require("@dyno/dyno");
MockEndpoint.start({ model: "m", behaviour: { default_response: "yes" } }).then(async (mock) => {
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "Say yes." }] });
  const answer = await fetch(mock.url + "/v1/chat/completions", { method: "POST", body });
  console.log((await answer.json()).choices[0].message.content);
  await mock[Symbol.asyncDispose]();
});`;

/** Another way to install or to run the package. */
interface Other {
  name: string;
  line: number;
  install(user: Installed): void;
  /** The name that doctor shows for the runtime. */
  runtime: RegExp;
  transport: "wire" | "portable";
}

const OTHERS: Other[] = [
  {
    name: `Node ${NODES[1]}`,
    line: NODES[1],
    install: (user) => user.run("npm", ["install", ...QUIET, user.tarball]),
    runtime: /on Node 24\./,
    transport: "wire",
  },
  {
    name: "npm install --omit=optional",
    line: NODES[0],
    install: (user) => user.run("npm", ["install", ...QUIET, "--omit=optional", user.tarball]),
    runtime: /on Node 22\./,
    transport: "portable",
  },
  {
    name: "pnpm",
    line: NODES[0],
    install: (user) => user.run("npx", ["-y", PNPM, "add", user.tarball]),
    runtime: /on Node 22\./,
    transport: "wire",
  },
  {
    name: "yarn",
    line: NODES[0],
    install: (user) => user.run("npx", ["-y", YARN, "add", user.tarball]),
    runtime: /on Node 22\./,
    transport: "wire",
  },
  {
    name: "Bun",
    line: NODES[0],
    install: (user) => {
      user.run("npm", ["install", ...QUIET, "--prefix", join(user.folder, "../bun"), BUN]);
      const bun = join(user.folder, "../bun/node_modules/.bin/bun");
      user.run(bun, ["add", user.tarball]);
      user.startBy(bun, "--bun");
    },
    runtime: /on Bun 1\.4\./,
    transport: "wire",
  },
];

async function tryOther({ install, runtime, transport }: Other, user: Installed): Promise<void> {
  install(user);
  const found = findingsOf(user);
  expect(runtime.test(found.get("dyno")!.detail), "the runtime", found.get("dyno"));
  expect(found.get("clock")!.detail === "CLOCK_MONOTONIC", "the clock", found.get("clock"));
  const { url, end } = await mockOf(user);
  try {
    const target = ["--endpoint", `${url}/v1`, "--concurrency", "4", "--requests", "20"];
    const [run] = JSON.parse(user.dyno("load", ...target, "--json")).runs;
    expect(run.transport === transport, "the transport", run.transport);
    expect(run.stages[0].requests.successful === 20, "requests", run.stages[0].requests);
  } finally {
    await end();
  }
}

/** Installs and checks a tarball. */
export async function verifyPackage(tarball: string): Promise<void> {
  const at = mkdtempSync(join(tmpdir(), "dyno-npm-"));
  try {
    await runChecks(new Installed(join(at, "first"), tarball), CHECKS);
    for (const [i, other] of OTHERS.entries()) {
      const user = new Installed(join(at, `other${i}`), tarball, other.line);
      await runChecks(user, [[other.name, (user) => tryOther(other, user)]]);
    }
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

if (import.meta.main) await verifyPackage(process.argv[2] ?? await buildPackage());
