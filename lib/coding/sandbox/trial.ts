/**
 * Runs one program against its checks in two processes, each with its own confinement, which exchange
 * values through this process. The candidate's process has neither the checks nor the secret; the judge's
 * receives nothing from the candidate except the lines that answer its own calls.
 */
import { asciiJson } from "../../text/printable.ts";
import { randomBytes } from "node:crypto";
import { bounded, printableOutput } from "./outcome.ts";
import { endText, Watch } from "./watch.ts";
import type { Outcome, OutcomeClass, Program } from "./outcome.ts";
import type { Side } from "./side.ts";
import type { Checks } from "../../run/attempt.ts";

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

/** The most processes and threads of one program. */
const MOST_PROCESSES = 64;
const LARGEST_FILE_BYTES = 32 << 20;
const STACK_BYTES = 64 << 20;
const JUDGE_BYTES = 1 << 30;

/** Limits that a process sets for itself before it runs anything: rlimits by name, and its user. */
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

/** What a run of the pair needs to know besides the program. */
export interface TrialOptions {
  packages: string[];
  /**
   * False without a confinement, because a limit of processes would then count all processes of the user.
   */
  limit_processes: boolean;
  /** Resident memory that the interpreter itself needs. */
  overhead_bytes: number;
}

/**
 * Runs a program in a pair and ends both processes.
 * @throws {CancelledError} the signal is aborted; both processes have ended by then.
 */
export async function runTrial(
  { judge, candidate }: Pair,
  program: Program,
  { packages, limit_processes, overhead_bytes }: TrialOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const secret = randomBytes(16).toString("hex");
  const { timeout_s, memory_bytes, code, test, form, entry_point, prompt = "" } = program;
  const { helpers = null } = program;
  let awaited = true; // the candidate must send a line: first the names of its functions
  let call = "";
  let checks: Checks | null = null;
  let first: [OutcomeClass, string] | null = null; // the first failure counts, whatever comes later
  const during = () => call === "" ? "" : `, in the call ${bounded(callText(call), 500)}`;
  const resident_bytes = memory_bytes + overhead_bytes;
  using watch = new Watch(
    candidate,
    { timeout_s, memory_bytes: resident_bytes, during },
    signal,
  );

  const ask = (asked: string) => {
    awaited = true;
    call = asked;
    watch.work();
    candidate.send(call);
  };
  judge.listen({
    line: (line) => {
      const text = line.slice(1);
      if (line[0] === "p") checks = countIn(text.split(" ").map(Number)) ?? checks;
      else if (line[0] === "f") first ??= verdictIn(text, secret).end;
      else if (line[0] === "v") {
        const verdict = verdictIn(text, secret);
        checks = verdict.checks ?? checks;
        watch.finish(...verdict.end);
      } else if (line[0] !== "c" || awaited) {
        watch.finish("sandbox_error", "a judge without order");
      } else ask(text);
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
      watch.rest();
      judge.send(`r${line}`);
    },
    end: (end) => {
      if (!watch.interrupted(end)) watch.finish(...watch.earlyEnd(end));
    },
    flood: (what) => {
      const much = what === "channel" ? "a result of more than 64 MB" : "more than 8 MB of output";
      watch.finish("exception", much);
    },
  });
  const each = { STACK: STACK_BYTES, ...(limit_processes ? { NPROC: MOST_PROCESSES } : {}) };
  const own = limitsOf(candidate, timeout_s, { ...each, AS: memory_bytes });
  const judges = { ...each, AS: Math.max(memory_bytes, JUDGE_BYTES) };
  const limits = limitsOf(judge, 6 * timeout_s + 60, judges);
  candidate.send(asciiJson({ code, packages, limits: own }));
  const judged = {
    ...{ test, form, entry_point, prompt, helpers, secret, timeout_s },
    confined: limit_processes,
  };
  judge.send(asciiJson({ ...judged, packages, limits }));

  try {
    const ended = await watch.ended;
    const [kind, detail] = first ?? ended;
    return { ...outcomeOf(kind, detail, candidate, watch), checks };
  } finally {
    await Promise.all([candidate.kill(), judge.kill()]);
  }
}

/** A request as text, with those arguments that are plain values. */
function callText(asked: string): string {
  try {
    const { f, n, a = [] } = JSON.parse(asked);
    return `${f ?? n}(${a.map(plainly).join(", ")})`;
  } catch {
    return asked;
  }
}

function plainly(mark: unknown): string {
  if (typeof mark !== "object" || mark === null) return JSON.stringify(mark);
  const [kind, value] = Object.entries(mark)[0];
  const items = kind === "t" ? value : kind === "l" ? value[2] : null;
  return Array.isArray(items) ? `[${items.map(plainly).join(", ")}]` : JSON.stringify(value);
}

/** The outcome of a program that still runs. */
export function outcomeOf(kind: OutcomeClass, detail: string, side: Side, watch: Watch): Outcome {
  const { wall_s, worked_s } = watch;
  const usage = watch.look();
  return {
    class: kind,
    passed: kind === "passed",
    detail: bounded(printableOutput(detail)),
    checks: null,
    stdout: printableOutput(side.printed),
    wall_s,
    worked_s,
    cpu_s: usage?.cpu_s ?? null,
    max_rss_bytes: usage?.max_rss_bytes ?? null,
  };
}

/** A pass counts only with the secret of this run, and only if every counted check passed. */
function verdictIn(text: string, secret: string) {
  try {
    const verdict = JSON.parse(text);
    if (verdict.secret !== secret || !CLASSES.has(verdict.class)) throw new Error();
    const end: [OutcomeClass, string] = [verdict.class, String(verdict.detail)];
    const checks = countIn(verdict.checks);
    if (end[0] === "passed" && checks && checks.passed < checks.total) throw new Error();
    return { end, checks };
  } catch {
    const end: [OutcomeClass, string] = ["sandbox_error", "the judge gave no verdict of this run"];
    return { end, checks: null };
  }
}

function countIn(value: unknown): Checks | null {
  if (!Array.isArray(value) || !value.every(Number.isSafeInteger)) return null;
  const [passed, total] = value;
  return passed >= 0 && total > 0 && passed <= total ? { passed, total } : null;
}
