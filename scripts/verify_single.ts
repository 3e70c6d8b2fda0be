/**
 * Tries the single executable where there is nothing else: each call in a root of its own that has the
 * file, the C and C++ libraries it names and an empty folder; no shell, no compiler, no Node, and no
 * network but loopback. Needs bubblewrap. Ends at the first thing that does not work.
 * Usage: deno run -A scripts/verify_single.ts FILE
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { commit, ROOT } from "./package.ts";
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

/** The locations of the libraries that a program needs, including its loader. */
export function librariesOf(file: string): string[] {
  const told = execFileSync("ldd", [file], { encoding: "utf8" });
  return [...told.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path);
}

/** The process that bubblewrap started: a signal to bubblewrap itself would only kill it. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}

/** A user in an empty root with the file. */
class Alone implements User {
  readonly folder: string;
  readonly experiments: string;
  readonly #words: string[];

  constructor(at: string, readonly file: string, further: string[] = []) {
    // the folder has the same path inside, so that paths in dyno's output are valid outside too
    this.folder = at;
    this.experiments = join(at, "experiments");
    cpSync(join(ROOT, "experiments"), this.experiments, { recursive: true });
    const libraries = librariesOf(file).flatMap((path) => ["--ro-bind", path, path]);
    this.#words = [
      ...[
        "/usr/bin/bwrap",
        "--unshare-user-try",
        "--unshare-ipc",
        "--unshare-uts",
        "--die-with-parent",
        "--new-session",
      ],
      ...["--clearenv", "--setenv", "HOME", join(at, "home"), "--setenv", "NO_COLOR", "1"],
      ...["--proc", "/proc", "--dev", "/dev", ...libraries, "--ro-bind", file, "/dyno"],
      ...["--tmpfs", "/tmp", "--bind", at, at, "--chdir", at, ...further, "/dyno"],
    ];
  }

  dyno(...args: string[]): string {
    const [program, ...words] = [...this.#words, ...args];
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
    expect(status === 0, `dyno ${args.join(" ")} (${status})`, stdout + stderr);
    return stdout;
  }

  started(ready: RegExp, ...args: string[]): Promise<Started> {
    const words = [...this.#words, ...args];
    return startedBy({ words, cwd: this.folder, env: {}, pidOf: childOf }, ready);
  }
}

/** The finding of dyno doctor with a name. */
function foundBy(user: Alone): (name: string) => { works: boolean; detail: string } {
  const findings = findingsOf(user);
  return (name) => findings.get(name)!;
}

const CHECKS: Check<Alone>[] = [
  ["version, what works here", (user) => {
    const version = user.dyno("--version");
    expect(version.includes(commit()?.slice(0, 12) ?? ""), "--version", version);
    const found = foundBy(user);
    expect(found("compiler").works === false, "a compiler is here", found("compiler"));
    expect(/^embedded: /.test(found("libdyno").detail), "libdyno", found("libdyno"));
    expect(found("simulator").works, "the simulator", found("simulator"));
    expect(found("clock").detail === "CLOCK_MONOTONIC", "the clock", found("clock"));
  }],
  ...FORM_CHECKS,
  ["a load whose verdict knows the client, and its report", async (user) => {
    const { url, end } = await mockOf(user, 10); // slow, so that a busy machine's lateness is small in comparison
    try {
      const load = ["load", "--endpoint", `${url}/v1`, "--concurrency", "8", "--requests", "16"];
      const ask = () => JSON.parse(user.dyno(...load, "--json")).runs[0];
      let told = ask();
      // other work on the machine may limit the client, so one success is enough
      for (let i = 0; i < 3 && told.verdict.verdict !== "trusted"; i++) told = ask();
      const { verdict, client, reasons } = told.verdict;
      // on a machine that is always busy the verdict says so: then the client's own lag is known
      const known = verdict === "client_limited" && client.read_lag_p99_ms !== null;
      expect(verdict === "trusted" || known, "the verdict", told.verdict);
      if (known) process.stderr.write(`a busy machine: ${reasons[0]}\n`);
      expect(told.transport === "wire", "the transport", told.transport);
      const { run_id } = told;
      const report = readFileSync(join(user.folder, "runs", run_id, "report/index.html"), "utf8");
      expect(report.includes("<svg") && !/(src|href)="http/.test(report), "the report", "");
    } finally {
      await end();
    }
  }],
  ["where no folder can hold its native parts, it does without them", (user) => {
    const nowhere = [
      "--setenv",
      "HOME",
      "/none",
      "--setenv",
      "TMPDIR",
      "/none",
      "--remount-ro",
      "/",
    ];
    const poor = new Alone(user.folder, user.file, nowhere);
    const found = foundBy(poor);
    expect(found("libdyno").works === false, "libdyno", found("libdyno"));
    expect(
      /koffi inside this program: .*\/none/.test(found("libdyno").detail),
      "why",
      found("libdyno"),
    );
    expect(poor.dyno("--version").includes(commit()?.slice(0, 12) ?? ""), "--version", "");
  }],
  ["a file of its cache that was damaged is put right", (user) => {
    const cache = join(user.folder, "home/.cache/dyno/native");
    const [library] = Deno.readDirSync(cache).filter(({ name }) => name.startsWith("libdyno"));
    Deno.writeTextFileSync(join(cache, library.name), "not a library");
    const libdyno = foundBy(user)("libdyno");
    expect(/^embedded: /.test(libdyno.detail), "libdyno", libdyno);
  }],
];

/** Checks the file, in a separate network. */
async function inside(file: string): Promise<void> {
  const at = mkdtempSync(join(tmpdir(), "dyno-single-"));
  try {
    mkdirSync(join(at, "home"));
    await runChecks(new Alone(at, file), CHECKS);
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [file, where] = process.argv.slice(2);
  if (where === "--inside") await inside(file);
  else {
    const deno = [process.execPath, "run", "-A", fileURLToPath(import.meta.url)];
    const words = ["--unshare-net", "--dev-bind", "/", "/", ...deno, resolve(file), "--inside"];
    process.exitCode = spawnSync("bwrap", words, { stdio: "inherit" }).status ?? 1;
  }
}
