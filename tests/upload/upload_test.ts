/** Uploads to a real S3 server, also over a line that breaks and after a kill. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { takeLock } from "../../lib/run/lock.ts";
import { PART_BYTES, partBytes } from "../../lib/upload/multipart.ts";
import { StorageError } from "../../lib/upload/storage.ts";
import { bucketAccess, uploadTarget } from "../../lib/upload/target.ts";
import { uploadFolder } from "../../lib/upload/upload.ts";
import { DENO_DIR } from "../e2e/dyno.ts";
import { runs, writeRun } from "../run/runs_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { Bucket, environmentOf, S3Server } from "./fixture.ts";

const signal = new AbortController().signal;
const TO = "s3://results/dyno";
const PART = /partNumber=/;

/** Files by their names, in a folder of their own. */
function made(root: string, name: string, files: Record<string, string | Uint8Array>): string {
  const folder = join(root, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  return folder;
}

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

const storage = temporaryFolder();
const server = await S3Server.start(storage.path);
Deno.test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
  storage[Symbol.dispose]();
});

/** A bucket, a folder, and an environment with the key to it. */
async function withBucket(
  use: (bucket: Bucket, root: string, environment: Record<string, string>) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  await using bucket = await Bucket.at(server);
  const environment = { ...bucket.environment, XDG_CACHE_HOME: join(folder.path, "cache") };
  using _ = environmentOf(environment);
  await use(bucket, folder.path, environment);
}

Deno.test("a folder is uploaded with its checksums, and what is there is not sent again", () =>
  withBucket(async (bucket, root) => {
    const files = {
      "run_metadata.json": "{}",
      "events.jsonl": '{"event":"run_started"}\n',
      "items/empty.txt": "",
      "items/Über, +1 (2)!.txt": "odd name",
      "items/100%.txt": "per cent",
    };
    const folder = made(root, "bench_1", files);
    const dry = await uploadFolder(folder, { to: TO, signal, dry_run: true });
    assertEquals([dry.sent, dry.present, bucket.puts()], [5, 0, 0]);

    const first = await uploadFolder(folder, { to: TO, signal });
    assertEquals([first.sent, first.present, first.to], [5, 0, `${TO}/bench_1`]);
    for (const [name, content] of Object.entries(files)) {
      const expected = { sha256: sha256(content), told: sha256(content) };
      assertEquals(await bucket.object(`dyno/bench_1/${name}`), expected, name);
    }
    const puts = bucket.puts();
    const second = await uploadFolder(folder, { to: TO, signal });
    assertEquals([second.sent, second.sent_bytes, second.present], [0, 0, 5]);
    assertEquals(bucket.puts(), puts);

    writeFileSync(join(folder, "events.jsonl"), '{"event":"run_finishe_"}\n'); // of the same size
    const third = await uploadFolder(folder, { to: TO, signal });
    assertEquals([third.sent, third.present], [1, 4]);
  }));

Deno.test("without a key a dry run tells what there is to send, and says so", async () => {
  using folder = temporaryFolder();
  using _ = environmentOf({ AWS_ACCESS_KEY_ID: "id" });
  const run = made(folder.path, "bench_1", { "events.jsonl": "12345", "items/a.txt": "678" });
  const dry = await uploadFolder(run, { to: TO, signal, dry_run: true });
  assertEquals([dry.files, dry.sent, dry.sent_bytes, dry.present], [2, 2, 8, 0]);
  assertEquals(dry.missing_key, "AWS_SECRET_ACCESS_KEY");
  const { code, said } = await runs(folder.path, "upload", run, "--to", TO, "--dry-run");
  assertEquals(code, 0);
  assertStringIncludes(said, "would send 2 of 2 files");
  assertStringIncludes(
    said,
    "AWS_SECRET_ACCESS_KEY is not set: dyno did not check what is there already",
  );
  await assertRejects(
    () => uploadFolder(run, { to: TO, signal }),
    InputError,
    "AWS_SECRET_ACCESS_KEY is not set",
  );
});

Deno.test("what is locked, passing or linked from outside stays here", () =>
  withBucket(async (bucket, root) => {
    const sweep = made(root, "smoke", {
      "experiment.json": "{}",
      "index.sqlite": "cache",
      "results.json.tmp": "half",
      "runs/a/meta.json": "{}",
      "runs/b/meta.json": "{}",
    });
    made(root, "", { "secret.txt": "secret" });
    symlinkSync(join(root, "secret.txt"), join(sweep, "outside"));
    symlinkSync("..", join(sweep, "runs/up"));
    symlinkSync("nowhere", join(sweep, "broken"));
    symlinkSync("experiment.json", join(sweep, "inside.json"));
    const held = lock(join(sweep, "runs/b/run.lock"));
    const result = await uploadFolder(sweep, { to: TO, signal });
    assertEquals(result.in_use, ["runs/b"]);
    assertEquals(result.no_files.toSorted(), ["broken", "outside", "runs/up"]);
    assertEquals(result.sent, 3);
    assertEquals((await bucket.object("dyno/smoke/inside.json"))?.sha256, sha256("{}"));
    const error = await assertRejects(
      () => uploadFolder(join(sweep, "runs/b"), { to: TO, signal }),
      InputError,
    );
    assertStringIncludes(error.message, "in use");
    held[Symbol.dispose]();
    assertEquals((await uploadFolder(sweep, { to: TO, signal })).sent, 1);
  }));

Deno.test("a large file goes in parts, and is not sent twice", () =>
  withBucket(async (bucket, root) => {
    const bytes = randomBytes(2 * PART_BYTES + 1234);
    const folder = made(root, "bench_2", { "samples.bin": bytes });
    const first = await uploadFolder(folder, { to: TO, signal });
    assertEquals([first.sent, first.sent_bytes], [1, bytes.length]);
    assertEquals(bucket.requests.filter(({ url }) => PART.test(url)).length, 3);
    assertEquals(await bucket.object("dyno/bench_2/samples.bin"), {
      sha256: sha256(bytes),
      told: sha256(bytes),
    });
    assertEquals(readdirSync(join(root, "cache/dyno/uploads")), []);
    assertEquals((await uploadFolder(folder, { to: TO, signal })).present, 1);
    assertEquals(bucket.requests.filter(({ url }) => PART.test(url)).length, 3);
  }));

Deno.test("an upload killed between parts goes on with those that are missing", () =>
  withBucket(async (bucket, root, environment) => {
    const bytes = randomBytes(3 * PART_BYTES + 1);
    const folder = made(root, "bench_3", { "samples.bin": bytes });
    const parts = () => bucket.requests.filter(({ url }) => PART.test(url)).length;
    // the storage keeps two parts and never answers the others
    let kept = 0;
    bucket.fault = ({ url }) => PART.test(url) && ++kept > 2 ? "hold" : null;
    const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
    const argv = ["run", "-A", "--no-check", main, "runs", "upload", folder, "--to", TO];
    const child = spawn(process.execPath, argv, {
      env: { ...process.env, ...environment, DENO_DIR },
      stdio: "ignore",
    });
    const state = join(root, "cache/dyno/uploads");
    while ((keptParts(state) < 2 || parts() < 4) && child.exitCode === null) {
      await new Promise((go) => setTimeout(go, 50));
    }
    assertEquals(child.exitCode, null);
    child.kill("SIGKILL");
    await once(child, "exit");

    bucket.fault = () => null;
    const before = parts();
    const result = await uploadFolder(folder, { to: TO, signal });
    assertEquals(parts() - before, 2);
    const sent = result.sent_bytes % PART_BYTES; // which of the four came first is chance
    assert(sent <= 1 && result.sent_bytes <= 2 * PART_BYTES, `${result.sent_bytes} bytes`);
    assertEquals((await bucket.object("dyno/bench_3/samples.bin"))?.sha256, sha256(bytes));
  }));

function keptParts(folder: string): number {
  try {
    const [name] = readdirSync(folder).filter((file) => file.endsWith(".json"));
    return Object.keys(JSON.parse(Deno.readTextFileSync(join(folder, name))).etags).length;
  } catch {
    return 0;
  }
}

Deno.test("parts of another content, or that the storage has dropped, are no help", () =>
  withBucket(async (bucket, root) => {
    const folder = made(root, "bench_4", { "samples.bin": randomBytes(2 * PART_BYTES) });
    const stop = new AbortController();
    bucket.fault = ({ url }) => {
      if (/partNumber=2/.test(url)) stop.abort();
      return /partNumber=2/.test(url) ? "hold" : null;
    };
    const cut = () => assertRejects(() => uploadFolder(folder, { to: TO, signal: stop.signal }));
    await cut();
    bucket.fault = () => null;
    const bytes = randomBytes(2 * PART_BYTES);
    writeFileSync(join(folder, "samples.bin"), bytes);
    await uploadFolder(folder, { to: TO, signal });
    assert(bucket.requests.some(({ method }) => method === "DELETE"), "the old parts stay there");
    assertEquals((await bucket.object("dyno/bench_4/samples.bin"))?.sha256, sha256(bytes));
  }));

Deno.test("a line that breaks, faults of the storage and damage on the way are overcome", () =>
  withBucket(async (bucket, root) => {
    const bytes = randomBytes(2 * PART_BYTES + 7);
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`items/${i}.txt`, `text ${i}`]),
    );
    const folder = made(root, "bench_5", { ...files, "samples.bin": bytes });
    const faults = ["reset before", "reset after", 503, 500, "damage", 429] as const;
    const seen = new Map<string, number>();
    let next = 0;
    bucket.fault = ({ method, url }) => { // the first time that each is asked for
      const times = seen.get(`${method} ${url}`) ?? 0;
      seen.set(`${method} ${url}`, times + 1);
      if (times > 0) return null;
      // a damaged listing or HEAD has no body; a lost end of an upload is a case of its own
      const fault = faults[next++ % faults.length];
      return method === "PUT" || fault !== "damage" ? fault : null;
    };
    const result = await uploadFolder(folder, { to: TO, signal });
    assertEquals([result.sent, result.present], [13, 0]);
    bucket.fault = () => null;
    for (const [name, content] of Object.entries({ ...files, "samples.bin": bytes })) {
      assertEquals((await bucket.object(`dyno/bench_5/${name}`))?.sha256, sha256(content), name);
    }
  }));

Deno.test("an upload whose last answer was lost is known to be whole", () =>
  withBucket(async (bucket, root) => {
    const bytes = randomBytes(PART_BYTES + 1);
    const folder = made(root, "bench_6", { "samples.bin": bytes });
    let lost = 0;
    bucket.fault = ({ method, url }) =>
      method === "POST" && /uploadId=/.test(url) && lost++ === 0 ? "reset after" : null;
    assertEquals((await uploadFolder(folder, { to: TO, signal })).sent, 1);
    assertEquals((await bucket.object("dyno/bench_6/samples.bin"))?.told, sha256(bytes));
    assertEquals(bucket.requests.filter(({ url }) => PART.test(url)).length, 2);
  }));

Deno.test("the end of an upload waits as long as the storage asks", () =>
  withBucket(async (bucket, root) => {
    const folder = made(root, "bench_10", { "samples.bin": randomBytes(PART_BYTES + 1) });
    const ends_ms: number[] = [];
    bucket.fault = ({ method, url }) => {
      if (method !== "POST" || !/uploadId=/.test(url)) return null;
      return ends_ms.push(performance.now()) === 1 ? { retry_after_s: 1.5 } : null;
    };
    assertEquals((await uploadFolder(folder, { to: TO, signal })).sent, 1);
    assertEquals(ends_ms.length, 2);
    assert(ends_ms[1] - ends_ms[0] >= 1500, String(ends_ms));
  }));

Deno.test("what a kill or a lost answer leaves of an upload is given up, here and there", () =>
  withBucket(async (bucket, root) => {
    const folder = made(root, "bench_9", { "samples.bin": randomBytes(PART_BYTES + 1) });
    const kept = join(root, "cache/dyno/uploads");
    let begun = 0, parts: [name: string, text: string] | undefined;
    bucket.fault = ({ method, url }) => {
      if (method !== "POST") return null;
      if (/uploads=/.test(url)) return begun++ === 0 ? "reset after" : null;
      const [name] = readdirSync(kept);
      parts = [name, Deno.readTextFileSync(join(kept, name))];
      return null;
    };
    assertEquals((await uploadFolder(folder, { to: TO, signal })).sent, 1);
    assertEquals([begun, bucket.uploads(), readdirSync(kept)], [2, [], []]);
    writeFileSync(join(kept, parts![0]), parts![1]); // as after a kill behind the last request
    assertEquals((await uploadFolder(folder, { to: TO, signal })).present, 1);
    assertEquals([bucket.uploads(), readdirSync(kept)], [[], []]);
  }));

Deno.test("a storage that stays broken, a wrong key and a missing bucket are told apart", () =>
  withBucket(async (bucket, root, environment) => {
    const folder = made(root, "bench_7", { "a.txt": "a" });
    const failed = (to: string) => assertRejects(() => uploadFolder(folder, { to, signal }));
    const said = async (kind: typeof StorageError | typeof InputError, to = TO) => {
      const error = await failed(to) as Error;
      assert(error instanceof kind, `${error.name}: ${error.message}`);
      return error.message;
    };
    assertStringIncludes(await said(InputError, "s3://absent/x"), "the bucket does not exist");
    {
      using _ = environmentOf({ ...environment, AWS_ACCESS_KEY_ID: "AKIAWRONGWRONG" });
      const message = await said(InputError);
      assertStringIncludes(message, "the storage does not know this key");
      assert(!message.includes("AKIAWRONG"), message);
    }
    {
      using _ = environmentOf({ ...environment, AWS_SECRET_ACCESS_KEY: "wrong-secret" });
      assertStringIncludes(await said(InputError), "SignatureDoesNotMatch");
    }
    {
      using _ = environmentOf({ ...environment, AWS_SECRET_ACCESS_KEY: "" });
      assertStringIncludes(await said(InputError), "AWS_SECRET_ACCESS_KEY is not set");
    }
    bucket.fault = ({ method }) => method === "PUT" ? 400 : null;
    assertStringIncludes(await said(StorageError), "PUT s3://results/dyno/bench_7/a.txt: 400");
  }));

Deno.test("a file that changes while it is sent is no success", () =>
  withBucket(async (bucket, root) => {
    const folder = made(root, "bench_8", { "a.txt": "a" });
    bucket.fault = ({ method }) => {
      if (method === "PUT") utimesSync(join(folder, "a.txt"), 1, 1);
      return null;
    };
    const error = await assertRejects(() => uploadFolder(folder, { to: TO, signal }), InputError);
    assertStringIncludes(error.message, "changed while it was sent");
    rmSync(folder, { recursive: true });
    await assertRejects(() => uploadFolder(folder, { to: TO, signal }), InputError, "no folder");
  }));

Deno.test("dyno runs upload takes runs, folders and a sweep, and says what it did", () =>
  withBucket(async (bucket, root) => {
    const folder = join(root, "runs");
    const path = writeRun(folder, 1, { marks: "110" });
    const upload = (...argv: string[]) => runs(folder, "upload", ...argv, "--to", TO);
    const dry = await upload("latest", "--dry-run");
    assertEquals([dry.code, bucket.puts()], [0, 0]);
    assertMatch(
      dry.said,
      /^s3:\/\/results\/dyno\/bench_\w+: would send \d of \d files, [\d.]+ KB$/,
    );
    assertMatch((await upload("latest")).said, /: sent (\d) of \1 files, /);
    const again = await upload(path, "--json");
    assertMatch(again.said, /: all \d files are there already$/);
    assertEquals(JSON.parse(again.out).sent, 0);

    const sweep = made(root, "smoke", { "runs/a/meta.json": "{}", "runs/b/meta.json": "{}" });
    using _ = lock(join(sweep, "runs/b/run.lock"));
    const partly = await upload("--sweep", sweep);
    assertEquals(partly.code, 1);
    assertStringIncludes(partly.said, "left out, in use by a running process: runs/b");
    bucket.fault = () => 400;
    const failed = await upload("latest");
    assertEquals(failed.code, 1);
    assertStringIncludes(failed.said, "the same command continues where this one ended");
    for (
      const [argv, said] of [
        [[], "takes runs or folders"],
        [["latest", "--sweep", sweep], "takes runs or folders"],
        [["--sweep", folder], "it has no folder runs/"],
        [["latest", "--memory", "x"], "not several at once"],
        [["no-such-run"], 'no run "no-such-run"'],
      ] as const
    ) await assertRejects(() => upload(...argv), InputError, said);
  }));

function lock(path: string): Disposable {
  const giveBack = takeLock(path);
  return { [Symbol.dispose]: giveBack };
}

Deno.test("places and keys come from the command and the environment", () => {
  assertEquals(uploadTarget("s3://b-1.x/a//b/"), { scheme: "s3", bucket: "b-1.x", prefix: "a/b" });
  assertEquals(uploadTarget("gs://bucket"), { scheme: "gs", bucket: "bucket", prefix: "" });
  for (const wrong of ["bucket/x", "http://x/y", "s3://", "s3://Bucket/x", "s3://bucket/../x"]) {
    assertThrows(() => uploadTarget(wrong), InputError, "expected s3://");
  }
  const key = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
  const urlOf = (place: string, more: Record<string, string> = {}) => {
    using _ = environmentOf({ ...key, ...more });
    return bucketAccess(uploadTarget(place)).url;
  };
  assertEquals(
    urlOf("s3://bucket/x", { AWS_REGION: "eu-west-1" }),
    "https://bucket.s3.eu-west-1.amazonaws.com",
  );
  assertEquals(urlOf("s3://dotted.name/x"), "https://s3.us-east-1.amazonaws.com/dotted.name");
  const endpoints = { AWS_ENDPOINT_URL: "http://a:1/", AWS_ENDPOINT_URL_S3: "http://b:2/s3/" };
  assertEquals(urlOf("s3://bucket", endpoints), "http://b:2/s3/bucket");
  assertEquals(urlOf("gs://bucket/x"), "https://storage.googleapis.com/bucket");
  assertThrows(
    () => urlOf("s3://bucket", { AWS_ENDPOINT_URL: "here" }),
    InputError,
    "not the address",
  );
  {
    using _ = environmentOf({
      GS_ACCESS_KEY_ID: "hmac",
      GS_SECRET_ACCESS_KEY: "of google",
      ...key,
    });
    const { access_key_id, region } = bucketAccess(uploadTarget("gs://bucket"));
    assertEquals([access_key_id, region], ["hmac", "auto"]);
  }
  assertEquals(partBytes(1), PART_BYTES);
  assert(partBytes(5e12) * 10_000 >= 5e12, "more than ten thousand parts");
});
