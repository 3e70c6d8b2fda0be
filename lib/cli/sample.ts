/** dyno sample: samples hardware: live, into a file, or while a command runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { InputError, messageOf } from "../errors.ts";
import { Scope } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { informationIn, writeSamplesCsv } from "../hardware/csv.ts";
import { processCpu } from "../hardware/cpu.ts";
import { energyDevices, type IdlePower, idlePower } from "../hardware/energy.ts";
import { type Sampler, startSampler } from "../hardware/sampler.ts";
import { nowNs } from "../native/clock.ts";
import { checkWritable } from "../run/directory.ts";
import { notWritten } from "../write.ts";
import { EXIT } from "./ui/command.ts";
import { flagHelp, list, number, parseFlags, text, time, toggle, type Values } from "./ui/flags.ts";
import { observe, observeFlags } from "./ui/observe.ts";
import { liveLine, sampleSummary } from "./sample_table.ts";
import type { Command, CommandContext } from "./ui/command.ts";
import type { Terminal } from "./ui/terminal.ts";

const flags = {
  "rate": {
    ...number("HZ", "samples a second, 1 to 10000 (100, or 10 without libdyno)", { min: 1 }),
    short: "r",
  },
  "duration": {
    ...time("stops after this long; without it, with the command or Ctrl-C"),
    short: "d",
  },
  "metrics": list(
    "NAME",
    "sources, by commas or repeated: cpu cores memory pressure disk network temperature rapl gpu …",
  ),
  "pid": number("PID", "a process to follow", { min: 1, whole: true }),
  "out": {
    ...text("FILE", "keeps the samples: FILE.csv, or FILE.bin described by FILE.json"),
    short: "o",
  },
  "json": toggle("one JSON object on standard output at the end"),
  ...observeFlags,
};

const IDLE_S = 2;
const LIVE_MS = 500;

export const command: Command = {
  flags,
  help: [
    "dyno sample [flags] [-- COMMAND ARGUMENT …]",
    "",
    "Samples the host: live on a terminal, into a file with --out, or while a command runs, whose energy",
    "and peaks it prints as `time` does. The exit code is then the command's.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno sample --rate 1000 --duration 10 --out host.csv",
    "  dyno sample -- python3 train.py",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const split = argv.indexOf("--");
    const program = split < 0 ? [] : argv.slice(split + 1);
    const { values, positional } = parseFlags(flags, split < 0 ? argv : argv.slice(0, split));
    if (positional.length) {
      throw new InputError(
        `"${positional[0]}": a command is given after --, as in dyno sample -- ${
          positional.join(" ")
        }`,
      );
    }
    if (split >= 0 && program.length === 0) {
      throw new InputError("--: expected a command after it");
    }
    if (program.length && values.pid !== undefined) {
      throw new InputError("--pid: a command is followed already; give one of them");
    }
    checkFollowed(values.pid);
    const kept = values.out === undefined ? null : keptPaths(values.out);
    await using observed = await observe(values, context.terminal);
    for (const left of kept ? leftOf(kept) : []) {
      context.terminal.warn(
        `${left} holds the samples of a run that was killed, or is still running`,
      );
    }
    const folder = mkdtempSync(kept ? partialOf(kept) : join(tmpdir(), "dyno-sample-"));
    try {
      observed.onDirectory({ path: folder });
      const code = await sampleInto(folder, program, values, context);
      if (kept) {
        keep(folder, kept);
        context.terminal.say(`samples  ${values.out}`);
      }
      rmSync(folder, { recursive: true });
      return code;
    } catch (error) {
      if (kept && existsSync(join(folder, "samples.bin"))) {
        context.terminal.warn(`what was sampled is in ${folder}`);
      } else rmSync(folder, { recursive: true });
      throw error;
    }
  },
};

/** @throws {InputError} there is no such process. */
function checkFollowed(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: string }).code === "EPERM") return; // another user's
    throw new InputError(`--pid ${pid}: no such process`);
  }
}

interface Kept {
  stem: string;
  form: "csv" | "bin";
}

/** @throws {InputError} the name does not say a format, or the folder is not writable. */
function keptPaths(out: string): Kept {
  const match = /^(.+)\.(csv|bin)$/.exec(out);
  if (!match) throw new InputError(`--out: "${out}" ends in neither .csv nor .bin`);
  const folder = dirname(out);
  checkWritable(folder);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw notWritten(folder, error);
  }
  return { stem: match[1], form: match[2] as "csv" | "bin" };
}

/** The start of the name of the folder that collects its samples. */
function partialOf({ stem }: Kept): string {
  return `${stem}.partial-`;
}

/** Such folders from other samplings into the same file, which were killed or still run. */
function leftOf(kept: Kept): string[] {
  const start = partialOf(kept);
  return readdirSync(dirname(start)).filter((name) => name.startsWith(basename(start)))
    .map((name) => join(dirname(start), name));
}

function keep(folder: string, { stem, form }: Kept): void {
  if (form === "csv") return renameSync(join(folder, "samples.csv"), `${stem}.csv`);
  renameSync(join(folder, "samples.bin"), `${stem}.bin`);
  renameSync(join(folder, "samples.json"), `${stem}.json`);
}

/** Samples until the command, the duration or Ctrl-C ends it; prints a summary. */
async function sampleInto(
  folder: string,
  program: string[],
  values: Values<typeof flags>,
  { terminal, signal }: CommandContext,
): Promise<number> {
  const onNotice = (line: string) => terminal.say(terminal.paint.dim(line));
  const idle = program.length ? await measureIdle(signal, onNotice) : {};
  const before_s = cpuOf(values.pid);
  const child = program.length ? await startChild(program) : null;
  const name = child ? "command" : "followed";
  const pid = child?.pid ?? values.pid;
  await using sampler = await startSampler({
    directory: folder,
    rate_hz: values.rate,
    metrics: pid === undefined ? values.metrics : withProcess(values.metrics),
    processes: pid === undefined ? {} : { [name]: pid },
    onNotice,
  });
  const start_ns = nowNs();
  const ended = await untilEnd(child, values.duration, sampler, terminal, signal);
  const end_ns = nowNs();
  const after_s = cpuOf(values.pid);
  await sampler.stop();
  const bin = join(folder, "samples.bin");
  const { description } = sampler;
  if (values.out?.endsWith(".csv")) writeSamplesCsv(bin, description, join(folder, "samples.csv"));
  const information = informationIn(bin, description);
  const followed = pid === undefined ? null : {
    name,
    cpu_s: before_s === null || after_s === null
      ? null
      : Math.round(100 * (after_s - before_s)) / 100,
  };
  const summary = sampleSummary(sampler, { start_ns, end_ns, idle, information, followed });
  summary.lines.forEach((line) => terminal.say(line));
  if (values.json) terminal.out(JSON.stringify(summary.json));
  return signal.aborted && child === null ? EXIT.interrupted : ended;
}

/** Whatever is asked for, the command's or the process's own figures are sampled. */
function withProcess(metrics: readonly string[] | undefined): string[] | undefined {
  return metrics && [...new Set([...metrics, "process"])];
}

/**
 * CPU seconds so far of the process, or of the commands of this process, with the children that
 * they waited for, as `time` counts them; null if unknown.
 */
function cpuOf(pid: number | undefined): number | null {
  const cpu = processCpu(pid ?? process.pid);
  return cpu && (pid === undefined ? 0 : cpu.own_s) + cpu.waited_s;
}

/** Measures idle power before the command, if the host can measure energy. */
async function measureIdle(
  signal: AbortSignal,
  onNotice: (line: string) => void,
): Promise<IdlePower> {
  await using sampler = await startSampler({ directory: null, metrics: ["rapl", "gpu"], onNotice });
  if (energyDevices(sampler.series).length === 0) return {};
  onNotice(`measuring idle power for ${IDLE_S} s`);
  const start_ns = nowNs();
  await sleep(IDLE_S * 1000, signal);
  await sampler.afterTick(nowNs());
  return idlePower(sampler.series, start_ns, start_ns + IDLE_S * 1e9);
}

/** @throws {InputError} the program cannot be started. */
function startChild([name, ...args]: string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown) => {
      const { code } = error as { code?: string };
      const why = code === "ENOENT"
        ? "no such program; check the name and PATH"
        : code === "EACCES"
        ? "may not be run: permission denied"
        : messageOf(error);
      reject(new InputError(`${name}: ${why}`));
    };
    let child: ChildProcess;
    try {
      child = spawn(name, args, { stdio: "inherit" });
    } catch (error) {
      return refuse(error); // for example an empty name
    }
    child.once("error", refuse);
    child.once("spawn", () => resolve(child));
  });
}

/** Shows the sampling until it ends; returns the exit code. */
async function untilEnd(
  child: ChildProcess | null,
  duration_s: number | undefined,
  sampler: Sampler,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await using scope = new Scope(signal);
  const exited = child && new Promise<number>((resolve) => {
    // as shells and `time` do: 137 for a killed one
    child.once("exit", (code, by) => resolve(code ?? 128 + constants.signals[by!]));
  });
  if (terminal.live && child === null) scope.spawn((s) => showLive(sampler, terminal, s));
  const timeUp = sleep((duration_s ?? 1e6) * 1000, scope.signal).catch(() => {});
  const code = await Promise.race([timeUp, ...(exited ? [exited] : [])]);
  if (typeof code === "number") return code;
  child?.kill("SIGTERM");
  return exited ? await exited : EXIT.good;
}

async function showLive(sampler: Sampler, terminal: Terminal, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(LIVE_MS, signal).catch(() => {});
    const now_ns = nowNs();
    terminal.redraw(liveLine(sampler.metricsOver(now_ns - LIVE_MS * 1e6, now_ns)));
  }
  terminal.redraw();
}
