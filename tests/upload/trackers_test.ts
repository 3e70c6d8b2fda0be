/**
 * Runs to MLflow and to Weights & Biases. MLflow's answers here are those of a real server, 3.17.2, to the same
 * calls; a log of W&B's is read as LevelDB's log format and protocol buffers' wire format are documented,
 * and what was written was read by W&B's own classes (wandb 0.31.0) when this was made.
 */
import { createServer } from "node:http";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { logToMlflow, MlflowError } from "../../lib/upload/mlflow.ts";
import { flatParams } from "../../lib/upload/tracked_run.ts";
import { writeWandbRun } from "../../lib/upload/wandb.ts";
import type { TrackedRun } from "../../lib/upload/tracked_run.ts";

const { signal } = new AbortController();

function runIn(folder: string, more: Partial<TrackedRun> = {}): TrackedRun {
  const path = join(folder, "results.json");
  writeFileSync(path, '{"a":1}');
  return {
    run_id: "bench_0123abcd_20261130_120000",
    name: "first mock",
    started_ms: 1_796_048_499_916,
    ended_ms: 1_796_048_500_124,
    status: "complete",
    params: { model: "mock", "api.stream": "true" },
    metrics: { pass_rate: 0.5, ttft_p50_ms: 7.66 },
    tags: { "dyno.tag.nightly": "true" },
    files: [{ name: "report/results.json", path }],
    ...more,
  };
}

async function withFolder(act: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "dyno-trackers-"));
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Call {
  method: string;
  path: string;
  body: string;
}

/** MLflow's tracking server with one experiment's worth of memory; `fails` is how its next calls end. */
async function mlflow(artifact_uri = "mlflow-artifacts:/1/r1/artifacts") {
  const calls: Call[] = [];
  const fails: number[] = [];
  let experiment: string | null = null;
  let run: Record<string, unknown> | null = null;
  const answer = ({ path, body }: Call): [number, unknown] => {
    if (path.startsWith("/api/2.0/mlflow-artifacts/")) return [200, {}];
    const given = body === "" ? {} : JSON.parse(body);
    switch (path.replace("/api/2.0/mlflow/", "").split("?")[0]) {
      case "experiments/get-by-name":
        return experiment === null
          ? [404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "No Experiment with name=x" }]
          : [200, { experiment: { experiment_id: "1", name: experiment } }];
      case "experiments/create":
        experiment = given.name;
        return [200, { experiment_id: "1" }];
      case "runs/create":
        run = { run_id: "r1", status: "RUNNING", artifact_uri };
        return [200, { run: { info: run, data: {} } }];
      case "runs/search":
        return [200, run === null ? {} : { runs: [{ info: run, data: {} }] }];
      case "runs/update":
        run!.status = given.status;
        return [200, { run_info: run }];
      case "runs/log-batch":
        return [200, {}];
      default:
        return [404, { error_code: "ENDPOINT_NOT_FOUND", message: path }];
    }
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const call = { method: request.method!, path: request.url!, body };
    calls.push(call);
    const fail = fails.shift();
    const [status, json] = fail === undefined ? answer(call) : [fail, { message: "busy" }];
    response.writeHead(status, { "content-type": "application/json", "retry-after": "0" });
    response.end(JSON.stringify(json));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fails,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("MLflow: settings, figures, tags and files, under an experiment that is made; once", () =>
  withFolder(async (folder) => {
    await using server = await mlflow();
    const made = await logToMlflow(runIn(folder), server.url, "dyno", signal);
    assertEquals(made, {
      run_id: "r1",
      url: `${server.url}/#/experiments/1/runs/r1`,
      present: false,
      files_left_out: [],
    });
    const of = (name: string) =>
      server.calls.filter(({ path }) => path.endsWith(name)).map(({ body }) => JSON.parse(body));
    assertEquals(of("runs/create")[0].start_time, 1_796_048_499_916);
    assertEquals(of("runs/create")[0].tags, [
      { key: "dyno.tag.nightly", value: "true" },
      { key: "dyno.run_id", value: "bench_0123abcd_20261130_120000" },
    ]);
    const [metrics, params] = of("runs/log-batch");
    assertEquals(
      metrics.metrics.map(({ key, value }: { key: string; value: number }) => [key, value]),
      [["pass_rate", 0.5], ["ttft_p50_ms", 7.66]],
    );
    assertEquals(params.params[1], { key: "api.stream", value: "true" });
    assertEquals(of("runs/update")[0].status, "FINISHED");
    const put = server.calls.find(({ method }) => method === "PUT")!;
    const place = "/api/2.0/mlflow-artifacts/artifacts/1/r1/artifacts/report/results.json";
    assertEquals([put.path, put.body], [place, '{"a":1}']);
    const before = server.calls.length;
    assertEquals((await logToMlflow(runIn(folder), server.url, "dyno", signal)).present, true);
    assertEquals(server.calls.length, before + 2); // asked for the experiment and the run
  }));

Deno.test("MLflow: a busy server is asked again; a run left in the middle gets the rest", () =>
  withFolder(async (folder) => {
    await using server = await mlflow("s3://bucket/1/r1/artifacts");
    server.fails.push(503, 429);
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, "x"]));
    const run = runIn(folder, { params: many });
    const made = await logToMlflow(run, server.url, "dyno", signal);
    assertEquals(made.files_left_out, ["report/results.json"]);
    const sizes = server.calls.filter(({ body }) => body.includes('"params"'))
      .map(({ body }) => JSON.parse(body).params.length);
    assertEquals(sizes, [100, 100, 50]); // the most that a call takes
    await using other = await mlflow();
    const calls = 5; // the experiment, its making, the search, the run, and then it fails
    other.fails.push(...Array(calls - 1).fill(undefined), 403);
    await assertRejects(() => logToMlflow(run, other.url, "x", signal), MlflowError, "HTTP 403");
    assertEquals((await logToMlflow(run, other.url, "x", signal)).present, false);
    await assertRejects(() => logToMlflow(run, "host:1", "x", signal), InputError, "--mlflow");
  }));

/** Records of a log, as LevelDB documents it; each a list of a message's fields. */
function recordsOf(path: string): [number, unknown][][] {
  const bytes = readFileSync(path);
  assertEquals(bytes.subarray(0, 4).toString(), ":W&B");
  assertEquals([bytes.readUInt16LE(4), bytes[6]], [0xbee1, 0]);
  const whole: Uint8Array[][] = [];
  for (let at = 7; at < bytes.length;) {
    const left = 32_768 - at % 32_768;
    if (left < 7) {
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4), kind = bytes[at + 6];
    const piece = bytes.subarray(at + 7, at + 7 + length);
    assertEquals(bytes.readUInt32LE(at), crc32(piece, crc32(new Uint8Array([kind]))));
    if (kind === 1 || kind === 2) whole.push([piece]);
    else whole.at(-1)!.push(piece);
    at += 7 + length;
  }
  return whole.map((pieces) => fieldsOf(Uint8Array.from(pieces.flatMap((piece) => [...piece]))));
}

/** Fields of a message: varints, and bytes. */
function fieldsOf(bytes: Uint8Array): [number, unknown][] {
  const fields: [number, unknown][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    if ((key & 7) === 0) fields.push([key >> 3, varint()]);
    else {
      assertEquals(key & 7, 2);
      const length = varint();
      fields.push([key >> 3, bytes.slice(at, at += length)]);
    }
  }
  return fields;
}

const text = (value: unknown) => new TextDecoder().decode(value as Uint8Array);

Deno.test("W&B: a folder that its own client can send, records cut over blocks too", () =>
  withFolder((folder) => {
    // settings of 200 KB: more than six blocks
    const long = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`p${i}`, "x".repeat(900 + i)]),
    );
    for (const params of [{ model: "mock" }, long]) {
      const to = join(folder, `wandb${Object.keys(params).length}`);
      const path = writeWandbRun(runIn(folder, { params }), "lab", to);
      assert(/offline-run-20261130_\d{6}-0123abcd_20261130_120000$/.test(path), path);
      assertEquals(readdirSync(join(path, "files", "report")), ["results.json"]);
      const records = recordsOf(join(path, "run-0123abcd_20261130_120000.wandb"));
      // header, run, files, history, summary, exit, by the numbers of wandb_internal.proto
      assertEquals(records.map(([, [kind]]) => kind), [21, 17, 6, 2, 3, 18]);
      assertEquals(records.map(([[, num]]) => num), [1, 2, 3, 4, 5, 6]);
      const run = fieldsOf(records[1][1][1] as Uint8Array);
      const of = (number: number) => run.filter(([found]) => found === number);
      assertEquals([text(of(1)[0][1]), text(of(3)[0][1])], ["0123abcd_20261130_120000", "lab"]);
      assertEquals([text(of(8)[0][1]), text(of(10)[0][1])], ["first mock", "nightly"]);
      const config = of(4).flatMap(([, value]) => fieldsOf(value as Uint8Array))
        .map(([, item]) => fieldsOf(item as Uint8Array).map(([, value]) => text(value)));
      assertEquals(config.length, Object.keys(params).length + 1);
      assertEquals(JSON.parse(config[0][1]), Object.values(params)[0]);
      const summary = fieldsOf(records[4][1][1] as Uint8Array)
        .map(([, item]) => fieldsOf(item as Uint8Array).map(([, value]) => text(value)));
      assertEquals(summary.slice(0, 2), [["pass_rate", "0.5"], ["ttft_p50_ms", "7.66"]]);
      assertThrows(
        () => writeWandbRun(runIn(folder, { params }), "lab", to),
        InputError,
        "already",
      );
    }
  }));

Deno.test("settings as dotted names: lists are JSON, null is left out", () => {
  assertEquals(flatParams({ a: 1, b: { c: "x", d: null, e: [1, "y"] }, f: true }), {
    "a": "1",
    "b.c": "x",
    "b.e": '[1,"y"]',
    "f": "true",
  });
});
