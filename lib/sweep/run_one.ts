/** One run of a sweep: its folder, its process, its meta.json. */
import { Buffer } from "node:buffer";
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { startSampler } from "../hardware/sampler.ts";
import { LaunchError } from "../execute/launcher.ts";
import { makeFolder, notWritten, syncTree } from "../write.ts";
import { commandOf } from "./command_line.ts";
import { jobExperiment } from "./job.ts";
import { writeMeta } from "./meta.ts";
import { runPathsOf } from "./tree.ts";
import type { LaunchEnd, Launcher } from "../execute/launcher.ts";
import type { Sampler } from "../hardware/sampler.ts";
import type { SweepConfig } from "./sweep.ts";
import type { PlannedRun } from "./plan.ts";
import type { SweepProgram } from "./program.ts";
import type { RunPaths, SweepTree } from "./tree.ts";

/** The exit code of `timeout` for a program that it had to stop. */
const TIMED_OUT = 124;
const NOT_STARTED = 127;
/** How many bytes at the end of standard error are searched. */
const COMPLAINT_BYTES = 8192;

/** What all runs of a sweep share. */
export interface RunContext {
  config: SweepConfig;
  tree: SweepTree;
  program: SweepProgram;
  launcher: Launcher;
  cwd: string;
  /** Called with one line about something that cannot be sampled. */
  notice?: (line: string) => void;
}

/** The outcome of a run. */
export interface RunOutcome {
  /** The run's id and the name of its folder. */
  run_id: string;
  /** The program's exit code, or 128 + the number of a signal. */
  exit_code: number;
  /** It was stopped because its time was up. */
  timed_out: boolean;
  /** From its start to its end, seconds. */
  wall_time_s: number;
  /** Its error message, in one line; null if it succeeded or printed nothing. */
  complaint: string | null;
}

/**
 * Executes a run, after removing what an earlier try left. meta.json is written at the end, so a
 * run that was interrupted has none.
 *
 * @throws {CancelledError} the signal was aborted; by then the run's processes have ended.
 * @throws {InputError} the run's folder cannot be written.
 */
export async function runOne(
  context: RunContext,
  run: PlannedRun,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const paths = runPathsOf(context.tree, run.run_id);
  clear(paths);
  if (context.config.kind !== null) writeJob(context.config, run, paths);
  const cmd = commandOf(context.config, run, paths.out);
  const end = await launched(context, paths, cmd, signal);
  const error = end instanceof LaunchError ? end.message : null;
  const facts = end instanceof LaunchError ? notStarted(end, paths) : end;
  const exit_code = facts.timed_out ? TIMED_OUT : facts.exit_code;
  // meta.json says that the results are complete, so it must not survive a crash without them
  await Promise.all([paths.out, paths.stdout, paths.stderr].map(syncTree));
  writeMeta(paths.meta, run, {
    run_id: run.run_id,
    ablation_name: run.ablation.name,
    ablation_flags: run.ablation.flags,
    cmd,
    cwd: context.cwd,
    start_time_unix_s: facts.started_unix_s,
    end_time_unix_s: facts.started_unix_s + facts.wall_time_s,
    wall_time_s: facts.wall_time_s,
    exit_code,
    timed_out: facts.timed_out,
    signal: facts.signal,
    peak_memory_bytes: error === null ? facts.peak_memory_bytes : null,
    cpu_time_s: error === null ? facts.cpu_time_s : null,
    error,
    program_sha256: context.program.sha256,
  });
  const { timed_out, wall_time_s } = facts;
  const complaint = exit_code === 0 ? null : complaintIn(paths.stderr);
  return { run_id: run.run_id, exit_code, timed_out, wall_time_s, complaint };
}

/** The first line that mentions an error in the end of a file, else its last line. */
export function complaintIn(path: string): string | null {
  const bytes = Buffer.alloc(COMPLAINT_BYTES);
  try {
    const fd = openSync(path, "r");
    try {
      const from = Math.max(0, fstatSync(fd).size - bytes.length);
      const length = readSync(fd, bytes, 0, bytes.length, from);
      const lines = bytes.toString("utf8", 0, length).split("\n").map((line) => line.trim())
        .filter(Boolean);
      return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? null;
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

function clear(paths: RunPaths): void {
  try {
    if (existsSync(paths.folder)) {
      for (const old of [paths.meta, paths.out, paths.stdout, paths.stderr, ...paths.samples]) {
        rmSync(old, { recursive: true, force: true });
      }
    } else makeFolder(paths.folder);
    makeFolder(paths.out);
  } catch (error) {
    throw notWritten(paths.folder, error);
  }
}

function writeJob(config: SweepConfig, run: PlannedRun, paths: RunPaths): void {
  const { path, text } = jobExperiment(config, run, paths.out);
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw notWritten(path, error);
  }
}

/** Starts the program, samples while it runs, and waits for its end. */
async function launched(
  { config, program, launcher, cwd, notice }: RunContext,
  paths: RunPaths,
  cmd: readonly string[],
  signal: AbortSignal,
): Promise<LaunchEnd | LaunchError> {
  let sampler: Promise<Sampler> | null = null;
  const sample = (pid: number) => {
    sampler = startSampler({
      directory: paths.folder,
      rate_hz: config.sample_rate_hz,
      processes: { command: pid },
      onNotice: notice,
    });
    sampler.catch(() => {}); // awaited when the run has ended
  };
  try {
    return await launcher.run({
      command: [program.path, ...program.leading, ...cmd.slice(1)],
      cwd,
      stdout: paths.stdout,
      stderr: paths.stderr,
      timeout_s: config.timeout_s,
      memory_bytes: config.memory_bytes,
      onStart: config.sample_rate_hz > 0 ? sample : undefined,
    }, signal);
  } catch (error) {
    if (error instanceof LaunchError) return error;
    throw error;
  } finally {
    await (await sampler as Sampler | null)?.stop();
  }
}

/** A program that cannot be started counts as a failed run. */
function notStarted({ message }: LaunchError, paths: RunPaths): LaunchEnd {
  try {
    writeFileSync(paths.stderr, `${message}\n`);
  } catch {
    // if the folder is not writable, writing meta.json reports it
  }
  return {
    started_unix_s: Date.now() / 1000,
    wall_time_s: 0,
    exit_code: NOT_STARTED,
    signal: null,
    timed_out: false,
    peak_memory_bytes: 0,
    cpu_time_s: 0,
  };
}
