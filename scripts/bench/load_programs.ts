/**
 * Whole load generators beside the wire: CPU per event of their process trees, closed loop with 64
 * paced streams. Each runs twice, and the shorter run is taken off the longer one: what starting,
 * reading data and reporting cost is not counted. How late they notice events they do not tell.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CLIENT_CORE, DYNO_FLAGS, runCell, ServerProcess } from "./load_cells.ts";

const STREAMS = 64;
const TOKENS_PER_S = 50;
/** Requests of the shorter and of the longer run. */
const REQUESTS = [STREAMS, 4 * STREAMS];
const SECONDS = 5;
const TIMEOUT_MS = 300_000;

export interface ProgramRow {
  name: string;
  cpu_us_per_event: number;
  over_wire: number;
}

/** A load generator's command line. */
interface Program {
  name: string;
  command(url: string, requests: number, folder: string): string[];
}

interface Peer extends Program {
  /** On PyPI. */
  package: string;
}

const PEERS: Peer[] = [
  {
    name: "GuideLLM",
    package: "guidellm",
    command: (url, requests, folder) => [
      ...[join(folder, "guidellm", "bin", "guidellm"), "run", "--disable-console-interactive"],
      ...["--backend", `kind=openai_http,target=${url},model=pace`],
      ...["--profile", `kind=concurrent,streams=${STREAMS}`],
      ...["--constraint", `kind=max_requests,count=${requests}`],
      ...["--data", `kind=json_file,path=${join(folder, "prompts.jsonl")}`],
      ...["--output", `kind=json,path=${join(folder, "guidellm.json")}`],
    ],
  },
  {
    name: "AIPerf",
    package: "aiperf",
    command: (url, requests, folder) => [
      ...[join(folder, "aiperf", "bin", "aiperf"), "profile", "--ui", "none", "--streaming"],
      ...["-m", "pace", "--url", url, "--endpoint-type", "chat", "--use-server-token-count"],
      ...["--tokenizer", join(folder, "tokenizer"), "--no-gpu-telemetry", "--no-server-metrics"],
      ...["--concurrency", String(STREAMS), "--request-count", String(requests)],
      ...["--input-file", join(folder, "prompts.jsonl"), "--custom-dataset-type", "single_turn"],
      ...["--output-artifact-dir", join(folder, "aiperf-out")],
    ],
  },
];

const root = fileURLToPath(new URL("../..", import.meta.url));

/** dyno itself, with its journal and its report: a row like the peers. */
const DYNO_LOAD: Program = {
  name: "dyno load",
  command: (url, requests, folder) => [
    ...[process.execPath, "run", "-A", DYNO_FLAGS, join(root, "main.ts"), "load"],
    ...["--endpoint", url, "--concurrency", String(STREAMS), "--requests", String(requests)],
    ...["--sample-rate", "0", "--out", join(folder, "runs")],
  ],
};

/** Runs a command; user and system seconds of its process tree. */
function cpuSeconds(command: string[], cwd: string): number {
  const script = 'TIMEFORMAT="%U %S"; time "$@" > /dev/null 2> errors.txt';
  const words = ["-c", String(CLIENT_CORE), "bash", "-c", script, "bash", ...command];
  const ran = spawnSync("taskset", words, { cwd, encoding: "utf8", timeout: TIMEOUT_MS });
  if (ran.status !== 0) throw new Error(`ended with ${ran.status ?? ran.signal}`);
  const [user, system] = ran.stderr.trim().split("\n").at(-1)!.split(" ").map(Number);
  return user + system;
}

async function cpuPerEvent(program: Program, server: ServerProcess, folder: string) {
  const runs: { cpu_s: number; events: number }[] = [];
  for (const requests of REQUESTS) {
    const before = (await server.status()).events;
    const url = `http://127.0.0.1:${server.port}`;
    const cpu_s = cpuSeconds(program.command(url, requests, folder), folder);
    runs.push({ cpu_s, events: (await server.status()).events - before });
  }
  const [short, long] = runs;
  if (long.events <= short.events) throw new Error("it asked for no more in the longer run");
  return (long.cpu_s - short.cpu_s) / (long.events - short.events) * 1e6;
}

/** Prompts, and a tokenizer of 26 words for those who will not start without one. */
function writeInputs(folder: string): void {
  const prompts = Array.from({ length: 1000 }, (_, i) => ({ text: `Count to ${i}.` }));
  const lines = prompts.map((prompt) => `${JSON.stringify(prompt)}\n`);
  writeFileSync(join(folder, "prompts.jsonl"), lines.join(""));
  mkdirSync(join(folder, "tokenizer"), { recursive: true });
  const vocab: Record<string, number> = { "[UNK]": 0 };
  for (let i = 0; i < 26; i++) vocab[String.fromCharCode(97 + i)] = i + 1;
  const parts: [string, unknown][] = [
    ["tokenizer.json", {
      version: "1.0",
      added_tokens: [],
      pre_tokenizer: { type: "Whitespace" },
      model: { type: "WordLevel", vocab, unk_token: "[UNK]" },
    }],
    ["tokenizer_config.json", {
      tokenizer_class: "PreTrainedTokenizerFast",
      unk_token: "[UNK]",
    }],
  ];
  for (const [name, part] of parts) {
    writeFileSync(join(folder, "tokenizer", name), JSON.stringify(part));
  }
}

/** Installs a peer into an environment of its own, unless it is there. */
function install(peer: Peer, folder: string): void {
  const environment = join(folder, peer.package);
  if (existsSync(join(environment, "bin", peer.package))) return;
  const steps = [
    ["python3", "-m", "venv", environment],
    [join(environment, "bin", "pip"), "install", "-q", peer.package],
  ];
  for (const [command, ...words] of steps) {
    const { status, stderr } = spawnSync(command, words, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr?.trim().split("\n").at(-1) ?? `no ${command}`);
  }
}

/** The peers where they are asked for, and dyno's command where there is one. */
export async function measurePrograms({ tokens, bareClient, peers, folder, say }: {
  tokens: number;
  bareClient: string;
  peers: boolean;
  /** The peers' environments are there or come there. */
  folder: string;
  say: (line: string) => void;
}): Promise<ProgramRow[]> {
  const programs = [DYNO_LOAD, ...(peers ? PEERS : [])];
  if (programs.length === 0) return [];
  writeInputs(folder);
  using server = await ServerProcess.start({ interval_us: 1e6 / TOKENS_PER_S, tokens });
  const wire = await runCell("wire", {
    port: server.port,
    streams: STREAMS,
    seconds: SECONDS,
    tokens_per_s: TOKENS_PER_S,
    bareClient,
  });
  const wire_us = wire.cpu_s / wire.events * 1e6;
  const rows = [{ name: "wire", cpu_us_per_event: wire_us, over_wire: 1 }];
  for (const program of programs) {
    try {
      if ("package" in program) install(program as Peer, folder);
      const cpu_us_per_event = await cpuPerEvent(program, server, folder);
      rows.push({ name: program.name, cpu_us_per_event, over_wire: cpu_us_per_event / wire_us });
    } catch (error) {
      say(`${program.name}: left out: ${(error as Error).message}`);
    }
  }
  return rows;
}

export function programLines(rows: readonly ProgramRow[]): string[] {
  if (rows.length === 0) return [];
  return [
    "",
    `whole programs, ${STREAMS} streams at ${TOKENS_PER_S} tokens/s (lag: not known of peers)`,
    `  ${"".padEnd(22)}${"CPU µs/event".padStart(14)}${"× wire".padStart(10)}`,
    ...rows.map(({ name, cpu_us_per_event, over_wire }) =>
      `  ${`· ${name}`.padEnd(22)}${cpu_us_per_event.toFixed(1).padStart(14)}${
        over_wire.toFixed(1).padStart(10)
      }`
    ),
  ];
}
