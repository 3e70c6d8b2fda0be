/** A program of any language, judged by what it prints for given inputs. */
import { asciiJson } from "../../text/printable.ts";
import { join } from "node:path";
import { limitsOf, outcomeOf } from "./trial.ts";
import { Watch } from "./watch.ts";
import type { Outcome, OutcomeClass } from "./outcome.ts";
import type { Side } from "./side.ts";

/** A program of any language and the outputs that it has to give. */
export interface CommandProgram {
  /** The program's text. */
  code: string;
  /** The name that the program's text gets, such as "main.js". */
  file: string;
  /**
   * The program and its arguments; `{file}` in one stands for the text's path. One that has to be
   * compiled: `["sh", "-c", "gcc -O2 -o /tmp/a {file} && exec /tmp/a"]`. It sees /usr, nothing else.
   */
  command: string[];
  /** Each is run again; spaces at the end of a line and of the output do not count. */
  cases: { input: string; output: string }[];
  /** Lines of numbers are compared by their exact values, lines without the spaces around them. */
  by_value?: boolean;
  /** Wall time of all the cases together. */
  timeout_s: number;
  /** Resident memory of all its processes together. */
  memory_bytes: number;
}

const MOST_PROCESSES = 64; // other languages' runtimes start their own threads

/** Digits without the zeros around them, and the power of ten of the last one: equal for equal numbers. */
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

/** A line's numbers by their values; the line itself where a word of it is none. */
function valuesOf(line: string): string {
  const values = line.split(/\s+/).map(exactly);
  return values.includes(null) ? line : values.join(" ");
}

/** As LiveCodeBench compares: line by line, without the spaces around each, numbers as decimals. */
function byValue(text: string): string {
  return text.trim().split("\n").map((line) => valuesOf(line.trim())).join("\n");
}

/** Without spaces at the ends of lines and without empty lines at the end. */
function plain(text: string): string {
  return text.replace(/\r\n/g, "\n").split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
}

/**
 * Runs each case and compares its output out here: the program's side never holds what is expected.
 * @throws {CancelledError} when the signal is aborted; the process is gone by then.
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

/** What is wrong with a case's reply; null if it is right. */
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
