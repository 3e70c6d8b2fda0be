/**
 * The load bench: the cost of a received event and the delay in noticing it, at 1 to 2,000 streams,
 * unpaced and at 50 tokens/s per stream. It compares the wire, plain and with https, with its
 * contrasts in the same run: the portable transport, fetch, and a bare C client on epoll. The paced
 * server has one core, the client the other.
 *
 *   deno task bench load [--seconds N] [--streams 64,900] [--clients wire,fetch] [--json]
 *     [--peers FOLDER]
 *
 * --peers runs dyno's command and other load generators instead of the clients, and compares their
 * reports with the server's own timestamps and with --report-as. FOLDER contains a virtual
 * environment for each (guidellm, aiperf, vllm, inference-perf); missing ones are named and
 * skipped.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeCertificate } from "../../lib/mock/certificate.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import {
  buildBareClient,
  type Cell,
  CLIENT_CORE,
  CLIENTS,
  runCell,
  SERVER_CORE,
  ServerProcess,
} from "./load_cells.ts";
import { type AgreementRow, compareReports } from "./load_programs.ts";
import { measurePrograms, type ProgramRow } from "./load_programs.ts";
import { agreementLines, ceilingLines, levelLines } from "./program_tables.ts";
import { aimLines, tableLines } from "./load_tables.ts";

/** Tokens per second of one stream; 0: as fast as the client reads. */
const PACES = [0, 50];
const STREAMS = "1,64,256,900,2000";
/** Some programs reach their limit with few streams. */
const STREAMS_OF_PROGRAMS = "1,4,16,64,256,900,2000";
/**
 * At 50 per second an answer takes 3 s, so each stream starts a new one within the default time.
 */
const TOKENS = 150;

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    seconds: { type: "string", default: "3" },
    streams: { type: "string" },
    clients: { type: "string", default: CLIENTS.join(",") },
    json: { type: "boolean", default: false },
    peers: { type: "string" },
  },
});

const say = (line: string) => {
  if (!given.json) process.stdout.write(`${line}\n`);
};
const loadText = () => loadavg().map((load) => load.toFixed(2)).join(" ");

async function measurePace(
  tokens_per_s: number,
  bareClient: string,
  folder: string,
): Promise<Cell[]> {
  const [ca, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const interval_us = tokens_per_s === 0 ? 0 : 1e6 / tokens_per_s;
  using server = await ServerProcess.start({ interval_us, tokens: TOKENS });
  using secure = await ServerProcess.start({ interval_us, tokens: TOKENS, cert: ca, key });
  const wanted = given.clients.split(",");
  const cells: Cell[] = [];
  for (const streams of (given.streams ?? STREAMS).split(",").map(Number)) {
    for (const client of CLIENTS.filter((client) => wanted.includes(client))) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${streams} streams, ${client}`);
      const seconds = Number(given.seconds);
      const at = client === "wire https" ? { port: secure.port, ca } : { port: server.port };
      const cell = { ...at, streams, seconds, tokens_per_s, bareClient };
      cells.push(await runCell(client, cell));
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  return cells;
}

const machine = { cpu: cpus()[0].model, cores: cpus().length, kernel: release() };
const load_before = loadavg();
say(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Deno ${Deno.version.deno}`);
say(`load before ${loadText()}`);
say(`server on core ${SERVER_CORE}, clients on core ${CLIENT_CORE}`);

await nativeLibrary(say); // built before the measurements
const cells: Cell[] = [];
let programs: ProgramRow[] = [];
let agreement: AgreementRow[] = [];
if (given.peers === undefined) {
  const folder = mkdtempSync(join(tmpdir(), "dyno-bench-"));
  try {
    const bareClient = buildBareClient(folder);
    const pair = makeCertificate(["127.0.0.1"]);
    writeFileSync(join(folder, "certificate.pem"), pair.cert);
    writeFileSync(join(folder, "key.pem"), pair.key);
    for (const pace of PACES) {
      const measured = await measurePace(pace, bareClient, folder);
      cells.push(...measured);
      for (const line of [...tableLines(measured), ...aimLines(measured)]) say(line);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  const environments = resolve(given.peers);
  agreement = await compareReports(environments, say);
  for (const line of agreementLines(agreement)) say(line);
  const levels = (given.streams ?? STREAMS_OF_PROGRAMS).split(",").map(Number);
  programs = await measurePrograms(environments, levels, say, (streams, rows) => {
    for (const line of levelLines(streams, rows)) say(line);
  });
  for (const line of ceilingLines(programs)) say(line);
}
say(`\nload after ${loadText()}`);
if (given.json) {
  const all = { machine, load_before, load_after: loadavg(), cells, programs, agreement };
  process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
}
