/**
 * Format, lint, type check, all tests; ends with one line `N passed, N failed`.
 * Installs what the tests need and the machine lacks, and says so: Chromium, for the report's test.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { browserPath } from "../tests/browser.ts";

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

/** What the browser tests need; without it they are skipped, and counted as such. */
function installBrowser(): void {
  if (browserPath() !== null) return;
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!mayInstall) {
    say("no Chromium here: the browser tests are skipped (Debian: apt-get install chromium)");
    return;
  }
  say("installing Chromium from Debian's packages, for the browser tests");
  process.env.DEBIAN_FRONTEND = "noninteractive";
  run("apt-get", "-q", "update");
  run("apt-get", "-q", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core");
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
installBrowser();
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
