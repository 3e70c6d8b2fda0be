/** A bit that flips on the disk is told of. The checksum's right value is that of zlib in Python 3.11. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { readSamples } from "../../lib/hardware/samples.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { foldJournal } from "../../lib/run/fold.ts";
import { Journal } from "../../lib/run/journal.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { Redactor } from "../../lib/run/redact.ts";
import { sealed } from "../../lib/seal.ts";
import { load } from "../load/fixture.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "../suite/fixture.ts";
import type { Recorded, RunEvent } from "../../lib/run/events.ts";

const all = {
  kind: "run" as const,
  begin: (): Recorded<RunEvent>[] => [],
  take: (state: Recorded<RunEvent>[], event: Recorded<RunEvent>) => void state.push(event),
};

const EVENT: RunEvent = {
  event: "checkpoint_resume_skip",
  package_id: "p",
  item_id: "i",
  reason: null,
};

Deno.test("a line ends with its checksum, and is JSON still", () => {
  // python3 -c "import zlib; print('%08x' % zlib.crc32('{\"t\":1,\"event\":\"ä\"}'.encode()))"
  const line = sealed('{"t":1,"event":"ä"}');
  assertEquals(line, '{"t":1,"event":"ä","crc":"84105ec9"}');
  assertEquals(JSON.parse(line).event, "ä");
});

Deno.test("every bit that flips in a journal is told, or changes nothing", async () => {
  using place = temporaryFolder();
  const path = join(place.path, "events.jsonl");
  {
    using journal = new Journal(path, new Redactor());
    journal.append(EVENT);
    journal.append(EVENT);
  }
  const whole = readFileSync(path);
  const right = await foldJournal(path, all);
  assertEquals([right.state.length, right.damaged, right.torn_bytes], [2, [], 0]);
  assert(!("crc" in right.state[0]));
  const names = Object.keys(right.state[0]);
  const only = (event: object) => names.map((name) => (event as Record<string, unknown>)[name]);
  const written = right.state.map(only);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = new Uint8Array(whole);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    writeFileSync(path, flipped);
    const found = await foldJournal(path, all);
    const isTold = found.damaged.length > 0 || found.torn_bytes > 0;
    if (isTold) continue;
    // in the name of the checksum itself: a field of another name, and the event as it was
    assertEquals(found.state.map(only), written, `bit ${bit}`);
  }
});

Deno.test("journals without checksums are read as they were", async () => {
  using place = temporaryFolder();
  const path = join(place.path, "events.jsonl");
  const line = (t: number) => JSON.stringify({ t, mono_ns: 1, ...EVENT }) + "\n";
  writeFileSync(path, line(1) + sealed(line(2).trim()) + "\n" + line(3));
  const { state, damaged } = await foldJournal(path, all);
  assertEquals([state.map(({ t }) => t), damaged], [[1, 2, 3], []]);
});

Deno.test("a bit that flips in results.json is told, and the journal read instead; a suite's and a load's", async () => {
  await using mock = await MockEndpoint.start();
  const tests = promptTests(3).map((test) => ({
    ...test,
    evaluator: { name: "exact", expected: "x" },
  }));
  const suite = await runOnMock(mock, { suite: suiteFrom(tests) });
  using whole = await load({ endpoint: mock.url, model: "m", concurrency: 1, requests: 3 });
  for (const { path, results } of [suite.directory, whole.directory]) {
    const before = await readRunDirectory(path);
    assertEquals([before.warnings, before.summary.status], [[], "complete"]);
    const bytes = readFileSync(results);
    for (let nth = 1; nth < 10; nth++) {
      const at = Math.floor(bytes.length * nth / 10);
      writeFileSync(results, bytes.map((byte, i) => i === at ? byte ^ 1 : byte));
      const { summary, items, warnings } = await readRunDirectory(path);
      assertEquals(warnings.length, 1);
      assertMatch(warnings[0], /results\.json: is not what was written/);
      assertEquals(summary.status, "failed");
      const passed = (of: typeof items) => of.map(({ item_id, success }) => [item_id, success]);
      assertEquals(passed(items), passed(before.items));
    }
    writeFileSync(results, bytes);
    // of a run that went on behind it, or of an earlier dyno, nothing is known
    appendFileSync(
      join(path, "events.jsonl"),
      `{"t":1,"mono_ns":1,"event":"endpoint_back","endpoint":"e"}\n`,
    );
    writeFileSync(results, bytes.toString().replace("{", "{ "));
    assertEquals((await readRunDirectory(path)).warnings, []);
  }
});

Deno.test("a bit that flips in run_metadata.json or in the samples is told, or changes nothing", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.1 } });
  const { directory } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(2)),
    sample_rate_hz: 100,
  });
  let seed = 7;
  const whole = await readRunDirectory(directory.path);
  assertEquals([whole.warnings, readSamples(directory.path).length], [[], 1]);
  const records = () => {
    const [{ description: { parts: _, ...description }, batch }] = readSamples(directory.path);
    return [{ ...description, crc: undefined }, batch.bytes];
  };
  const sampled = records();
  for (const name of ["run_metadata.json", "samples.json", "samples.bin"]) {
    const path = join(directory.path, name);
    const bytes = readFileSync(path);
    let told = 0;
    for (let nth = 0; nth < 200; nth++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      const bit = seed % (bytes.length * 8);
      writeFileSync(path, bytes.map((byte, i) => i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      let wrong: string[] = [];
      if (name === "run_metadata.json") {
        const { warnings, summary } = await readRunDirectory(directory.path);
        wrong = warnings;
        if (wrong.length === 0) assertEquals(summary, whole.summary, `bit ${bit}`);
      } else {
        try {
          assertEquals(records(), sampled, `bit ${bit}`);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          wrong = [error.message];
        }
      }
      told += wrong.length > 0 ? 1 : 0;
      for (const line of wrong) assertMatch(line, new RegExp(`${name}: `));
    }
    writeFileSync(path, bytes);
    assert(told >= 190, `${name}: ${told} of 200`); // the others are in the checksum's own name
  }
});
