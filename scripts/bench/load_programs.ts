/**
 * Whole load generators against the paced server, each alone on one core: their reports compared
 * with the server's own timestamps, the cost of an event, and how many events per second they can
 * handle.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Brief, reportAs, type ReportTool } from "../../lib/load/report_as.ts";
import { readRecords } from "../../lib/load/load_journal.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import { TokenFileReader } from "../../lib/run/token_file.ts";
import { CLIENT_CORE, DYNO_FLAGS, ServerProcess } from "./load_cells.ts";
import { installHint, type Peer, peerCommand, PEERS, peerVersion } from "./peers.ts";
import { type PeerRun, writePeerInputs } from "./peers.ts";

const INTERVAL_US = 20_000;
const TOKENS = 100;
/**
 * Tokens of all requests of a stream, so that the first burst is about a third; and the fewest
 * requests of a run.
 */
const TOKENS_A_STREAM = 300, REQUESTS_MIN = 12;
/** The number of streams at which the cost of an event is measured. */
const CPU_STREAMS = 64;
const TIMEOUT_MS = 420_000;
/** The load at which reports are compared figure by figure: no tool is at its limit there. */
const COMFORTABLE = {
  streams: 4,
  requests: 40,
  tokens: 30, // the number that inference-perf requests
  delay_us: 500_000,
  interval_us: 50_000,
};
export const CEILING_ERROR_MS = 1;
export const AGREES_WITHIN = 0.02;

/** One program at one number of streams; milliseconds. */
export interface ProgramRow {
  name: string;
  streams: number;
  events: number;
  /** User and system time of its processes, from their start. */
  cpu_s: number;
  /** The additional cost of a run four times as long; null if there was none. */
  cpu_us_per_event: number | null;
  ttft: Truth;
  gap: Truth;
}

/** A program's report, with the server's timestamps. */
export interface Truth {
  reported: Pick<Brief, "p50" | "p99">;
  sent: Pick<Brief, "p50" | "p99">;
}

/** A tool's figure, with the value that --report-as predicts. */
export interface AgreementRow {
  tool: string;
  figure: string;
  statistic: keyof Brief;
  theirs: number;
  reported_as: number;
}

/** A load generator: how to start it, and what it reports. */
interface Program {
  name: string;
  /** The length of each answer. */
  tokens: number;
  command(run: PeerRun): string[];
  ttftAndGap(run: PeerRun): Promise<[ttft: Brief, gap: Brief]>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

const DYNO: Program = {
  name: "dyno load",
  tokens: TOKENS,
  command: ({ url, streams, requests, tokens, folder }) => [
    ...[process.execPath, "run", "-A", DYNO_FLAGS, join(root, "main.ts"), "load"],
    ...["--endpoint", url, "--concurrency", String(streams), "--requests", String(requests)],
    ...["--output-tokens", String(tokens), "--sample-rate", "0", "--out", join(folder, "runs")],
  ],
  ttftAndGap: async ({ folder }) => {
    const rows = await dynoAs("aiperf", folder);
    const of = (name: string) => rows.find((row) => row.name === name)!.ours!;
    return [of("time to first token"), of("inter chunk latency")];
  },
};

/** The requests of dyno's run, by a tool's definitions. */
async function dynoAs(tool: ReportTool, folder: string) {
  const [id] = readdirSync(join(folder, "runs")).filter((name) => name.startsWith("bench_"));
  const directory = runDirectoryAt(join(folder, "runs", id));
  using tokens = new TokenFileReader(directory);
  return reportAs(tool, await readRecords(directory), (record) => tokens.gapsOf(record));
}

function programOf(peer: Peer, environments: string): Program {
  return {
    name: `${peer.name} ${peerVersion(peer, environments)}`,
    tokens: peer.tokens ?? TOKENS,
    command: (run) => peerCommand(peer, environments, run)!,
    ttftAndGap: ({ folder }) => {
      const figures = peer.figures(folder);
      return Promise.resolve([figures[peer.ttft], figures[peer.gap]]);
    },
  };
}

/**
 * Runs a command and adopts those of its processes that outlive it: it waits for all of them and
 * counts their time. Prints the exit code and seconds.
 */
const COUNTED_RUN = `
import ctypes, os, resource, signal, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
with open("output.txt", "w") as out, open("errors.txt", "w") as errors:
    code = subprocess.run(sys.argv[1:], stdout=out, stderr=errors).returncode
end = time.monotonic() + 5
while True:
    try:
        pid, _ = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        break
    if pid == 0 and time.monotonic() > end:
        for child in open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read().split():
            os.kill(int(child), signal.SIGKILL)
    time.sleep(0.02)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, used.ru_utime + used.ru_stime)
`;

/** Runs a command on the clients' core; returns user and system seconds of all its processes. */
function cpuSeconds(command: string[], cwd: string, env: Record<string, string> = {}): number {
  const words = ["-c", String(CLIENT_CORE), "python3", "-c", COUNTED_RUN, ...command];
  const ran = spawnSync("taskset", words, {
    cwd,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: { ...process.env, ...env },
  });
  const [code, seconds] = (ran.stdout ?? "").trim().split(" ").map(Number);
  if (ran.status === 0 && code === 0) return seconds;
  const said = readFileSync(join(cwd, "errors.txt"), "utf8").trim().split("\n").at(-1);
  throw new Error(`ended with ${ran.status === 0 ? code : ran.status ?? ran.signal}: ${said}`);
}

/** A separate folder with the inputs, for one run. */
async function inFolder<T>(
  base: Omit<PeerRun, "folder" | "model">,
  run: (run: PeerRun) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "dyno-bench-peer-"));
  try {
    mkdirSync(join(folder, "runs"));
    writePeerInputs(folder, Array.from({ length: base.requests }, (_, i) => `Count to ${i}.`));
    return await run({ ...base, model: "pace", folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  program: Program,
  streams: number,
  env: Record<string, string>,
  tokens_a_stream = TOKENS_A_STREAM,
): Promise<ProgramRow> {
  using server = await ServerProcess.start({ interval_us: INTERVAL_US, tokens: program.tokens });
  const { tokens } = program;
  const requests = Math.max(REQUESTS_MIN, streams * tokens_a_stream / tokens);
  const url = `http://127.0.0.1:${server.port}`;
  return await inFolder({ url, streams, requests, tokens }, async (run) => {
    const cpu_s = cpuSeconds(program.command(run), run.folder, env);
    const sent = await server.status();
    const [ttft, gap] = await program.ttftAndGap(run);
    const ms = (p50_ns: number, p99_ns: number) => ({ p50: p50_ns / 1e6, p99: p99_ns / 1e6 });
    return {
      name: program.name,
      streams,
      events: sent.events,
      cpu_s,
      cpu_us_per_event: null,
      ttft: { reported: ttft, sent: ms(sent.first_p50_ns, sent.first_p99_ns) },
      gap: { reported: gap, sent: ms(sent.gap_p50_ns, sent.gap_p99_ns) },
    };
  });
}

/**
 * Runs every program at every number of streams. A program that fails is named, and not tried with
 * more streams.
 *
 * @param environments the folder of the peers' virtual environments.
 * @param onLevel called with all rows so far, after each number of streams.
 */
export async function measurePrograms(
  environments: string,
  levels: readonly number[],
  say: (line: string) => void,
  onLevel: (streams: number, rows: readonly ProgramRow[]) => void,
): Promise<ProgramRow[]> {
  const rows: ProgramRow[] = [];
  const programs = new Map<Program, Record<string, string>>([[DYNO, {}]]);
  for (const peer of installed(environments, say)) {
    programs.set(programOf(peer, environments), peer.env ?? {});
  }
  for (const streams of levels) {
    for (const [program, env] of programs) {
      try {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${program.name}, ${streams}`);
        const row = await measure(program, streams, env);
        rows.push(row);
        if (streams !== CPU_STREAMS) continue;
        const longer = await measure(program, streams, env, 4 * TOKENS_A_STREAM);
        const [cpu_s, events] = [longer.cpu_s - row.cpu_s, longer.events - row.events];
        row.cpu_us_per_event = cpu_s / events * 1e6;
      } catch (error) {
        say(`${program.name} with ${streams} streams: left out: ${(error as Error).message}`);
        programs.delete(program);
      }
    }
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    onLevel(streams, rows);
  }
  return rows;
}

function installed(environments: string, say: (line: string) => void): Peer[] {
  const run = { url: "", model: "", streams: 1, requests: 1, tokens: 1, folder: tmpdir() };
  return PEERS.filter((peer) => {
    const is = peerCommand(peer, environments, run) !== null;
    if (!is) say(`${peer.name}: ${installHint(peer, environments)}`);
    return is;
  });
}

/**
 * Each peer's report, compared with dyno's requests by its definitions; both are measured within a
 * minute.
 */
export async function compareReports(
  environments: string,
  say: (line: string) => void,
): Promise<AgreementRow[]> {
  const { streams, requests, tokens, ...pace } = COMFORTABLE;
  using server = await ServerProcess.start({ ...pace, tokens });
  const base = { url: `http://127.0.0.1:${server.port}`, streams, requests, tokens };
  const rows: AgreementRow[] = [];
  for (const peer of installed(environments, () => {})) {
    const tool = `${peer.name} ${peerVersion(peer, environments)}`;
    try {
      await inFolder(base, async (run) => {
        cpuSeconds(peerCommand(peer, environments, run)!, run.folder, peer.env);
        const theirs = peer.figures(run.folder);
        cpuSeconds(DYNO.command(run), run.folder);
        for (const { name, theirs: as } of await dynoAs(peer.as, run.folder)) {
          if (theirs[name] === undefined) continue;
          for (const statistic of ["mean", "p50", "p99"] as const) {
            rows.push({
              tool,
              figure: name,
              statistic,
              theirs: theirs[name][statistic],
              reported_as: as![statistic],
            });
          }
        }
      });
    } catch (error) {
      say(`${tool}: left out: ${(error as Error).message}`);
    }
  }
  return rows;
}
