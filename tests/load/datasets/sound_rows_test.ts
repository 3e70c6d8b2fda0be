/** Manifests of sound in NeMo's form ("Preparing Custom ASR Data" of its documentation), sent as files. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../lib/errors.ts";
import { readDataset } from "../../../lib/load/datasets/read_dataset.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import { load } from "../fixture.ts";

/** A WAV of silence, 16 bits, one channel, 8 kHz. */
function silence(seconds: number): Buffer {
  const head = Buffer.from(
    "524946460000000057415645666d74201000000001000100401f0000803e0000020010006461746100000000",
    "hex",
  );
  head.writeUInt32LE(16_000 * seconds, 40);
  return Buffer.concat([head, Buffer.alloc(16_000 * seconds)]);
}

Deno.test("the files of a manifest are transcribed, each as it is", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "clips"));
  const lengths = [0.5, 1.25];
  lengths.forEach((s, i) => writeFileSync(join(folder.path, `clips/${i}.wav`), silence(s)));
  const prompts = join(folder.path, "manifest.json"); // JSON lines, as NeMo names them
  const rows = lengths.map((duration, i) => ({
    audio_filepath: `clips/${i}.wav`,
    duration,
    text: "what was said",
  }));
  writeFileSync(prompts, rows.map((row) => JSON.stringify(row)).join("\n"));
  using run = await load({
    endpoint: `${mock.url}/v1/audio/transcriptions`,
    model: "mock",
    prompts,
    concurrency: 1,
    requests: 2,
  });
  assertEquals(run.records.map(({ media }) => media), lengths.map((audio_s) => ({ audio_s })));
  const files = mock.requests.filter(({ method }) => method === "POST").map(({ body }) => body) as {
    file: { bytes: Buffer };
  }[];
  files.forEach(({ file }, i) => assert(file.bytes.equals(silence(lengths[i]))));
  assert(run.results.notes.some((note) => note.includes('"text" is not compared')));
});

Deno.test("a manifest's file that is not there, elsewhere or no sound is named with its row", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "manifest.jsonl");
  writeFileSync(join(folder.path, "a.txt"), "no sound");
  const refused: [object, string][] = [
    [{ audio_filepath: "none.wav" }, "none.wav: no such file"],
    [{ audio_filepath: "/etc/hostname.wav" }, "audio_filepath"],
    [{ audio_filepath: "../x.wav" }, "audio_filepath"],
    [{ audio_filepath: "a.txt" }, "expected .wav"],
    [{ audio_filepath: "a.wav", offset: 1.5 }, "offset"],
  ];
  for (const [row, says] of refused) {
    writeFileSync(path, JSON.stringify(row));
    const { message } = await assertRejects(() => readDataset(path), InputError);
    assertStringIncludes(message, says);
    assertStringIncludes(message, `${path}:1`);
  }
});
