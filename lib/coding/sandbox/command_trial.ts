/** Judges a program in any language by what it prints for given inputs. */
import { asciiJson } from "../../text/printable.ts";
import { join } from "node:path";
import { limitsOf, outcomeOf } from "./trial.ts";
import { Watch } from "./watch.ts";
import type { Outcome, OutcomeClass } from "./outcome.ts";
import type { Side } from "./side.ts";

/** A program in any language, with its inputs and the outputs it must print. */
export interface CommandProgram {
  /** The program's text. */
  code: string;
  /** The file name for the program's text, such as "main.js". */
  file: string;
  /**
   * The program and its arguments; `{file}` in one stands for the text's path. For a compiled language:
   * `["sh", "-c", "gcc -O2 -o /tmp/a {file} && exec /tmp/a"]`. It sees only /usr.
   */
  command: string[];
  /** The program runs once for each case; spaces at the end of a line and of the output are ignored. */
  cases: { input: string; output: string }[];
  /**
   * Whether lines of numbers are compared by their exact values, and lines without the spaces around
   * them.
   */
  by_value?: boolean;
  /** Wall time for all the cases together. */
  timeout_s: number;
  /** Resident memory of all its processes together. */
  memory_bytes: number;
}

const MOST_PROCESSES = 64; // runtimes of other languages start threads

/**
 * The digits without zeros at either end, and the power of ten of the last one: the same for equal
 * numbers.
 */
function exactly(number: string): string | null {
  const [, sign, whole, part = "", power = "0"] =
    /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  if (whole === undefined) return null;
  const digits = (whole + part).replace(/^0+/, "");
  if (digits === "") return "0";
  const last = digits.replace(/0+$/, "");
  const shift = Number(power) - part.length + digits.length - last.length;
  return `${sign === "-" ? "-" : ""}${last}e${shift}`;
}

/** The values of a line's numbers; the line itself when a word in it is not a number. */
function valuesOf(line: string): string {
  const values = line.split(/\s+/).map(exactly);
  return values.includes(null) ? line : values.join(" ");
}

/** Compares as LiveCodeBench does: line by line, without the spaces around each, numbers as decimals. */
function byValue(text: string): string {
  return text.trim().split("\n").map((line) => valuesOf(line.trim())).join("\n");
}

/** The lines without trailing spaces, and without empty lines at the end. */
function plain(text: string): string {
  return text.replace(/\r\n/g, "\n").split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
}

/**
 * Runs each case and compares its output in this process, so that the sandbox never holds the expected
 * output.
 * @throws {CancelledError} the signal is aborted; the process has ended by then.
 */
export async function runCommandTrial(
  side: Side,
  program: CommandProgram,
  { folder, limit_processes }: { folder: string; limit_processes: boolean },
  signal: AbortSignal,
): Promise<Outcome> {
  const { timeout_s, memory_bytes, cases, code } = program;
  const form = program.by_value ? byValue : plain;
  const file = join(folder, program.file);
  let next = 0;
  const during = () => `, in case ${next} of ${cases.length}`;
  using watch = new Watch(side, { timeout_s, memory_bytes, during }, signal);
  const ask = () => {
    if (next === cases.length) return watch.finish("passed");
    side.send(asciiJson(cases[next++].input));
  };
  side.listen({
    line: (line) => {
      if (!watch.begun) return watch.begin(); // its first line, written before the program runs
      const wrong = next === 0 ? tampered : difference(line, cases[next - 1].output, form);
      if (wrong === null) return ask();
      watch.finish(wrong[0], `case ${next} of ${cases.length}: ${wrong[1]}`);
    },
    end: (end) => {
      if (!watch.interrupted(end)) watch.finish(...watch.earlyEnd(end));
    },
    flood: () => watch.finish("exception", `more than 8 MB of output${during()}`),
  });
  const limits = limitsOf(side, timeout_s, limit_processes ? { NPROC: MOST_PROCESSES } : {});
  const command = program.command.map((part) => part.replaceAll("{file}", file));
  side.send(asciiJson({ code, file, command, limits }));
  if (cases.length === 0) watch.finish("sandbox_error", "there is no case to run");
  else ask();
  try {
    const [kind, detail] = await watch.ended;
    return outcomeOf(kind, detail, side, watch);
  } finally {
    await side.kill();
  }
}

const tampered: [OutcomeClass, string] = ["tampered", "a result that was not asked for"];

/** What is wrong with a case's reply; null when it is right. */
function difference(
  line: string,
  expected: string,
  form: (text: string) => string,
): [OutcomeClass, string] | null {
  let ran: { code: number; out: string; err: string; failed?: string };
  try {
    ran = JSON.parse(line);
    if (ran.failed !== undefined) return ["sandbox_error", String(ran.failed)];
    if (typeof ran.out !== "string" || typeof ran.code !== "number") return tampered;
  } catch {
    return tampered;
  }
  const said = String(ran.err).trim();
  if (ran.code !== 0) {
    const end = ran.code < 0 ? `ended by signal ${-ran.code}` : `exit code ${ran.code}`;
    return ["exception", `${end}\n${said}`];
  }
  if (form(ran.out) === form(expected)) return null;
  return ["assertion", `printed\n${ran.out.slice(0, 1500)}\nexpected\n${expected.slice(0, 1500)}`];
}
