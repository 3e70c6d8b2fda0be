/** What flags and files make of a load, and what they refuse. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { readLoadExperiment } from "../../lib/settings/load_experiment.ts";
import { findCapacity } from "../../lib/load/capacity.ts";
import { planLoad, recordedPlan } from "../../lib/load/plan_load.ts";
import { loadShape } from "../../lib/run/load_items.ts";
import { parseSlo } from "../../lib/load/slo.ts";
import { parseStages } from "../../lib/load/stages.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";
import { seededRandom } from "../../lib/stats/random.ts";

function folder() {
  const path = mkdtempSync(join(tmpdir(), "dyno-plan-"));
  return {
    write(name: string, text: string): string {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}

Deno.test("stages as text", () => {
  const [first, second, third] = parseStages(
    "rate=2:30s rate=2..8,concurrency=4:1m concurrency=16:1h",
  );
  assertEquals([first.rate, first.duration_s], [{ from_per_s: 2, to_per_s: 2 }, 30]);
  assertEquals([second.rate, second.concurrency], [{ from_per_s: 2, to_per_s: 8 }, 4]);
  assertEquals([third.rate, third.concurrency, third.duration_s], [null, 16, 3600]);
  const wrong = [
    "",
    "rate=2",
    "rate:30s",
    "rate=x:3s",
    "rate=0:3s",
    "concurrency=1.5:3s",
    "concurrency=2..3:3s",
    "speed=3:3s",
    "rate=1..2..3:3s",
    "rate=-1:3s",
    "rate=2:0s",
    "concurrency=2:0s",
  ];
  for (const text of wrong) assertThrows(() => parseStages(text), InputError, "--stages", text);
});

Deno.test("what tells loads apart in lists: their stages, from what the metadata records", async () => {
  const cases: [settings: LoadSettings, shape: string][] = [
    [{ concurrency: 16, requests: 40, warmup: 3 }, "16 in flight"],
    [{ rate: 10, duration_s: "1m" }, "10 req/s"],
    [{ rate: 0.5, concurrency: 4, duration_s: 3 }, "0.5 req/s, at most 4 in flight"],
    [{ stages: "rate=2..8:1m" }, "2 to 8 req/s"],
    [{ stages: "rate=2:3s rate=2..8:1m concurrency=16:3s" }, "3 stages: 2 req/s to 16 in flight"],
  ];
  for (const [settings, shape] of cases) {
    const config = JSON.parse(JSON.stringify(recordedPlan(await planLoad(settings))));
    assertEquals(loadShape({ config }), shape);
  }
  const { stages } = recordedPlan(await planLoad({ rate: 10, requests: 1 }));
  assertEquals(loadShape({ tags: ["search_0123abcd_20260101_000000"], config: { stages } }), null);
  assertEquals([loadShape(null), loadShape({ config: { suite: "s.json" } })], [null, null]);
});

Deno.test("objectives as text", () => {
  assertEquals(parseSlo("ttft:500"), { metric: "ttft", limit_ms: 500 });
  for (const text of ["ttft:500ms", "ttft=0.5s", "ttft<500", "ttft <= 500ms", " ttft: 500 "]) {
    assertEquals(parseSlo(text), { metric: "ttft", limit_ms: 500 }, text);
  }
  for (const text of ["ttft", "ttft:", "ttft:0", "ttft:-3", "ttft:1:2", "tfft:3", "gap:1"]) {
    assertThrows(() => parseSlo(text), InputError, "--slo", text);
  }
});

Deno.test("a load needs a shape and an end; settings that contradict are refused", async () => {
  const wrong: [Parameters<typeof planLoad>[0], string][] = [
    [{}, "how much load"],
    [{ rate: 3 }, "how long"],
    [{ rate: 3, duration_s: 3, prompt: "a", prompts: "b" }, "give one of them"],
    [{ stages: "rate=2:3s", rate: 3 }, "the stages say that"],
    [{ concurrency: 1, requests: 1, prompt: "a", turns: 2 }, "--turns"],
    [{ concurrency: 1, requests: 1, prompts: "/nowhere.jsonl" }, "/nowhere.jsonl"],
    [{ concurrency: 1, requests: 1, input_tokens: "12-" }, "--input-tokens"],
  ];
  for (const [settings, message] of wrong) {
    await assertRejects(() => planLoad(settings), InputError, message);
  }
});

Deno.test("prompts of files, each once unless repetition is asked for", async () => {
  using files = folder();
  const lines = files.write(
    "p.jsonl",
    '{"prompt":"one","max_tokens":7}\n\n{"messages":[{"role":"user","content":"two"}]}\n{"turns":["a","b"]}\n',
  );
  const { prompts } = await planLoad({ concurrency: 1, requests: 3, prompts: lines });
  assertEquals(prompts.next(), { prompt: "one", later: [], output_tokens: 7 });
  assertEquals(prompts.next()!.messages?.length, 1);
  assertEquals(prompts.next()!.later.map(({ ask }) => ask().prompt), ["b"]);
  assertEquals(prompts.next(), null);
  const again = await planLoad({ concurrency: 1, requests: 3, prompts: lines, recycle: true });
  for (let i = 0; i < 3; i++) again.prompts.next();
  assertEquals([again.prompts.next()!.prompt, again.prompts.repeats], ["one", true]);
  const table = files.write("p.csv", 'id,prompt\n1,"hello, you"\n2,bye\n');
  const csv = await planLoad({ concurrency: 1, requests: 3, prompts: table, output_tokens: 5 });
  assertEquals(csv.prompts.next(), { prompt: "hello, you", later: [], output_tokens: 5 });
  const broken = files.write("b.jsonl", '{"prompt":"one"}\n{"promt":"two"}\n');
  await assertRejects(
    () => planLoad({ concurrency: 1, requests: 1, prompts: broken }),
    InputError,
    "b.jsonl:2",
  );
});

Deno.test("a trace is replayed at its times, faster if wanted", async () => {
  using files = folder();
  const trace = files.write(
    "t.jsonl",
    [0, 500, 2000].map((timestamp) =>
      JSON.stringify({ timestamp, input_length: 20, output_length: 5, hash_ids: [1] })
    ).join("\n"),
  );
  const { stages, prompts } = await planLoad({ trace, trace_speed: 2 });
  assertEquals(stages[0].times_s, [0, 0.25, 1]);
  assertEquals(prompts.next()!.output_tokens, 5);
});

Deno.test("an experiment file's matrix is every combination; flags go before the file", async () => {
  using files = folder();
  const path = files.write(
    "e.json",
    '{"kind":"load","name":"curve","duration_s":5,"slo":["ttft:500"],"matrix":{"concurrency":[1,2],"seed":[3,4]}}',
  );
  const { name, runs } = await readLoadExperiment(path, { duration_s: 9 });
  assertEquals(name, "curve");
  assertEquals(runs.map(({ varied }) => varied), [
    { concurrency: 1, seed: 3 },
    { concurrency: 1, seed: 4 },
    { concurrency: 2, seed: 3 },
    { concurrency: 2, seed: 4 },
  ]);
  assertEquals(runs[0].settings.duration_s, 9);
  await assertRejects(() => readLoadExperiment(path, { seed: 1 }), InputError, "varies it");
  const misspelt = files.write("m.json", '{"kind":"load","name":"x","concurency":3}');
  await assertRejects(
    () => readLoadExperiment(misspelt, {}),
    InputError,
    'did you mean "concurrency"',
  );
  const wrong = files.write("w.json", '{"kind":"load","name":"x","matrix":{"rate":["fast"]}}');
  await assertRejects(() => readLoadExperiment(wrong, {}), InputError, "matrix.rate");
});

Deno.test("capacity is bracketed and bisected down to what its probes are sure of", async () => {
  const random = seededRandom(3);
  const objective = { text: "ttft ≤ 500 ms", of: "requests", share: 0.95 };
  const search = (limit: number, whole: boolean) =>
    findCapacity({
      start: 1,
      most: 1000,
      whole,
      precision: 0.05,
      probe: (level) => {
        const chance = level <= limit ? 0.999 : 0.5;
        const good = Array.from({ length: 200 }, () => random()).filter((u) => u < chance).length;
        return Promise.resolve([{ objective, good, total: 200 }]);
      },
      onProbe: () => {},
    });
  const rate = await search(37.3, false);
  assertEquals(rate.highest_good! <= 37.3 && rate.lowest_bad! > 37.3, true);
  assertEquals(rate.lowest_bad! / rate.highest_good! <= 1.05, true);
  const concurrency = await search(12, true);
  assertEquals([concurrency.highest_good, concurrency.lowest_bad], [12, 13]);
  assertEquals((await search(0.0001, false)).highest_good, null);
  assertEquals((await search(1e9, true)).lowest_bad, null);
});

Deno.test("a setting that would do nothing is refused", async () => {
  using files = folder();
  const trace = files.write("t.jsonl", '{"timestamp_s": 0, "input_length": 8, "output_length": 2}');
  const prompts = files.write("p.jsonl", '{"prompt": "a"}');
  const shape = { concurrency: 1, requests: 1 };
  const cases: [LoadSettings, string][] = [
    [{ ...shape, trace_speed: 2 }, "--trace-speed"],
    [{ ...shape, recycle: true }, "--recycle"],
    [{ ...shape, prefixes: 2 }, "--prefixes"],
    [{ ...shape, think_time_s: 1 }, "--think-time"],
    [{ ...shape, prompt: "a", input_tokens: 5 }, "--input-tokens"],
    [{ ...shape, prompts, prefix_share: 0.5 }, "--prefix-share"],
    [{ ...shape, prompts, output_tokens: "10-20" }, "--output-tokens"],
    [{ trace, output_tokens: 5 }, "--output-tokens"],
    [{ ...shape, stream: false, slo: ["ttft:5"] }, "--slo"],
  ];
  for (const [settings, flag] of cases) {
    await assertRejects(() => planLoad(settings), InputError, flag);
  }
  await planLoad({ ...shape, prompts, think_time_s: 1, output_tokens: 5, recycle: true });
});

Deno.test("a setting that this load makes no use of is told, and one that it uses is not", async () => {
  const given: LoadSettings = {
    arrival: "gamma",
    burstiness: 2,
    stop_on_saturation: true,
    server_metrics_names: ["a"],
    ca: "ca.pem",
    insecure: true,
    requests: 1,
  };
  const idle = (notes: string[]) =>
    notes.flatMap((note) => /^--([\w-]+): not used/.exec(note)?.[1] ?? []);
  const closed = await planLoad({ ...given, endpoint: "http://h/v1", concurrency: 1 });
  const all = [
    "arrival",
    "burstiness",
    "stop-on-saturation",
    "server-metrics-names",
    "ca",
    "insecure",
  ];
  assertEquals(idle(closed.notes), all);
  const told = async (requests: number) =>
    (await planLoad({ concurrency: 3, requests })).notes.map((note) => note.slice(0, 14));
  assertEquals([await told(2), await told(3)], [["fewer requests"], []]);
  const open = { ...given, rate: 1, server_metrics: ["http://h/metrics"] };
  assertEquals(idle((await planLoad({ ...open, endpoint: "https://h/v1" })).notes), []);
});

Deno.test("one prompt may have images of its own each time; a file's rows may not", async () => {
  const shape = { concurrency: 1, requests: 2, prompt: "What is it?", images: "8x8" };
  const { prompts, prompt_seed } = await planLoad({ ...shape, prompt_seed: 3 });
  const [first, second] = [prompts.next(), prompts.next()].map((asked) => {
    const [{ content }] = asked!.messages as { content: Record<string, unknown>[] }[];
    assertEquals(content[0], { type: "text", text: "What is it?" });
    return JSON.stringify(content[1]);
  });
  assertEquals([first === second, prompt_seed], [false, 3]);
  await assertRejects(
    () => planLoad({ ...shape, prompt: undefined, prompts: "rows.jsonl" }),
    InputError,
    "--images",
  );
});

Deno.test("warm-up requests of a trace take none of its rows", async () => {
  using files = folder();
  const trace = files.write(
    "t.jsonl",
    [
      '{"timestamp_s": 0, "input_length": 8, "output_length": 2}',
      '{"timestamp_s": 1, "prompt": "the second", "output_length": 3}',
    ].join("\n"),
  );
  const { prompts } = await planLoad({ trace, warmup: 3 });
  const lengths = [1, 2, 3, 4].map(() => prompts.next()!.output_tokens);
  assertEquals(lengths, [2, 3, 2, 2]);
  assertEquals(prompts.next()!.prompt, "the second");
  assertEquals(prompts.next(), null);
});

Deno.test("a stage of a file whose rate changes says over what time", async () => {
  using files = folder();
  for (const stage of ['{"rate": [0, 8], "requests": 5}', '{"rate": [0, 0], "duration_s": 5}']) {
    const path = files.write("x.json", `{"kind": "load", "name": "x", "stages": [${stage}]}`);
    await assertRejects(() => readLoadExperiment(path, {}), InputError);
  }
});

Deno.test("a seed of prompts that draws nothing is told", async () => {
  using files = folder();
  const texts = files.write("texts.jsonl", '{"timestamp": 0, "prompt": "Why?"}\n');
  const lengths = files.write("lengths.jsonl", '{"timestamp": 0, "input_length": 9}\n');
  const told = async (settings: LoadSettings) => {
    const { notes, prompt_seed } = await planLoad({ prompt_seed: 7, ...settings });
    return [notes.some((note) => note.startsWith("--prompt-seed")), prompt_seed];
  };
  const once = { concurrency: 1, requests: 1 };
  assertEquals(await told({ ...once, prompts: texts }), [true, null]);
  assertEquals(await told({ trace: texts }), [true, null]);
  assertEquals(await told({ trace: texts, warmup: 1 }), [false, 7]); // warm-up is made up
  assertEquals(await told({ trace: texts, probe_rate: 1 }), [false, 7]);
  assertEquals(await told({ trace: lengths }), [false, 7]);
  assertEquals(await told(once), [false, 7]);
  const { notes, prompt_seed } = await planLoad({ ...once, prompts: texts }); // none was given
  assertEquals([notes.some((note) => note.startsWith("--prompt-seed")), prompt_seed], [
    false,
    null,
  ]);
});
