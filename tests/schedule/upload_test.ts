/** What follows a slot: uploads to a real S3 server, callbacks to a real receiver, metrics meanwhile. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { receiver } from "../notify/receiver.ts";
import { Bucket } from "../upload/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { eventsIn, recordsIn, writeBatch } from "./fixture.ts";
import { until } from "../until.ts";

const SCHEDULE = { evaluations: 2, period_h: 1, on_missed: "run_now" };
const UPLOAD = { upload: "s3://results/batches" };

/** Whether a file lies in the bucket as it lies here. */
async function isThere(bucket: Bucket, key: string, path: string): Promise<boolean> {
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  return (await bucket.object(key))?.sha256 === sha256;
}

/** Every run's results and the records are in the bucket. */
async function assertUploaded(bucket: Bucket, folder: string, runs: number): Promise<void> {
  const below = "batches/small-rehearsal";
  const names = readdirSync(join(folder, "runs")).filter((name) => name.startsWith("bench_"));
  assertEquals(names.length, runs);
  for (const name of names) {
    for (const file of ["results.json", "events.jsonl", "run_metadata.json"]) {
      const path = join(folder, "runs", name, file);
      assert(await isThere(bucket, `${below}/runs/${name}/${file}`, path), `${name}/${file}`);
    }
  }
  for (const file of ["batch_eval_metrics.json", "batch_eval_metrics.csv"]) {
    assert(await isThere(bucket, `${below}/${file}`, join(folder, file)), file);
  }
}

Deno.test("a slot whose upload fails is whole, the next one sends both; its end is told, its figures served", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  await using hook = await receiver();
  await using bucket = await Bucket.start(join(place.path, "storage"));
  const file = writeBatch(place.path, SCHEDULE, UPLOAD);
  let refuses = true;
  bucket.fault = ({ method }) => refuses && method === "PUT" ? 403 : null;
  const running = startDyno([
    ...["batch", "run", file, "--speedup", "300", "--endpoint", `${mock.url}/v1`],
    ...["--callback-url", hook.url, "--allow-private-callbacks", "--metrics-port", "0"],
  ], { cwd: place.path, env: bucket.environment });
  await until(() => running.said().includes("not uploaded to s3://results/batches"));
  refuses = false;
  const metrics = /metrics at (\S+)/.exec(running.said())![1];
  const text = await (await fetch(metrics)).text();
  assertMatch(text, /^dyno_e2e_request_latency_seconds_count\{model="mock"\} [1-9]/m);
  const { code, stderr } = await running.finished;
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "uploaded to s3://results/batches: 4 runs and the records");

  const folder = join(place.path, "batches", "small-rehearsal");
  assertEquals(recordsIn(folder).length, 12);
  await assertUploaded(bucket, folder, 4);
  const journal = readFileSync(join(folder, "events.jsonl"), "utf8");
  assert(!journal.includes(bucket.environment.AWS_SECRET_ACCESS_KEY));
  const events = await eventsIn(join(folder, "events.jsonl"));
  const uploads = events.map(({ event }) => event).filter((name) => /upload/.test(name));
  const runs = Array(4).fill("run_uploaded");
  assertEquals(uploads, ["upload_failed", ...runs, "records_uploaded"]);
  const ends = hook.received.map(({ body }) => JSON.parse(body));
  assertEquals(ends.map(({ status, metrics }) => [status, metrics.slot, metrics.records]), [
    ["completed", 1, 6],
    ["completed", 2, 6],
  ]);
});

Deno.test("dyno batch retry sends what was left, and says so where it still cannot", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  await using bucket = await Bucket.start(join(place.path, "storage"));
  const file = writeBatch(place.path, { ...SCHEDULE, evaluations: 1 }, UPLOAD);
  const options = { cwd: place.path, env: bucket.environment };
  const on = ["--endpoint", `${mock.url}/v1`];
  bucket.fault = ({ method, url }) => method === "PUT" && url.includes("batch_eval") ? 403 : null;
  const first = await dyno(["batch", "run", file, "--speedup", "1000", ...on], options);
  assertEquals(first.code, 0, first.stderr);
  assertStringIncludes(first.stderr, "not uploaded to");
  const retry = ["batch", "retry", file, "--rehearsal", ...on];
  const again = await dyno(retry, options);
  assertEquals(again.code, 1, again.stderr);
  bucket.fault = () => null;
  const puts = bucket.puts();
  const last = await dyno(retry, options);
  assertEquals(last.code, 0, last.stderr);
  assertStringIncludes(last.stderr, "0 runs and the records");
  assertEquals(bucket.puts(), puts + 2, "only the records were left");
  await assertUploaded(bucket, join(place.path, "batches", "small-rehearsal"), 2);
  assertEquals((await dyno(retry, options)).code, 0);
  assertEquals(bucket.puts(), puts + 2);
});

Deno.test("an upload without a key, or to no place, is refused before the batch begins", async () => {
  using place = temporaryFolder();
  for (const [upload, said] of [["s3://results", "AWS_ACCESS_KEY_ID"], ["/tmp/x", "upload"]]) {
    const file = writeBatch(place.path, SCHEDULE, { upload });
    const env = { AWS_ACCESS_KEY_ID: "" };
    const { code, stderr } = await dyno(["batch", "run", file], { cwd: place.path, env });
    assertEquals(code, 2);
    assertStringIncludes(stderr, said);
  }
  assert(!existsSync(join(place.path, "batches")));
});
