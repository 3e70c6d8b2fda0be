/**
 * Runs the cells of the load bench, with server and client on one core each, and watches for other
 * load on these cores.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PaceOptions, PaceStatus } from "../../lib/native/pace.ts";
import type { ClientPlan, ClientResult } from "./load_client.ts";

export const CLIENTS = ["bare C", "wire", "wire https", "portable", "fetch"] as const;
export type ClientName = typeof CLIENTS[number];

export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

const WARMUP_S = 1;
/** If other programs use more than this share of the client's core, the cell is measured again. */
export const DISTURBED_SHARE = 0.05;
const TRIES = 2;
/** The same as in the tasks of deno.json, under which dyno runs. */
export const DYNO_FLAGS = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=30";

export interface Cell extends ClientResult {
  client: ClientName;
  streams: number;
  /** 0: unpaced. */
  tokens_per_s: number;
  /** The share of the client's core that others used meanwhile, including the hypervisor. */
  disturbed_share: number;
}

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The paced server in a child process. */
export class ServerProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<unknown[]>;
  #port = 0;

  private constructor(options: PaceOptions) {
    const script = [process.execPath, "run", "-A", beside("pace_server.ts")];
    this.#child = spawn("taskset", [
      ...["-c", String(SERVER_CORE), ...script],
      JSON.stringify(options),
    ], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#ended = once(this.#child, "exit");
  }

  static async start(options: PaceOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    server.#port = Number(await server.#line());
    return server;
  }

  get port(): number {
    return this.#port;
  }

  async status(): Promise<PaceStatus> {
    this.#child.stdin!.write("\n");
    return JSON.parse(await this.#line());
  }

  async #line(): Promise<string> {
    const [line] = await Promise.race([once(this.#lines, "line"), this.#ended]);
    if (typeof line === "string") return line;
    throw new Error("the paced server ended; taskset (util-linux) and a C compiler are needed");
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** Compiles the bare client into a folder; returns its path. */
export function buildBareClient(folder: string): string {
  const path = `${folder}/epoll_client`;
  const flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-o", path, beside("epoll_client.c")];
  const { status, stderr } = spawnSync("cc", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return path;
}

/** Seconds that a core spent on programs, and that the hypervisor took. */
function coreSeconds(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))!;
  const [user, nice, system, , , , , steal] = line[1].split(" ").map(Number);
  return (user + nice + system + steal) / 100;
}

function commandOf(client: ClientName, plan: Omit<ClientPlan, "client">, bareClient: string) {
  const { ca: _, port, streams, warmup_s, seconds } = plan;
  if (client === "bare C") return [bareClient, ...[port, streams, warmup_s, seconds].map(String)];
  return [
    process.execPath,
    "run",
    "-A",
    ...(client === "fetch" ? [] : [DYNO_FLAGS]),
    beside("load_client.ts"),
    JSON.stringify({ ...plan, client: client === "wire https" ? "wire" : client }),
  ];
}

async function measure(
  client: ClientName,
  plan: Omit<ClientPlan, "client">,
  bareClient: string,
): Promise<ClientResult & { disturbed_share: number }> {
  const words = ["-c", String(CLIENT_CORE), ...commandOf(client, plan, bareClient)];
  const before = coreSeconds(CLIENT_CORE);
  const began = performance.now();
  const child = spawn("taskset", words, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (bytes) => out += bytes);
  const [code] = await once(child, "close");
  const lasted_s = (performance.now() - began) / 1e3;
  if (code !== 0) throw new Error(`${client} with ${plan.streams} streams: exit code ${code}`);
  const result = JSON.parse(out) as ClientResult;
  const others_s = coreSeconds(CLIENT_CORE) - before - result.process_cpu_s;
  return { ...result, disturbed_share: Math.max(0, others_s / lasted_s) };
}

/**
 * Measures one client at one number of streams; repeats it if other programs disturbed the core.
 *
 * @param ca the file of the server's certificate, if it uses TLS.
 */
export async function runCell(
  client: ClientName,
  { port, ca, streams, seconds, tokens_per_s, bareClient }: {
    port: number;
    ca?: string;
    streams: number;
    seconds: number;
    tokens_per_s: number;
    bareClient: string;
  },
): Promise<Cell> {
  let best: Cell | null = null;
  for (let tries = 0; tries < TRIES; tries++) {
    const result = await measure(
      client,
      { port, ca, streams, seconds, warmup_s: WARMUP_S },
      bareClient,
    );
    const cell = { client, streams, tokens_per_s, ...result };
    if (best === null || cell.disturbed_share < best.disturbed_share) best = cell;
    if (best.disturbed_share <= DISTURBED_SHARE) break;
  }
  return best!;
}
