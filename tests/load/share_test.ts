/** The parts of a load that is divided, held against the whole one: nothing twice, nothing missing. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { timesOf } from "../../lib/load/stages.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { LoadPlan } from "../../lib/load/plan_load.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const partsOf = (settings: LoadSettings, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => planLoad(settings, undefined, { index, count })),
  );

/** The times of a stage of a second and more, in order. */
function timesIn({ stages, pattern }: LoadPlan): number[] {
  const times: number[] = [];
  const all = timesOf(stages[0], pattern);
  for (let next = all.next(); !next.done && next.value < 5; next = all.next()) {
    times.push(next.value);
  }
  return times;
}

const questions = ({ prompts }: LoadPlan, most: number) =>
  Array.from({ length: most }, () => JSON.stringify(prompts.next())).filter((text) =>
    text !== "null"
  );

Deno.test("the arrivals of all shards are those of the whole load, whatever their pattern", async () => {
  const patterns: LoadSettings[] = [
    { rate: 40, arrival: "constant" },
    { rate: 40, arrival: "poisson", seed: 3 },
    { rate: 40, arrival: "gamma", burstiness: 0.3, seed: 4 },
    { stages: [{ rate: [5, 60], duration_s: 5 }], seed: 5 },
  ];
  for (const pattern of patterns) {
    const settings = pattern.stages ? pattern : { ...pattern, duration_s: 5 };
    for (const count of [1, 2, 3, 7]) {
      const parts = (await partsOf(settings, count)).map(timesIn);
      assertEquals(parts.flat().sort((a, b) => a - b), timesIn(await planLoad(settings)));
      const sizes = parts.map((times) => times.length);
      assertEquals(Math.max(...sizes) - Math.min(...sizes) <= 1, true, sizes.join(" "));
    }
  }
});

Deno.test("places, requests and warm-up are divided without a rest", async () => {
  for (
    const [concurrency, requests, warmup, count] of [[7, 50, 5, 3], [8, 8, 1, 8], [5, 1001, 0, 2]]
  ) {
    const parts = await partsOf({ concurrency, requests, warmup }, count);
    const sum = (of: (plan: LoadPlan) => number) => parts.reduce((all, plan) => all + of(plan), 0);
    assertEquals(sum(({ stages }) => stages.at(-1)!.concurrency!), concurrency);
    assertEquals(sum(({ stages }) => stages.at(-1)!.requests!), requests);
    if (warmup > 0) assertEquals(sum(({ stages }) => stages[0].requests!), warmup);
    // a place has as many requests to do in each shard, but for one
    const rounds = parts.map(({ stages: [...all] }) =>
      all.at(-1)!.requests! / all.at(-1)!.concurrency!
    );
    assertEquals(Math.max(...rounds) - Math.min(...rounds) <= 1, true, rounds.join(" "));
  }
});

Deno.test("each stage of a load has its part", async () => {
  const stages = "concurrency=5:1s rate=9,concurrency=4:1s";
  const parts = await partsOf({ stages }, 2);
  const places = parts.map((plan) => plan.stages.map(({ concurrency }) => concurrency));
  assertEquals(places, [[3, 2], [2, 2]]);
});

Deno.test("made-up prompts: no shard sends another's, beginnings that are shared stay shared", async () => {
  const settings: LoadSettings = {
    concurrency: 3,
    requests: 3,
    input_tokens: "40:10",
    output_tokens: "9:3",
    prefix_share: 0.5,
    prefixes: 2,
    prompt_seed: 11,
  };
  for (const turns of [1, 3]) {
    const given = { ...settings, turns };
    const whole = questions(await planLoad(given), 60);
    const parts = await Promise.all(
      (await partsOf(given, 3)).map((plan) => questions(plan, 20)),
    );
    const dealt = whole.map((_, n) => parts[n % 3][Math.floor(n / 3)]);
    assertEquals(dealt, whole);
    assertEquals(new Set(whole).size, 60);
  }
});

Deno.test("rows of a file and times of a trace stay together, each in one shard", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "trace.jsonl");
  const rows = Array.from({ length: 11 }, (_, i) => ({
    timestamp: i * 100,
    input_length: 600 + i,
    output_length: 3,
    hash_ids: [i % 2, 10 + i],
  }));
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const prompts = join(folder.path, "p.jsonl");
  writeFileSync(
    prompts,
    rows.map((_, i) => JSON.stringify({ prompt: `question ${i}` })).join("\n"),
  );
  for (
    const given of [{ trace: path, prompt_seed: 5 }, { prompts, concurrency: 2, requests: 11 }]
  ) {
    for (const warmup of "trace" in given ? [0, 4] : [0]) {
      const settings = { ...given, warmup };
      const whole = questions(await planLoad(settings), 11 + warmup);
      assertEquals(whole.length, 11 + warmup);
      const parts = await partsOf(settings, 2);
      const told = parts.map((plan) => questions(plan, 20));
      assertEquals(told.flat().sort(), whole.toSorted());
      if (!("trace" in given)) continue;
      parts.forEach((plan, shard) => {
        const own = told[shard].slice(-timesOfTrace(plan).length); // behind its warm-up
        const rowsOf = timesOfTrace(plan).map((t_s) => Math.round(t_s * 10));
        assertEquals(own, rowsOf.map((row) => whole[warmup + row]));
      });
    }
  }
});

Deno.test("sessions of a file: each shard's requests are the whole load's, whenever they are asked", async () => {
  using folder = temporaryFolder();
  const files = {
    "lengths.jsonl": Array.from({ length: 12 }, (_, i) => ({
      session_id: `s${i % 4}`,
      input_length: 20 + i % 3,
      output_length: 2,
    })),
    "blocks.jsonl": Array.from({ length: 4 }, (_, i) => ({
      id: `s${i}`,
      block_size: 16,
      hash_id_scope: i % 2 === 0 ? "global" : "local",
      requests: [[1], [1, 2], [1, 2, 3 + i], []].map((hash_ids, t) => ({
        ...{ t, type: "n", in: 70, out: 2, api_time: 0.5 },
        hash_ids,
      })),
    })),
  };
  for (const [name, rows] of Object.entries(files)) {
    const prompts = join(folder.path, name);
    writeFileSync(prompts, rows.map((row) => JSON.stringify(row)).join("\n"));
    const settings = { prompts, prompt_seed: 5, concurrency: 2, requests: 4 };
    const sessionsOf = (plan: LoadPlan) =>
      Array.from({ length: 5 }, () => plan.prompts.next()).filter((each) => each !== null);
    const whole = sessionsOf(await planLoad(settings))
      .map(({ prompt, later }) => [prompt, ...later.map(({ ask }) => ask().prompt)]);
    assertEquals(whole.length, 4);
    const parts = (await partsOf(settings, 2)).map((plan) =>
      sessionsOf(plan).toReversed().map(({ prompt, later }) => [
        prompt,
        ...later.toReversed().map(({ ask }) => ask().prompt).toReversed(),
      ]).toReversed()
    );
    assertEquals(whole.map((_, n) => parts[n % 2][Math.floor(n / 2)]), whole);
    const begun = new Set(whole.flat().map((text) => text!.split(" ").slice(0, 4).join(" ")));
    // by hand: 12 requests; or the first block of the two global traces, of two local ones, and four without blocks
    assertEquals(begun.size, name === "lengths.jsonl" ? 12 : 7);
  }
});

function timesOfTrace(plan: LoadPlan): number[] {
  const times: number[] = [];
  const all = timesOf(plan.stages.at(-1)!, plan.pattern);
  for (let next = all.next(); !next.done; next = all.next()) times.push(next.value);
  return times;
}

Deno.test("a load that is too small to be divided is refused", async () => {
  const share = { index: 0, count: 4 };
  for (const settings of [{ concurrency: 3, duration_s: 1 }, { concurrency: 4, requests: 3 }]) {
    await assertRejects(
      () => planLoad(settings, undefined, share),
      InputError,
      "each shard needs at least one",
    );
  }
});
