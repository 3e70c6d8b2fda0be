/**
 * Installs the npm package as a user does, into an empty folder, and tries all of it under Node: no
 * Deno and no compiler on PATH. Ends at the first thing that does not work, with what it said.
 * Usage: deno run -A scripts/verify_npm.ts [TARBALL]     (without it, builds one)
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { buildPackage } from "./build_npm.ts";
import { commit, manifest } from "./package.ts";

/** The oldest line that the package is for. */
const NODE = "node@22";
const TYPESCRIPT = "5.9.3";
const NODE_TYPES = "22.19.1";
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];

/** A user's program, in strict TypeScript; run as it is written here but for the types. */
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

const say = (line: string) => process.stderr.write(`${line}\n`);

/** A step that did not do what it must. */
class Failed extends Error {
  override readonly name = "Failed";
}

function expect(holds: boolean, what: string, said: unknown): void {
  if (!holds) {
    throw new Failed(`${what}: ${typeof said === "string" ? said : JSON.stringify(said)}`);
  }
}

/** The machine's Node where it is of that line, else npm's, which comes from its cache the next time. */
function node22(): string {
  const ask = (program: string, ...args: string[]) =>
    execFileSync(program, [...args, "-p", "process.version + ' ' + process.execPath"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim().split(" ");
  const [version, own] = ask("node");
  return version.startsWith("v22.") ? own : ask("npx", "-y", "-p", NODE, "node")[1];
}

/** A folder for PATH with Node, npm and what their scripts need; not Deno, not a compiler. */
function pathFolder(at: string): string {
  const folder = join(at, "bin");
  mkdirSync(folder);
  const which = (name: string) =>
    execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
  symlinkSync(node22(), join(folder, "node"));
  for (const name of ["npm", "npx", "sh", "env", "uname"]) {
    symlinkSync(which(name), join(folder, name));
  }
  return folder;
}

/** A program that goes on until it is ended; `end` gives its exit code. */
interface Started {
  url: string;
  end(): Promise<number | null>;
}

/** The folder of a user who has installed the package, and how that user starts things. */
class Installed {
  readonly folder: string;
  readonly #env: Record<string, string>;
  readonly #program: string;

  constructor(at: string) {
    this.folder = join(at, "project");
    mkdirSync(this.folder);
    this.#program = join(this.folder, "node_modules/.bin/dyno");
    writeFileSync(join(this.folder, "package.json"), `{"private": true, "type": "module"}\n`);
    const { HOME = at } = process.env;
    const npmrc = join(HOME, ".npmrc");
    this.#env = {
      PATH: pathFolder(at),
      HOME: join(at, "home"),
      XDG_CACHE_HOME: join(at, "cache"),
      npm_config_cache: process.env.npm_config_cache ?? join(HOME, ".npm"),
      npm_config_userconfig: process.env.npm_config_userconfig ?? npmrc,
      NO_COLOR: "1",
    };
  }

  /** Runs a program to its end; gives standard output. */
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

  dyno(...args: string[]): string {
    return this.run(this.#program, args);
  }

  /** Starts dyno; gives what it says until `ready` is in it, and how to end it. */
  async started(ready: RegExp, ...args: string[]): Promise<Started> {
    const child = spawn(this.#program, args, {
      cwd: this.folder,
      env: this.#env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    let said = "";
    const url = await new Promise<string | undefined>((resolve) => {
      child.stderr.on("data", (bytes) => {
        said += bytes;
        const [, url] = ready.exec(said) ?? [];
        if (url !== undefined) resolve(url);
      });
      child.stderr.once("end", () => resolve(undefined));
    });
    if (url === undefined) throw new Failed(`dyno ${args.join(" ")}: ${said}`);
    let asked = false;
    const end = () => {
      if (!asked) process.kill(child.pid!, "SIGTERM"); // child.kill would be told as its end
      asked = true;
      return ended;
    };
    return { url, end };
  }

  /** Starts dyno's mock endpoint. */
  mock(): Promise<Started> {
    return this.started(
      /mock endpoint at (\S+)/,
      ...["mock", "--port", "0", "--tokens-per-second", "200"],
    );
  }
}

type Check = [name: string, check: (user: Installed, tarball: string) => Promise<void> | void];

const CHECKS: Check[] = [
  ["npm install", (user, tarball) => {
    const tools = [`typescript@${TYPESCRIPT}`, `@types/node@${NODE_TYPES}`];
    user.run("npm", ["install", ...QUIET, resolve(tarball), ...tools]);
  }],
  ["help, version, what works here", (user) => {
    expect(user.run("node", ["-p", "process.version"]).startsWith("v22."), "not Node 22", "");
    const help = user.run("npx", ["--no", "--", "dyno", "--help"]);
    expect(help.includes("quickstart") && help.includes("sample"), "dyno --help", help);
    const version = user.dyno("--version");
    const sha = commit()?.slice(0, 12) ?? "";
    expect(version.includes(manifest().version) && version.includes(sha), "--version", version);
    const { findings } = JSON.parse(user.dyno("doctor", "--json"));
    const found = (name: string) => findings.find((one: { name: string }) => one.name === name);
    expect(found("compiler").works === false, "a compiler is on PATH", found("compiler"));
    expect(/^prebuilt: /.test(found("libdyno").detail), "libdyno", found("libdyno"));
  }],
  ["quickstart", (user) => {
    const [suite, load] = user.dyno("quickstart", "--json").trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    const [asked] = suite.runs ?? [suite];
    expect(asked.aggregate.avg_hit_rate > 0.5, "quickstart's suite", asked.aggregate);
    expect(load.runs[0].complete === true, "quickstart's load", load.runs[0]);
    const assets = join(user.folder, "runs/sweeps/smoke/report/assets");
    const pictures = existsSync(assets) ? readdirSync(assets) : [];
    expect(pictures.some((name) => name.endsWith(".png")), "the sweep's pictures", pictures);
  }],
  ["a load", async (user) => {
    const { url, end } = await user.mock();
    try {
      const told = user.dyno(
        ...["load", "--endpoint", `${url}/v1`, "--concurrency", "4", "--requests", "20", "--json"],
      );
      const [{ transport, stages }] = JSON.parse(told).runs;
      expect(transport === "wire", "the native wire is not in use", transport);
      expect(stages[0].requests.successful > 10, "requests", stages[0].requests);
    } finally {
      await end();
    }
  }],
  ["the sampler", (user) => {
    const { performance } = JSON.parse(user.dyno("sample", "--duration", "1", "--json"));
    expect(performance.samples > 50, "samples", performance);
  }],
  ["sweeps: the simulator, and dyno itself", async (user) => {
    const experiments = join(user.folder, "node_modules/@dyno/dyno/experiments");
    const smoke = join(experiments, "smoke.json");
    const swept = JSON.parse(user.dyno("sweep", "--config", smoke, "--jobs", "2", "--json"));
    expect(swept.ended === 8 && swept.failed === 0, "sweep", swept);
    user.dyno("collect", "--exp_dir", swept.exp_dir);
    user.dyno("report", "--exp_dir", swept.exp_dir);
    const { url, end } = await user.mock();
    try {
      const common_args = { endpoint: `${url}/v1`, requests: 8 };
      const jobs = { name: "jobs", kind: "load", common_args, matrix: { concurrency: [1, 2] } };
      writeFileSync(join(user.folder, "jobs.json"), JSON.stringify(jobs));
      const ran = JSON.parse(user.dyno("sweep", "--config", "jobs.json", "--json"));
      expect(ran.ended === 2 && ran.failed === 0, "a sweep of loads", ran);
    } finally {
      await end();
    }
  }],
  ["the server: a task, its events, its end", async (user) => {
    const mock = await user.mock();
    const server = await user.started(/dyno serve at ([^\s,]+)/, "serve", "--port", "0");
    try {
      const task = { kind: "suite", suite: "quickstart", endpoint: `${mock.url}/v1` };
      const answer = await fetch(`${server.url}/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(task),
      });
      const { task_id } = await answer.json();
      expect(answer.status === 202, "POST /tasks", answer.status);
      const events = await (await fetch(`${server.url}/tasks/${task_id}/events`)).text();
      expect(events.includes('"status":"completed"'), "a task's events", events);
      const code = await server.end();
      expect(code === 0, "the end of dyno serve", code);
    } finally {
      await Promise.all([server.end(), mock.end()]);
    }
  }],
  ["past runs", (user) => {
    const runs = JSON.parse(user.dyno("runs", "list", "--json"));
    expect(runs.length === 4, "runs list", runs);
    user.dyno("runs", "show", "latest");
  }],
  ["a strict TypeScript program with the library", (user) => {
    writeFileSync(join(user.folder, "program.ts"), PROGRAM);
    writeFileSync(join(user.folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    user.run(join(user.folder, "node_modules/.bin/tsc"), ["-p", "."]);
    const { aggregate, deno } = JSON.parse(user.run("node", ["built/program.js"]));
    expect(aggregate.successful === 1 && !deno, "the program", { aggregate, deno });
  }],
];

/** Installs and tries a tarball; gives the names of what was tried. */
export async function verifyPackage(tarball: string): Promise<string[]> {
  const at = mkdtempSync(join(tmpdir(), "dyno-npm-"));
  try {
    const user = new Installed(at);
    for (const [name, check] of CHECKS) {
      const started = performance.now();
      await check(user, tarball);
      say(`works: ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    }
    return CHECKS.map(([name]) => name);
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

if (import.meta.main) await verifyPackage(process.argv[2] ?? await buildPackage());
