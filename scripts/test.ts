/**
 * Format, lint, type check, all tests; ends with one line `N passed, N failed`.
 * Installs what the tests need and the machine lacks, and says so: Chromium, for the report's test,
 * clang, for fuzzing, bubblewrap and Python, for the sandbox's.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { browserPath } from "../tests/browser.ts";
import { fuzzingClang } from "../tests/clang.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const deno = process.execPath;
const say = (line: string) => process.stderr.write(`${line}\n`);

/** Runs a program with its output shown; whether it succeeded. */
function run(command: string, ...args: string[]): boolean {
  say(`$ ${command === deno ? "deno" : command} ${args.join(" ")}`);
  return spawnSync(command, args, { stdio: "inherit" }).status === 0;
}

/** What some tests need; where it is missing they are skipped, and counted as such. */
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
    packages: ["chromium", "fonts-dejavu-core"],
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
];

function runs(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Installs what is missing where it may: as root on Debian. */
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
  const skipped = (junit.match(/<skipped\b/g) ?? []).length;
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

function testAll(only: string[]): Counts {
  const folder = mkdtempSync(join(tmpdir(), "dyno-test-"));
  const junit = join(folder, "junit.xml");
  try {
    const good = run(deno, "test", "-A", "--no-check", `--junit-path=${junit}`, ...only);
    const counts = existsSync(junit)
      ? countsOf(readFileSync(junit, "utf8"))
      : { passed: 0, failed: 1, skipped: 0 };
    // a module that does not load, or a leak outside of a test, fails the run but no test
    if (!good && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const only = process.argv.slice(2);
installMissing();
const checks = [
  run(deno, "fmt", "--check"),
  run(deno, "lint"),
  run(deno, "check", "main.ts", "lib", "scripts", "tests"),
];
const { passed, failed, skipped } = testAll(only);
const failedChecks = checks.filter((good) => !good).length;
const skips = skipped > 0 ? `, ${skipped} skipped` : "";
say("");
process.stdout.write(
  `${passed + checks.length - failedChecks} passed, ${failed + failedChecks} failed${skips}\n`,
);
process.exitCode = failed + failedChecks > 0 ? 1 : 0;
