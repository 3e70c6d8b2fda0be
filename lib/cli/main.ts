/** The command line: takes arguments, returns an exit code. */
import process from "node:process";
import { CancelledError } from "../execute/scope.ts";
import { InputError, InputFaults, messageOf, toldPlainly } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { EXIT } from "./ui/command.ts";
import { onOneLine } from "../text/printable.ts";
import { Terminal } from "./ui/terminal.ts";
import { interruptible } from "./interrupt.ts";
import type { Commands } from "./ui/command.ts";

/** Commands, each loaded only when it is called. */
export const commands: Commands = {
  quickstart: {
    summary: "everything once, on the built-in mock endpoint; ends with a report",
    load: () => import("./quickstart.ts"),
  },
  init: {
    summary: "a first file, with comments: a suite, a load or a sweep that runs at once",
    load: () => import("./init.ts"),
  },
  run: {
    summary: "a test suite or an experiment file against an endpoint",
    load: () => import("./run/run.ts"),
  },
  load: {
    summary: "load on an endpoint: closed or open loop, stages, traces, capacity",
    load: () => import("./load/load.ts"),
  },
  calibrate: {
    summary: "how accurately this host measures, against the native paced server",
    load: () => import("./load/calibrate.ts"),
  },
  runs: {
    summary: "finished runs: list, show, analyze, compare, cost, trend, gate, export, …",
    load: () => import("./runs/runs.ts"),
  },
  explain: {
    summary: "what a run shows, what it cannot show, and what to run next",
    load: () => import("./runs/explain.ts"),
  },
  sweep: {
    summary: "a program over a matrix of parameters, seeds and ablations",
    load: () => import("./sweep/sweep.ts"),
  },
  collect: {
    summary: "a sweep's runs as one table, aggregate/runs.csv",
    load: () => import("./sweep/collect.ts"),
  },
  report: {
    summary: "a sweep's report: charts, intervals, a table of its runs",
    load: () => import("./sweep/report.ts"),
  },
  batch: {
    summary: "scheduled evaluations: plan, run, status, retry",
    load: () => import("./batch/batch.ts"),
  },
  sim: {
    summary: "agent_sched_sim, the scheduling simulator; takes its arguments",
    load: () => import("./sim.ts"),
  },
  sample: {
    summary: "hardware sampling, alone or while a command runs",
    load: () => import("./sample.ts"),
  },
  serve: {
    summary: "a server that runs tasks submitted over HTTP",
    load: () => import("./serve/serve.ts"),
  },
  integration: {
    summary: "integration scenarios, run as tasks on a server",
    load: () => import("./serve/integration.ts"),
  },
  mock: {
    summary: "the mock endpoint, with pacing and faults",
    load: () => import("./serve/mock.ts"),
  },
  doctor: {
    summary: "what works on this host, and how to get the rest",
    load: () => import("./doctor.ts"),
  },
  schema: {
    summary: "the JSON Schema of dyno's files, for editors and other programs",
    load: () => import("./schema.ts"),
  },
  completions: {
    summary: "completion scripts for bash, zsh and fish",
    load: () => import("./ui/completions.ts"),
  },
};

/**
 * Runs dyno.
 *
 * @param argv the arguments after the program's name.
 * @returns the exit code: 0 good, 1 the run has failures, 2 wrong usage or input, 3 a gate found a
 * regression, 4 a gate cannot decide, 70 a bug in dyno, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  const { rest: [name, ...rest], debug, env_file } = forAll(argv);
  tolerateClosedPipe();
  tolerateSizeLimit();
  tellOfStrays(terminal, debug);
  try {
    if (env_file !== null) (await import("./ui/env_file.ts")).loadEnvironment(env_file);
    if (name === "help" && rest.length > 0) {
      (await helpOn(rest)).forEach((line) => terminal.out(line));
      return EXIT.good;
    }
    if (name === undefined || name === "help" || name === "--help" || name === "-h") {
      overview().forEach((line) => terminal.out(line));
      return name === undefined ? EXIT.wrongInput : EXIT.good;
    }
    if (name === "--version" || name === "version") {
      const { dynoCommit, dynoVersion } = await import("../run/version.ts");
      const commit = await dynoCommit();
      terminal.out(`dyno ${dynoVersion}${commit === null ? "" : ` (${commit.slice(0, 12)})`}`);
      return EXIT.good;
    }
    if (!Object.hasOwn(commands, name)) {
      if (name.startsWith("-")) {
        throw new InputError(`a command comes first, as in dyno load ${name}; see dyno --help`);
      }
      const hint = didYouMean(name, Object.keys(commands)) || "; see dyno --help";
      throw new InputError(`"${name}" is not a command${hint}`);
    }
    const { command } = await commands[name].load();
    if (!command.ownHelp && (rest.includes("--help") || rest.includes("-h"))) {
      const { help } = await command.subcommand?.(rest) ?? command;
      help.forEach((line) => terminal.out(line));
      return EXIT.good;
    }
    return await interruptible((signal) => command.run(rest, { terminal, signal }), terminal);
  } catch (thrown) {
    const error = firstOf(thrown);
    if (!(error instanceof InputError)) return told(error, terminal, debug);
    const { placedInFile } = await import("../settings/placed_error.ts");
    return told(await placedInFile(error), terminal, debug);
  }
}

/**
 * Separates the flags that every command has from the rest; arguments after "--" belong to another
 * program.
 */
function forAll(
  argv: readonly string[],
): { rest: string[]; debug: boolean; env_file: string | null } {
  const rest: string[] = [];
  let debug = false, env_file: string | null = null;
  for (let i = 0; i < argv.length; i++) {
    const [name, value] = argv[i].split(/=(.*)/s);
    if (argv[i] === "--") return { rest: [...rest, ...argv.slice(i)], debug, env_file };
    if (argv[i] === "--debug") debug = true;
    else if (name === "--env-file") env_file = value ?? argv[++i] ?? "";
    else rest.push(argv[i]);
  }
  return { rest, debug, env_file };
}

/** Prints a line for each error; returns the exit code. */
function told(error: unknown, terminal: Terminal, debug: boolean): number {
  if (debug) stackOf(error).forEach((line) => terminal.say(line));
  if (error instanceof CancelledError) return EXIT.interrupted;
  const words = toldPlainly(error);
  const line = words ?? `${messageOf(error)} (a bug in dyno; --debug shows where)`;
  const lines = error instanceof InputFaults ? error.faults : [line];
  for (const each of lines) terminal.say(`${terminal.paint.bad("error:")} ${each}`);
  return words === null ? EXIT.fault : EXIT.wrongInput;
}

/** Reports errors that no code awaits like other errors, and ends the program. */
function tellOfStrays(terminal: Terminal, debug: boolean): void {
  if (process.listenerCount("unhandledRejection") > 0) return; // main was called before in this process
  const end = (error: unknown) => process.exit(told(firstOf(error), terminal, debug));
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

/** When the reader of the output closes it (`| head`), output ends but the run continues. */
function tolerateClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

/**
 * At the limit of file size (ulimit -f) the write fails with an error, instead of a signal ending
 * the process.
 */
function tolerateSizeLimit(): void {
  if (process.platform !== "win32") process.on("SIGXFSZ", () => {});
}

/** The first error: later ones, from closing things, follow from it. */
function firstOf(error: unknown): unknown {
  return error instanceof Error && "suppressed" in error ? firstOf(error.suppressed) : error;
}

/**
 * Where an error came from. Its message is put on one line, so that no text in it can look like
 * another line.
 */
function stackOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const { message, stack = message } = error;
  return stack.replace(message, () => onOneLine(message)).split("\n");
}

/** Commands grouped by purpose, in the order of the help. */
const JOBS: readonly [job: string, names: readonly string[]][] = [
  ["begin", ["quickstart", "init", "doctor", "mock"]],
  ["measure an endpoint", ["run", "load", "calibrate", "batch"]],
  ["look at what was measured", ["runs", "explain"]],
  ["try settings of a program", ["sweep", "collect", "report", "sim"]],
  ["watch a host", ["sample"]],
  ["let others start runs", ["serve", "integration"]],
  ["write files and commands", ["schema", "completions"]],
];

/** Topics of `dyno help TOPIC`, on words that many commands use. */
const TOPICS = ["metrics", "slo", "verdict", "files", "units"];

function overview(): string[] {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const line = (name: string) => `  ${name.padEnd(width)}  ${commands[name].summary}`;
  const grouped = new Set(JOBS.flatMap(([, names]) => names));
  const others = Object.keys(commands).filter((name) => !grouped.has(name));
  const jobs = others.length > 0 ? [...JOBS, ["do other things", others] as const] : JOBS;
  return [
    "dyno: a dynamometer for LLM endpoints and agent schedulers",
    "",
    "dyno COMMAND [flags]      dyno help COMMAND      dyno --version",
    ...jobs.flatMap(([job, names]) => ["", `To ${job}:`, ...names.map(line)]),
    "",
    `What the words mean: dyno help ${TOPICS.join("|")}, or a word: dyno help ttft`,
    "--debug shows where an error came from; --env-file FILE sets variables that the environment does",
    "not have (NAME=VALUE a line), such as keys.",
  ];
}

/**
 * The help on a command or a topic.
 *
 * @throws {InputError} there is no such command; the message names the nearest.
 */
async function helpOn([first, ...rest]: string[]): Promise<string[]> {
  if (Object.hasOwn(commands, first)) {
    const { command } = await commands[first].load();
    return (await command.subcommand?.(rest) ?? command).help;
  }
  const name = [first, ...rest].join(" ");
  const { mentionsOf, topics, wordHelp, wordsKnown } = await import("./help_topics.ts");
  const topic = name.toLowerCase();
  if (TOPICS.includes(topic)) return topics[topic]();
  const told = wordHelp(name);
  if (told.length > 0) return told;
  const hint = await groupWith(name);
  const mentions = hint === null ? await mentionsOf(name, commands) : [];
  if (mentions.length > 0) return mentions;
  const known = [...Object.keys(commands), ...TOPICS, ...wordsKnown()];
  throw new InputError(
    `dyno help: no topic "${name}": it is not a command, a word such as ttft, or one of ${
      TOPICS.join(", ")
    }${hint ?? didYouMean(name, known)}`,
  );
}

/** Says which commands have a subcommand of this name; null if none has. */
async function groupWith(name: string): Promise<string | null> {
  const groups: string[] = [];
  for (const [group, { load }] of Object.entries(commands)) {
    if (Object.hasOwn((await load()).command.subcommands ?? {}, name)) groups.push(group);
  }
  return groups.length === 0
    ? null
    : `; it is ${groups.map((group) => `dyno help ${group} ${name}`).join(" or ")}`;
}
