/**
 * Format, lint, type check, the library's doc comments, all tests; ends with what failed and one line
 * `N passed, N failed`. What failed is run once more, alone, and what passes then is named as unsteady.
 * Installs what the tests need and the machine lacks, and says so: Chromium, for the report's test,
 * clang, for fuzzing, bubblewrap and Python, for the sandbox's, Slurm, for sweeps on a cluster,
 * Prometheus, for the metrics', buildah, for the container's.
 */
import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { browserPath } from "../tests/browser.ts";
import { fuzzingClang } from "../tests/clang.ts";
import { slurmIsInstalled } from "../tests/slurm.ts";

interface Counts {
  passed: number;
  failed: number;
  /** Names of the tests that were skipped. */
  skipped: string[];
}

/** A Deno process that has ended. */
interface Ended {
  good: boolean;
  /** Its output, without colours. */
  output: string;
}

const deno = process.execPath;
const say = (line: string) => process.stderr.write(`${line}\n`);

/** Runs a program and shows its output; returns whether it succeeded. */
function run(command: string, ...args: string[]): boolean {
  say(`$ ${command === deno ? "deno" : command} ${args.join(" ")}`);
  return spawnSync(command, args, { stdio: "inherit" }).status === 0;
}

/** Something that some tests need; if it is missing they are skipped, and counted as skipped. */
interface Requirement {
  name: string;
  tests: string;
  packages: string[];
  here(): boolean;
}

const REQUIREMENTS: Requirement[] = [
  {
    name: "Chromium",
    tests: "the browser tests",
    packages: ["chromium-headless-shell", "fonts-dejavu-core"],
    here: () => browserPath() !== null,
  },
  {
    name: "clang",
    tests: "the fuzz tests",
    packages: ["clang", "libclang-rt-dev"],
    here: () => fuzzingClang() !== null,
  },
  {
    name: "bubblewrap and Python",
    tests: "the sandbox's tests",
    packages: ["bubblewrap", "python3"],
    here: () => runs("bwrap") && runs("python3"),
  },
  {
    name: "Slurm",
    tests: "the tests of sweeps on a cluster",
    packages: ["slurm-wlm", "munge"],
    here: () => slurmIsInstalled(),
  },
  {
    name: "Prometheus",
    tests: "the metrics' tests",
    packages: ["prometheus"],
    here: () => runs("prometheus") && runs("promtool"),
  },
  {
    name: "buildah",
    tests: "the container's test",
    packages: ["buildah"],
    here: () => runs("buildah"),
  },
];

function runs(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Installs what is missing, if that is possible: as root on Debian. */
function installMissing(): void {
  const missing = REQUIREMENTS.filter((requirement) => !requirement.here());
  if (missing.length === 0) return;
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  for (const { name, tests, packages } of missing) {
    say(
      mayInstall
        ? `installing ${name} from Debian's packages, for ${tests}`
        : `no ${name} here: ${tests} are skipped (Debian: apt-get install ${packages.join(" ")})`,
    );
  }
  if (!mayInstall) return;
  process.env.DEBIAN_FRONTEND = "noninteractive";
  run("apt-get", "-q", "update");
  for (const { packages } of missing) {
    run("apt-get", "-q", "install", "-y", "--no-install-recommends", ...packages);
  }
}

/** The counts in a JUnit file. */
function countsOf(junit: string): Counts {
  const totals = /<testsuites\b[^>]*>/.exec(junit)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = [...junit.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped\b/g)]
    .map(([, name]) => name);
  return { passed: count("tests") - failed - skipped.length, failed, skipped };
}

/** The parts that take longest and start first: files that are separate parts, and folders. */
const FIRST = [
  "tests/chaos",
  "tests/e2e",
  "tests/sweep",
  "tests/load",
  "tests/books/books_test.ts",
  "tests/e2e/npm_test.ts",
  "tests/e2e/readme_test.ts",
  "tests/coding/sandbox",
  "tests/chaos/power_cut_test.ts",
  "tests/chaos/kill_test.ts",
  "tests/native/sanitizers_test.ts",
  "tests/chaos/faults_test.ts",
  "tests/chaos/limits_test.ts",
  "tests/chaos/disk_test.ts",
  "tests/e2e/single_file_test.ts",
  "tests/e2e/doc_comments_test.ts",
  "tests/e2e/compile_test.ts",
  "tests/chaos/signals_test.ts",
  "tests/chaos/hosts_test.ts",
];

const CHECKS = [
  ["fmt", "--check"],
  ["lint"],
  ["check", "main.ts", "lib", "scripts", "tests"],
  ["doc", "--quiet", "--lint", "lib/mod.ts"],
];

/** The test files of one `deno test` command. */
interface Part {
  name: string;
  files: string[];
}

/** The test files in a folder and its subfolders, or the one that a path names. */
function testsIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("_test.ts") && !name.startsWith("fixtures/"))
    .map((name) => join(path, name)).sort();
}

/** The parts of the tests: the files of {@linkcode FIRST}, and for each folder its other files. */
function testParts(): Part[] {
  const bytes = ({ files }: Part) => files.reduce((sum, path) => sum + statSync(path).size, 0);
  const places = new Map(FIRST.map((name, i) => [name, i]));
  const place = ({ name }: Part) => places.get(name) ?? FIRST.length;
  const partOf = (path: string) => places.has(path) ? path : dirname(path);
  return [...Map.groupBy(testsIn("tests"), partOf)].map(([name, files]) => ({ name, files }))
    .sort((a, b) => place(a) - place(b) || bytes(b) - bytes(a));
}

/**
 * Runs Deno. Its output is shown when it has ended, so that the output of parallel commands stays
 * readable.
 *
 * @param told the name to show for the command.
 */
function runDeno(args: string[], told = args.join(" ")): Promise<Ended> {
  const started = performance.now();
  const child = spawn(deno, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output: Uint8Array[] = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  return new Promise((resolve) => {
    child.on("close", (code) => {
      for (const chunk of output) process.stderr.write(chunk);
      const tookS = Math.round((performance.now() - started) / 1000);
      say(`$ deno ${told}: ${tookS} s`);
      const text = stripVTControlCharacters(Buffer.concat(output).toString());
      resolve({ good: code === 0, output: text });
    });
  });
}

/** The result of one command. */
interface Result {
  words: string;
  counts: Counts;
  /** The error output, if it failed. */
  errors: string;
  /** It failed while others ran, and passed alone. */
  unsteady?: boolean;
}

type Job = () => Promise<Result>;

async function check(args: string[]): Promise<Result> {
  const { good, output } = await runDeno(args);
  const counts = { passed: Number(good), failed: Number(!good), skipped: [] };
  return { words: args.join(" "), counts, errors: output };
}

/**
 * Runs a part. One module imports all its files, because Deno gives each module an isolate, which
 * would compile the common imports again.
 */
async function testPart({ name, files }: Part, beside: string): Promise<Result> {
  const junit = `${beside}.xml`, module = `${beside}.ts`;
  rmSync(junit, { force: true });
  writeFileSync(module, files.map((path) => `import "${pathToFileURL(path)}";\n`).join(""));
  const args = ["test", "-A", "--no-check", `--junit-path=${junit}`, module];
  const { good, output } = await runDeno(args, `test ${name}`);
  const counts = existsSync(junit)
    ? countsOf(readFileSync(junit, "utf8"))
    : { passed: 0, failed: 1, skipped: [] };
  // a module that does not load, or a leak outside a test, makes the run fail but no test
  if (!good && counts.failed === 0) counts.failed = 1;
  return { words: name, counts, errors: output.slice(Math.max(0, output.indexOf("\n ERRORS"))) };
}

/** The last lines of a text, which contain the failures. */
function lastLines(text: string, limit: number): string {
  return text.trim().split("\n").slice(-limit).join("\n");
}

/**
 * Runs everything, four jobs per core at a time, because they mostly wait for clocks and processes.
 * The tests tolerate more: at five times this load, all passed but two that counted on an idle
 * machine. What fails is run again when nothing else runs: the second result counts.
 */
async function runAll(jobs: Job[]): Promise<Result[]> {
  const results: Result[] = [];
  const failed: { job: Job; errors: string }[] = [];
  const waiting = [...jobs];
  const lane = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const result = await job();
      if (result.counts.failed > 0) failed.push({ job, errors: result.errors });
      else results.push(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4 * availableParallelism(), 8) }, lane));
  for (const { job, errors } of failed) {
    const again = await job();
    results.push(again.counts.failed > 0 ? again : { ...again, errors, unsteady: true });
  }
  return results;
}

const long = process.argv.includes("--long");
const only = process.argv.slice(2).filter((argument) => argument !== "--long");
if (long) process.env.DYNO_TEST_LONG = "1";
installMissing();
const folder = mkdtempSync(join(tmpdir(), "dyno-test-"));
try {
  const parts = only.length > 0
    ? [{ name: only.join(" "), files: only.flatMap(testsIn) }]
    : testParts();
  const results = await runAll([
    ...CHECKS.map((args) => () => check(args)),
    ...parts.map((part, i) => () => testPart(part, join(folder, `${i}`))),
  ]);
  say("");
  const skipped = results.flatMap(({ counts }) => counts.skipped);
  for (const name of skipped) say(`skipped: ${name}`);
  for (const { words, counts, errors, unsteady } of results) {
    const told = `${words}\n${lastLines(errors, 60)}\n`;
    if (unsteady) say(`unsteady, it passed alone: ${told}`);
    if (counts.failed > 0) say(`failed, alone too: ${told}`);
  }
  const sum = (of: "passed" | "failed") =>
    results.reduce((total, { counts }) => total + counts[of], 0);
  const also = (count: number, what: string) => count > 0 ? `, ${count} ${what}` : "";
  process.stdout.write(
    `${sum("passed")} passed, ${sum("failed")} failed${also(skipped.length, "skipped")}` +
      `${also(results.filter(({ unsteady }) => unsteady).length, "unsteady")}\n`,
  );
  process.exitCode = sum("failed") > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
