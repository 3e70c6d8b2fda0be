/** Memories of coding runs, against a memory server in a process of its own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { commandWords } from "../../lib/run/command_words.ts";
import { createRunDirectory } from "../../lib/run/directory.ts";
import { exportedMemories } from "../../lib/run/memory_session.ts";
import { pendingPath, readPending } from "../../lib/run/memory_pending.ts";
import { deliverPending, storeMemories } from "../../lib/run/memory_sink.ts";
import { memoryItems } from "../../lib/coding/memory_items.ts";
import { emptyTotals } from "../../lib/run/ledger_totals.ts";
import type { RunDirectory } from "../../lib/run/directory.ts";
import type { MemoryItem } from "../../lib/run/memory_item.ts";
import type { BenchmarkSummary } from "../../lib/coding/summary.ts";

const SERVER = fileURLToPath(new URL("../fixtures/memory_server.ts", import.meta.url));

interface Stored extends MemoryItem {
  project: string;
}

/** A run directory and the store of a server beside it. */
class Place implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "dyno-memory-"));
  readonly directory: RunDirectory = createRunDirectory(this.root);
  readonly store = join(this.root, "store.json");

  server(mode = "normal", n = 0): string[] {
    return [process.execPath, "run", "-A", "--no-check", SERVER, this.store, mode, String(n)];
  }

  get stored(): Stored[] {
    return existsSync(this.store) ? JSON.parse(readFileSync(this.store, "utf8")) : [];
  }

  get calls(): string[] {
    const path = `${this.store}.calls`;
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  /** Whether the last server runs; one that is dead and not yet reaped does not. */
  get serverLives(): boolean {
    try {
      const pid = readFileSync(`${this.store}.pid`, "utf8");
      return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  }

  /** The items of a run in this directory's name. */
  items(problems = 3, change: Partial<BenchmarkSummary> = {}): MemoryItem[] {
    return memoryItems(summaryOf(this.directory.run_id, problems, change));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function summaryOf(
  run_id: string,
  problems: number,
  change: Partial<BenchmarkSummary> = {},
): BenchmarkSummary {
  const results = Array.from({ length: problems }, (_, i) => ({
    experiment_id: `exp_0000000${i}`,
    mode: "iterative" as const,
    problem_id: `HumanEval/${i}`,
    success: i % 2 === 0,
    iterations: i + 1,
    cost: i === 1 ? null : 0.001 * i,
    usage: { input_tokens: 10, output_tokens: 20 },
  }));
  return {
    run_id,
    mode: "iterative",
    start_time: "2026-01-31T23:45:12.000Z",
    end_time: "2026-01-31T23:52:34.000Z",
    duration_seconds: 442,
    config: {
      local_model: "qwen2.5-coder:32b",
      problem_range: `0-${problems}`,
      problems: results.map(({ problem_id }) => problem_id),
      max_iterations: 10,
      dataset: "HumanEval.jsonl.gz",
      temperature: 0,
      seed: null,
    },
    results,
    summary: {
      total_problems: problems,
      total_answers: problems,
      unjudged: 0,
      successes: Math.ceil(problems / 2),
      success_rate: 50,
      total_cost: null,
      requests_of_unknown_cost: problems,
      avg_cost: null,
      avg_iterations: 2,
      total_input_tokens: 10 * problems,
      total_output_tokens: 20 * problems,
    },
    ledger: { total: emptyTotals(), by_asker: {} },
    ...change,
  };
}

const plain = ({ title, category, tags, importance, metadata }: MemoryItem) => ({
  title,
  category,
  tags,
  importance,
  metadata,
});

Deno.test("requests of unknown cost are at most so many where some may have been in flight", () => {
  const costs = [0, 2].map((requests_cut_off) => {
    const ledger = { total: { ...emptyTotals(), requests_cut_off }, by_asker: {} };
    const run = summaryOf("run", 3, { ledger });
    run.summary!.total_cost = 0.5;
    return /cost (.*)/.exec(memoryItems(run)[0].content)![1];
  });
  assertEquals(costs, ["$0.5000 + 3 unknown", "$0.5000 + up to 3 unknown"]);
});

Deno.test("a run is stored under the tags that its readers ask for", async () => {
  using place = new Place();
  const { directory } = place;
  const { run_id } = directory;
  const delivery = await storeMemories(directory, place.items(), place.server());
  assertEquals(delivery, {
    verified: 4,
    overwritten: 0,
    acknowledged: 0,
    waiting: 0,
    problem: null,
  });
  const [summary, ...experiments] = place.stored;
  assertEquals(plain(summary), {
    title: `Benchmark Run ${run_id}`,
    category: "architecture",
    tags: ["benchmark_run", run_id, "iterative", "qwen2.5-coder:32b"],
    importance: "critical",
    metadata: { ...summaryOf(run_id, 3) },
  });
  assert(summary.content.length < 1000);
  assertStringIncludes(summary.content, "2 of 3 solved");
  assertEquals(experiments.map(({ tags, metadata }) => ({ tags, metadata }))[1], {
    tags: ["result", "exp_00000001", "HumanEval/1", "completed", run_id],
    metadata: {
      benchmark_run_id: run_id,
      experiment_id: "exp_00000001",
      mode: "iterative",
      problem_id: "HumanEval/1",
      success: false,
      iterations: 2,
      cost: null,
    },
  });
  assertEquals([existsSync(pendingPath(directory)), place.serverLives], [false, false]);
});

Deno.test("what is there already is not stored twice", async () => {
  using place = new Place();
  await storeMemories(place.directory, place.items(), place.server());
  const again = await storeMemories(place.directory, place.items(), place.server());
  assertEquals([again.verified, again.waiting], [4, 0]);
  assertEquals(place.stored.length, 4);
});

Deno.test("a comparison gives the experiments of both modes", () => {
  const { results, summary } = summaryOf("bench_00000000_20260101_000000", 2);
  const part = { results: results!, summary: summary! };
  const items = memoryItems({
    ...summaryOf("bench_00000000_20260101_000000", 2),
    mode: "comparative",
    results: undefined,
    summary: undefined,
    zero_shot: part,
    iterative: part,
  });
  assertEquals(items.length, 5);
  assertStringIncludes(items[0].content, "Zero-shot: 1 of 2 solved");
});

for (const mode of ["update", "overwrite"]) {
  Deno.test(`near titles taken for updates (${mode}): in the end all is there, earlier runs too`, async () => {
    using place = new Place();
    const earlier = createRunDirectory(place.root);
    const first = memoryItems(summaryOf(earlier.run_id, 2));
    await storeMemories(earlier, first, place.server());
    const second = place.items(4);
    const delivery = await storeMemories(place.directory, second, place.server(mode));
    assertEquals([delivery.waiting, delivery.problem], [0, null]);
    assertEquals(delivery.overwritten > 0, mode === "overwrite");
    const texts = place.stored.map(({ tags, metadata }) => JSON.stringify([tags, metadata]));
    for (const { title, tags, metadata } of [...first, ...second]) {
      assert(texts.includes(JSON.stringify([tags, metadata])), title);
    }
    const titles = place.stored.map(({ title }) => title);
    assertEquals(new Set(titles).size, titles.length);
    assert(titles.every((title) => /^(Benchmark Run bench_|Experiment exp_)/.test(title)));
  });
}

Deno.test("a summary larger than 10 KB arrives whole: it is in the metadata", async () => {
  using place = new Place();
  const items = place.items(150);
  assert(JSON.stringify(items[0].metadata).length > 15_000);
  const delivery = await storeMemories(place.directory, items, place.server());
  assertEquals(delivery.waiting, 0);
  assertEquals(place.stored[0].metadata, items[0].metadata);
});

Deno.test("a server that drops metadata is found out", async () => {
  using place = new Place();
  const { waiting, problem } = await storeMemories(
    place.directory,
    place.items(1),
    place.server("bare"),
  );
  assertEquals([waiting, problem], [2, "the server took them, but did not keep them whole"]);
});

Deno.test("a server that dies is given the rest later", async () => {
  using place = new Place();
  const { directory } = place;
  const first = await storeMemories(directory, place.items(), place.server("crash", 3));
  assertEquals([first.verified, first.waiting], [0, 4]);
  assertStringIncludes(first.problem!, "it ended with exit code 3");
  assertEquals(place.stored.length, 2);
  assertEquals((await readPending(directory)).length, 4);
  const second = await deliverPending(directory, place.server());
  assertEquals([second.verified, second.waiting, place.stored.length], [4, 0, 4]);
  assert(!existsSync(pendingPath(directory)));
});

for (
  const [mode, n, said] of [
    ["hang", 0, "export_memories: no answer within 3 s"],
    ["hang", 2, "remember: no answer within 3 s"],
    ["mute", 0, "no answer within 3 s"],
    ["garbage", 0, 'it prints something that is not a message: "Welcome'],
    ["without_remember", 0, 'has no tool "remember"'],
    ["refuse", 0, "remember: the disk is full"],
  ] as const
) {
  Deno.test(`a server that fails (${mode} ${n}) costs bounded time and leaves nothing behind`, async () => {
    using place = new Place();
    const started_ms = performance.now();
    const delivery = await storeMemories(place.directory, place.items(1), place.server(mode, n), {
      bounds: { call_ms: 3000, total_ms: 15_000 },
    });
    assertEquals(delivery.waiting, 2);
    assertStringIncludes(delivery.problem!, said);
    assert(performance.now() - started_ms < 15_000);
    assertEquals([(await readPending(place.directory)).length, place.serverLives], [2, false]);
  });
}

Deno.test("a slow server gets what fits into the time, the rest later", async () => {
  using place = new Place();
  const { directory } = place;
  const items = place.items(20);
  const bounds = { call_ms: 3000, total_ms: 10_000 };
  const started_ms = performance.now();
  const first = await storeMemories(directory, items, place.server("slow", 400), { bounds });
  assert(performance.now() - started_ms < bounds.total_ms);
  assert(first.verified > 0 && first.waiting > 0, JSON.stringify(first));
  assertEquals(first.problem, "the server is too slow");
  assertEquals((await readPending(directory)).length, first.waiting);
  await deliverPending(directory, place.server());
  assertEquals(place.stored.length, 21);
});

Deno.test("a server that cannot be read back is given everything once", async () => {
  using place = new Place();
  const { directory } = place;
  const server = place.server("without_export");
  const first = await storeMemories(directory, place.items(1), server);
  assertEquals([first.verified, first.acknowledged, first.waiting], [0, 2, 2]);
  assertStringIncludes(first.problem!, "could not be verified");
  await deliverPending(directory, server);
  assertEquals(place.stored.length, 2);
  const last = await deliverPending(directory, place.server());
  assertEquals([last.verified, last.waiting, place.stored.length], [2, 0, 2]);
});

Deno.test("no program, no folder, a stop: told, nothing thrown", async () => {
  using place = new Place();
  const missing = await storeMemories(place.directory, place.items(), ["/no/such/server"]);
  assertEquals(missing.waiting, 4);
  assertEquals(missing.problem, "/no/such/server: there is no such program");
  const stop = new AbortController();
  const stopping = setTimeout(() => stop.abort(new Error("interrupted")), 1500);
  const stopped = await storeMemories(place.directory, place.items(), place.server("hang"), {
    signal: stop.signal,
  });
  clearTimeout(stopping);
  assertEquals([stopped.waiting, stopped.problem], [4, "interrupted"]);
  assertEquals(place.serverLives, false);
  rmSync(place.directory.path, { recursive: true });
  const nowhere = await storeMemories(place.directory, place.items(), place.server());
  assertStringIncludes(nowhere.problem!, "memory_pending.jsonl: cannot write");
});

Deno.test("stray output between messages is passed over", async () => {
  using place = new Place();
  const { waiting } = await storeMemories(place.directory, place.items(1), place.server("chatty"));
  assertEquals(waiting, 0);
});

Deno.test("what a wrapper started is ended with it", async () => {
  using place = new Place();
  const server = place.server("hang").map((word) => `'${word}'`).join(" ");
  const { waiting } = await storeMemories(place.directory, place.items(1), [
    "/bin/sh",
    "-c",
    `${server}; true`,
  ], { bounds: { call_ms: 3000, total_ms: 15_000 } });
  assertEquals([waiting, place.serverLives], [2, false]);
});

Deno.test("a run that is stored again replaces what waits of it, not what waits of others", async () => {
  using place = new Place();
  const { directory } = place;
  const [other] = memoryItems(summaryOf("bench_00000000_20260101_000000", 1));
  await storeMemories(directory, [...place.items(1), other], ["/no/such/server"]);
  const changed = place.items(1, { duration_seconds: 7 });
  const { verified } = await storeMemories(directory, changed, place.server());
  assertEquals(verified, 3);
  assertEquals(place.stored.map(({ metadata }) => metadata.duration_seconds), [7, undefined, 442]);
});

Deno.test("a damaged line of what waits is named", async () => {
  using place = new Place();
  await storeMemories(place.directory, place.items(1), ["/no/such/server"]);
  const path = pendingPath(place.directory);
  writeFileSync(path, readFileSync(path, "utf8") + '{"title": 3}\n');
  const error = await deliverPending(place.directory, place.server()).catch((error) => error);
  assert(error instanceof InputError);
  assertStringIncludes(error.message, "line 3");
});

Deno.test("an export is read in all its forms", () => {
  const memory: MemoryItem = {
    title: "T",
    content: "C",
    category: "learning",
    importance: "high",
    tags: ["a"],
    metadata: { n: 1 },
  };
  const asTexts = { ...memory, tags: '["a"]', metadata: '{"n":1}', salience: 0.3 };
  const text = (said: string) => ({ content: [{ type: "text", text: said }] });
  for (
    const result of [
      text(JSON.stringify([memory])),
      text(JSON.stringify({ memories: [memory] })),
      text(`Exported 1 memories:\n\n${JSON.stringify([asTexts])}`),
      { structuredContent: { memories: [memory] } },
    ]
  ) assertEquals(exportedMemories(result), [memory]);
  assertEquals(exportedMemories(text("No memories to export.")), []);
  assertEquals(exportedMemories(text("Something else")), null);
});

Deno.test("a command is split as a shell does", () => {
  const words = (text: string) => commandWords(text, "--memory");
  assertEquals(words(`node  server.js`), ["node", "server.js"]);
  assertEquals(words(`a 'b c' "d \\"e\\"" f\\ g ''`), ["a", "b c", 'd "e"', "f g", ""]);
  assertThrows(() => words("a 'b"), InputError, "not closed");
  assertThrows(() => words("  "), InputError, "expected a command");
});
