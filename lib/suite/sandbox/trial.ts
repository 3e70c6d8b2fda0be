/**
 * One program against its checks: two processes, each in its own confinement, that exchange values
 * through us. The candidate's has neither the checks nor the secret; the judge's gets no bytes of
 * the candidate's but the lines that answer its own calls.
 */
import { randomBytes } from "node:crypto";
import { asCancelled, CancelledError } from "../../execute/scope.ts";
import { bounded } from "./outcome.ts";
import { usageBelow } from "./usage.ts";
import type { Outcome, OutcomeClass, Program } from "./outcome.ts";
import type { End, Side } from "./side.ts";
import type { Usage } from "./usage.ts";

/** The two processes of a trial, started and waiting for it. */
export interface Pair {
  judge: Side;
  candidate: Side;
}

const CLASSES = new Set([
  "passed",
  "assertion",
  "exception",
  "syntax",
  "no_code",
  "out_of_memory",
  "tampered",
  "sandbox_error",
]);

/** Processes and threads of one program. */
const MOST_PROCESSES = 16;
const LARGEST_FILE_BYTES = 32 << 20;
const STACK_BYTES = 64 << 20;
const JUDGE_BYTES = 1 << 30;
const POLL_MS = 100;

function limitsOf(side: Side, program: Program, memory_bytes: number, processes: number | null) {
  const rlimits: Record<string, number> = {
    AS: memory_bytes,
    CPU: Math.ceil(program.timeout_s) + 1,
    FSIZE: LARGEST_FILE_BYTES,
    NOFILE: 64,
    STACK: STACK_BYTES,
    CORE: 0,
    MEMLOCK: 0,
    MSGQUEUE: 0,
  };
  if (processes !== null) rlimits.NPROC = processes;
  return { uid: side.uid, rlimits };
}

/** What a run of the pair needs to know beside the program. */
export interface TrialOptions {
  packages: string[];
  /** False without a confinement, where a limit of processes would count all of the user's. */
  limit_processes: boolean;
}

/**
 * Runs a program in a pair and ends both processes.
 * @throws {CancelledError} when the signal is aborted; both processes are gone by then.
 */
export async function runTrial(
  { judge, candidate }: Pair,
  program: Program,
  { packages, limit_processes }: TrialOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const secret = randomBytes(16).toString("hex");
  const started = performance.now();
  const found = Promise.withResolvers<[OutcomeClass, string]>();
  const finish = (kind: OutcomeClass, detail = "") => found.resolve([kind, detail]);
  let awaited = true; // the candidate owes a line: first the names of its functions
  let lastCall = "";
  let usage: Usage | null = null;
  const look = () => {
    usage = larger(usage, candidate.pid === undefined ? null : usageBelow(candidate.pid));
    if (usage && usage.rss_bytes > program.memory_bytes) {
      finish("out_of_memory", `more than ${program.memory_bytes >> 20} MB of resident memory`);
    }
  };
  const poll = setInterval(look, POLL_MS);
  const timer = setTimeout(
    () => finish("timeout", `no end after ${program.timeout_s} s${during(lastCall)}`),
    program.timeout_s * 1000,
  );
  const onAbort = () => found.reject(asCancelled(signal.reason));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();

  judge.listen({
    line: (line) => {
      if (line[0] === "v") return finish(...verdictIn(line.slice(1), secret));
      if (line[0] !== "c" || awaited) return finish("sandbox_error", "the judge lost its way");
      awaited = true;
      lastCall = line.slice(1);
      candidate.send(lastCall);
    },
    end: (end) =>
      end.signal === "SIGINT"
        ? found.reject(new CancelledError())
        : finish("sandbox_error", `the judge ended (${endText(end)}): ${judge.printed}`),
    flood: () => finish("sandbox_error", "the checks printed more than 8 MB"),
  });
  candidate.listen({
    line: (line) => {
      if (!awaited) return finish("tampered", "a result that was not asked for");
      awaited = false;
      judge.send(`r${line}`);
    },
    end: (end) => {
      // Ctrl-C reaches what is started from a terminal; a program's own comes as an exit code
      if (end.signal === "SIGINT") return found.reject(new CancelledError());
      finish(...earlyEnd(end, usage, program, lastCall));
    },
    flood: (what) =>
      finish(
        "exception",
        what === "channel" ? "a result of more than 16 MB" : "more than 8 MB of output",
      ),
  });
  const task = { code: program.code, packages };
  const processes = limit_processes ? MOST_PROCESSES : null;
  const { test, form, entry_point, prompt = "" } = program;
  candidate.send(
    ascii({ ...task, limits: limitsOf(candidate, program, program.memory_bytes, processes) }),
  );
  judge.send(ascii({
    test,
    form,
    entry_point,
    prompt,
    secret,
    packages,
    limits: limitsOf(judge, program, Math.max(program.memory_bytes, JUDGE_BYTES), processes),
  }));

  try {
    const [kind, detail] = await found.promise;
    const wall_s = (performance.now() - started) / 1000;
    look();
    const used = usage as Usage | null;
    return {
      class: kind,
      passed: kind === "passed",
      detail: bounded(detail),
      stdout: candidate.printed,
      wall_s,
      cpu_s: used?.cpu_s ?? null,
      max_rss_bytes: used?.max_rss_bytes ?? null,
    };
  } finally {
    clearInterval(poll);
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    await Promise.all([candidate.kill(), judge.kill()]);
  }
}

/** A pass is one only with the secret of this very run. */
function verdictIn(text: string, secret: string): [OutcomeClass, string] {
  try {
    const verdict = JSON.parse(text);
    if (verdict.secret !== secret || !CLASSES.has(verdict.class)) throw new Error();
    return [verdict.class, String(verdict.detail)];
  } catch {
    return ["sandbox_error", "the judge gave no verdict of this run"];
  }
}

function earlyEnd(
  end: End,
  usage: Usage | null,
  program: Program,
  lastCall: string,
): [OutcomeClass, string] {
  const signal = end.signal ?? (end.code !== null && end.code > 128 ? end.code - 128 : null);
  if (signal === 24 || signal === "SIGXCPU") {
    return ["timeout", `no end after ${Math.ceil(program.timeout_s) + 1} s of CPU time`];
  }
  if ((signal === 9 || signal === "SIGKILL") && usage) {
    if (usage.max_rss_bytes > 0.8 * program.memory_bytes) {
      return ["out_of_memory", `ended at ${usage.max_rss_bytes >> 20} MB of resident memory`];
    }
  }
  const when = lastCall === "" ? " before its functions could be called" : during(lastCall);
  return ["exception", `the program ended its interpreter (${endText(end)})${when}`];
}

const SIGNALS: Record<number, string> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

function endText({ code, signal }: End): string {
  if (signal !== null) return `by ${signal}`;
  if (code !== null && code > 128) return `by ${SIGNALS[code - 128] ?? `signal ${code - 128}`}`;
  return code === null ? "it did not start" : `exit code ${code}`;
}

function during(call: string): string {
  return call === "" ? "" : `, in the call ${bounded(call, 500)}`;
}

function larger(before: Usage | null, now: Usage | null): Usage | null {
  if (before === null || now === null) return now ?? before;
  return {
    cpu_s: Math.max(before.cpu_s, now.cpu_s),
    rss_bytes: now.rss_bytes,
    max_rss_bytes: Math.max(before.max_rss_bytes, now.max_rss_bytes),
  };
}

/** JSON of ASCII letters only (below a space JSON has none): the channels carry bytes. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
