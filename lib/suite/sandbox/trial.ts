/**
 * One program against its checks: two processes, each in its own confinement, that exchange values
 * through us. The candidate's has neither the checks nor the secret; the judge's gets no bytes of
 * the candidate's but the lines that answer its own calls.
 */
import { randomBytes } from "node:crypto";
import { bounded, printable } from "./outcome.ts";
import { endText, Watch } from "./watch.ts";
import type { Outcome, OutcomeClass, Program } from "./outcome.ts";
import type { Side } from "./side.ts";

/** The two processes of a trial, started and waiting for it. */
export interface Pair {
  judge: Side;
  candidate: Side;
}

const CLASSES = new Set<string>([
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

/** Limits that a process sets itself before it runs anything: rlimits by name, and its user. */
export function limitsOf(side: Side, timeout_s: number, more: Record<string, number>) {
  const rlimits = {
    CPU: Math.ceil(timeout_s) + 1,
    FSIZE: LARGEST_FILE_BYTES,
    NOFILE: 64,
    CORE: 0,
    MEMLOCK: 0,
    MSGQUEUE: 0,
    ...more,
  };
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
  const { timeout_s, memory_bytes, code, test, form, entry_point, prompt = "" } = program;
  let awaited = true; // the candidate owes a line: first the names of its functions
  let call = "";
  const during = () => call === "" ? "" : `, in the call ${bounded(call, 500)}`;
  using watch = new Watch(candidate, { timeout_s, memory_bytes, during }, signal);

  judge.listen({
    line: (line) => {
      if (line[0] === "v") return watch.finish(...verdictIn(line.slice(1), secret));
      if (line[0] !== "c" || awaited) return watch.finish("sandbox_error", "a judge without order");
      awaited = true;
      call = line.slice(1);
      candidate.send(call);
    },
    end: (end) => {
      if (watch.interrupted(end)) return;
      watch.finish("sandbox_error", `the judge ended (${endText(end)}): ${judge.printed}`);
    },
    flood: () => watch.finish("sandbox_error", "the checks printed more than 8 MB"),
  });
  candidate.listen({
    line: (line) => {
      if (!watch.begun) return watch.begin(); // its first line, written before the program runs
      if (!awaited) return watch.finish("tampered", "a result that was not asked for");
      awaited = false;
      judge.send(`r${line}`);
    },
    end: (end) => {
      if (!watch.interrupted(end)) watch.finish(...watch.earlyEnd(end));
    },
    flood: (what) => {
      const much = what === "channel" ? "a result of more than 16 MB" : "more than 8 MB of output";
      watch.finish("exception", much);
    },
  });
  const each = { STACK: STACK_BYTES, ...(limit_processes ? { NPROC: MOST_PROCESSES } : {}) };
  const own = limitsOf(candidate, timeout_s, { ...each, AS: memory_bytes });
  const judges = { ...each, AS: Math.max(memory_bytes, JUDGE_BYTES) };
  const limits = limitsOf(judge, timeout_s, judges);
  candidate.send(ascii({ code, packages, limits: own }));
  judge.send(ascii({ test, form, entry_point, prompt, secret, packages, limits }));

  try {
    const [kind, detail] = await watch.ended;
    return outcomeOf(kind, detail, candidate, watch);
  } finally {
    await Promise.all([candidate.kill(), judge.kill()]);
  }
}

/** The outcome of a program that has not been ended yet. */
export function outcomeOf(kind: OutcomeClass, detail: string, side: Side, watch: Watch): Outcome {
  const { wall_s } = watch;
  const usage = watch.look();
  return {
    class: kind,
    passed: kind === "passed",
    detail: bounded(printable(detail)),
    stdout: printable(side.printed),
    wall_s,
    cpu_s: usage?.cpu_s ?? null,
    max_rss_bytes: usage?.max_rss_bytes ?? null,
  };
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

/** JSON of ASCII letters only (below a space JSON has none): the channels carry bytes. */
export function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
