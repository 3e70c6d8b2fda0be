/**
 * Writes a run as the folder that Weights & Biases' client writes offline and that `wandb sync`
 * sends: a log of records in LevelDB's format, with protocol buffers numbered as in
 * wandb_internal.proto.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { Buffer } from "node:buffer";
import { hostname } from "node:os";
import { InputError } from "../errors.ts";
import { dynoVersion } from "../run/version.ts";
import type { TrackedRun } from "./tracked_run.ts";

/**
 * Writes `folder/offline-run-TIME-ID/run-ID.wandb` with the run's files next to it. The same run
 * gets the same ID, so sending it twice does not make a second one.
 *
 * @returns the path of the run's folder.
 * @throws {InputError} the folder already exists.
 */
export function writeWandbRun(run: TrackedRun, project: string, folder: string): string {
  const id = run.run_id.replace(/^bench_/, "").replace(/[^a-z0-9]/gi, "_");
  const began = new Date(run.started_ms ?? Date.now());
  const time = began.toISOString().replace(/[-:]|\..*/g, "").replace("T", "_");
  const path = join(folder, `offline-run-${time}-${id}`);
  if (existsSync(path)) throw new InputError(`--wandb: ${path} exists already`);
  for (const file of run.files) {
    const to = join(path, "files", file.name);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(file.path, to);
  }
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, `run-${id}.wandb`), logOf(records(run, id, project, began)));
  return path;
}

/** The fields of a message, by number: a text, a count, or another message. */
type Message = [number: number, value: string | number | Message][];

/** The numbers of the record types. */
const RECORD = {
  num: 1,
  history: 2,
  summary: 3,
  files: 6,
  run: 17,
  exit: 18,
  header: 21,
  info: 200,
};
/** The oldest client that can read this format; the client itself writes the same version. */
const MIN_CONSUMER = "0.70.0";

function records(run: TrackedRun, id: string, project: string, began: Date): Message[] {
  const ended_s = run.ended_ms === null ? null : run.ended_ms / 1000;
  const runtime_s = ended_s === null ? 0 : ended_s - began.getTime() / 1000;
  const value = (name: string, content: unknown): Message => [
    [2, name],
    [16, JSON.stringify(content)],
  ];
  const config = Object.entries({ ...run.params, dyno_run_id: run.run_id })
    .map(([name, content]): Message[number] => [1, [[1, name], [16, JSON.stringify(content)]]]);
  const summary: Message = Object.entries({ ...run.metrics, _runtime: runtime_s })
    .map(([name, content]) => [1, value(name, content)]);
  const history: Message = [
    ...Object.entries({
      ...run.metrics,
      _step: 0,
      _runtime: runtime_s,
      _timestamp: ended_s ?? began.getTime() / 1000,
    }).map(([name, content]): Message[number] => [1, value(name, content)]),
    [2, [[1, 0]]],
  ];
  const kinds: Message = [
    [RECORD.header, [[1, [[1, `dyno ${dynoVersion}`], [2, MIN_CONSUMER]]]]],
    [RECORD.run, [
      [1, id],
      [3, project],
      [4, config],
      [8, run.name],
      ...Object.keys(run.tags).map((tag): Message[number] => [10, tag.replace(/^dyno\.tag\./, "")]),
      [13, hostname()],
      [17, [[1, Math.floor(began.getTime() / 1000)]]],
    ]],
    [RECORD.files, run.files.map(({ name }): Message[number] => [1, [[1, name]]])],
    [RECORD.history, history],
    [RECORD.summary, summary],
    [RECORD.exit, [[1, run.status === "complete" ? 0 : 1], [2, Math.round(runtime_s)]]],
  ];
  return kinds.map((kind, i) => [[RECORD.num, i + 1], kind, [RECORD.info, [[1, id]]]]);
}

/** A message encoded as a protocol buffer. */
function encoded(message: Message): Buffer {
  return Buffer.concat(message.flatMap(([number, value]) => {
    if (typeof value === "number") return [varint(number << 3), varint(value)];
    const bytes = typeof value === "string" ? Buffer.from(value) : encoded(value);
    return [varint((number << 3) | 2), varint(bytes.length), bytes];
  }));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push(value % 0x80 | 0x80);
  return Buffer.from([...bytes, value]);
}

const BLOCK = 32_768, HEAD = 7;
/** `:W&B`, the magic number 0xBEE1, version 0. */
const BEGINNING = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0]);

/**
 * LevelDB's log format: blocks of 32 KB, records split at block ends, a CRC-32 over type and bytes.
 */
function logOf(messages: readonly Message[]): Buffer {
  const parts: Buffer[] = [BEGINNING];
  let at = BEGINNING.length;
  for (const message of messages) {
    let rest = encoded(message);
    for (let first = true; first || rest.length > 0; first = false) {
      if (BLOCK - at % BLOCK < HEAD) {
        parts.push(Buffer.alloc(BLOCK - at % BLOCK));
        at += BLOCK - at % BLOCK;
      }
      const left = BLOCK - at % BLOCK;
      const piece = rest.subarray(0, left - HEAD);
      rest = rest.subarray(piece.length);
      const last = rest.length === 0;
      const kind = first ? last ? 1 : 2 : last ? 4 : 3;
      const head = Buffer.alloc(HEAD);
      head.writeUInt32LE(crc32(piece, crc32(Buffer.from([kind]))));
      head.writeUInt16LE(piece.length, 4);
      head.writeUInt8(kind, 6);
      parts.push(head, piece);
      at += HEAD + piece.length;
    }
  }
  return Buffer.concat(parts);
}
