/** What the tests of the sandbox share. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../../lib/errors.ts";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { descendantsOf } from "../../../lib/coding/sandbox/usage.ts";
import type { Program } from "../../../lib/coding/sandbox/outcome.ts";

const say = (line: string) => process.stderr.write(`${line}\n`);

export interface Problem {
  name: string;
  form: "check" | "asserts";
  entry_point: string;
  prompt?: string;
  code: string;
  stub: string;
  test: string;
}

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Whether a real sandbox opens here; says why not, once for each file of tests. */
export const available = await (async () => {
  try {
    await using _ = await Sandbox.open();
    return true;
  } catch (error) {
    say(`the sandbox's tests are skipped: ${messageOf(error)}`);
    return false;
  }
})();

/** Our own problems, each with a solution and a stub. */
export const problems: Problem[] = JSON.parse(
  readFileSync(here("fixtures/sandbox/problems.json"), "utf8"),
);

/** HumanEval's, from DYNO_HUMANEVAL or beside the checkout; null where it is missing. */
export function humanEval(): Problem[] | null {
  const beside = here("../../shared/data/humaneval/HumanEval.jsonl.gz");
  const path = process.env.DYNO_HUMANEVAL ?? beside;
  if (!existsSync(path)) {
    say(`the tests of HumanEval are skipped: no ${path}; set DYNO_HUMANEVAL to HumanEval.jsonl.gz`);
    return null;
  }
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return text.trim().split("\n").map((line) => {
    const { task_id, prompt, canonical_solution, entry_point, test } = JSON.parse(line);
    return {
      name: task_id,
      form: "check",
      entry_point,
      prompt,
      code: prompt + canonical_solution,
      stub: `${prompt}\n    pass\n`,
      test,
    };
  });
}

/** A program with the limits that the tests use. */
export function program(problem: Omit<Program, "timeout_s" | "memory_bytes">, timeout_s = 20) {
  return { ...problem, timeout_s, memory_bytes: 256 << 20 };
}

/** A problem's program: its solution, or other code. */
export function attempt({ entry_point, form, prompt, test, ...own }: Problem, code = own.code) {
  return program({ code, entry_point, form, test, ...(prompt === undefined ? {} : { prompt }) });
}

/** What each exploit is and how it may end. */
export interface Exploit {
  name: string;
  code: string;
  ends_as: string[];
}

export function exploits(): Exploit[] {
  const folder = here("fixtures/exploits");
  return readdirSync(folder).filter((name) => name.endsWith(".py")).sort().map((name) => {
    const code = readFileSync(join(folder, name), "utf8");
    return { name, code, ends_as: /^# ends as: (.*)/.exec(code)![1].split("|") };
  });
}

/**
 * Ours, and orphans that live in a pid namespace: all that a sandbox could leave. Those that have
 * ended and wait for the host's init to see it are no more processes.
 */
export function processesLeft(): string[] {
  const own = new Set(descendantsOf(process.pid));
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      if (/^State:\tZ/m.test(status)) continue;
      const nested = /^NSpid:\t\d+\t\d/m.test(status);
      const orphan = /^PPid:\t1$/m.test(status);
      if (!own.has(Number(pid)) && !(nested && orphan)) continue;
      found.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")[0]}`);
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}

/** Places that an exploit would write to if it could. */
export function filesLeft(): string[] {
  const found: string[] = [];
  const folders = ["/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/home", "/root", "/var/tmp"];
  for (const folder of [...folders, "/dev", "/dev/shm", "/run", "/work", "/tmp", tmpdir()]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      const ours = /^(dyno_exploit.*|dyno-sandbox-.*|[abcd]|hard|late|disk|mem|pipe|psm_.*)$/;
      const hooks = /^(evil|sitecustomize|usercustomize|json|random)\.(py|so)$/;
      if (ours.test(name) || hooks.test(name)) found.push(join(folder, name));
    }
  }
  return [...found, ...readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\n").slice(1)];
}
