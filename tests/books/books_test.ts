/**
 * The books test: seeded random runs of every kind on the mock, with faults, retries, cached tokens,
 * reviewers, judges, turns, budgets, samples, cuts and resumes; and commands that are killed and gone on
 * with. A reader of its own (reader.ts, items_reader.ts, load_reader.ts) says what each comes to; every place
 * where dyno tells a figure must say the same, to the digits that it prints. DYNO_TEST_LONG makes three times
 * the seeds; DYNO_BOOKS_SEEDS=3,17 makes those alone, and DYNO_BOOKS_SEEDS=killed what is killed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { sealed } from "../../lib/seal.ts";
import { Journal } from "../../lib/run/journal.ts";
import { Ledger } from "../../lib/run/ledger.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { caseOf, Findings } from "./case.ts";
import { killed } from "./killed.ts";
import { made } from "./made.ts";
import { checkCommands } from "./told_commands.ts";
import { checkExports } from "./told_exports.ts";
import { checkFiles } from "./told_files.ts";
import { checkQueries } from "./told_queries.ts";
import { checkDashboard, checkFollowers, checkTasks } from "./told_servers.ts";
import type { Case } from "./case.ts";
import type { Json } from "./reader.ts";

const LONG = process.env.DYNO_TEST_LONG !== undefined;
const CHOSEN = process.env.DYNO_BOOKS_SEEDS?.split(",");
const SEEDS = CHOSEN?.filter((seed) => seed !== "killed").map(Number) ??
  Array.from({ length: LONG ? 600 : 182 }, (_, seed) => seed);
/** Seeds at a time: most of a run's time is waiting. */
const AT_ONCE = 4;

function folder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "dyno-books-"));
  mkdirSync(join(path, "runs"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function casesOf(seeds: readonly number[], root: string, found: Findings): Promise<Case[]> {
  await using sandbox = await Sandbox.open();
  const left = [...seeds], cases: Case[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      for (const run of await made(seed, root, sandbox)) cases.push(caseOf(run, found));
    }
  }));
  return cases;
}

Deno.test("the books balance: every place tells what the mock's log and the journal come to", async () => {
  using place = folder();
  const root = place.path;
  const found = new Findings();
  const cases = await casesOf(SEEDS, root, found);
  if (CHOSEN?.includes("killed") ?? true) {
    for (const run of await killed(root)) cases.push(caseOf(run, found));
  }
  for (const one of cases) {
    await checkFiles(one, found);
    await checkFollowers(one, found);
  }
  await checkQueries(root, cases, found);
  await checkExports(root, cases, found);
  await checkDashboard(root, cases, found);
  await checkTasks(root, found);
  await checkCommands(root, found);
  const kinds = Map.groupBy(cases, ({ run }) => run.kind).entries()
    .map(([kind, all]) => `${all.length} ${kind}`);
  process.stdout.write(
    `seeds ${SEEDS[0] ?? "none"} to ${SEEDS.at(-1) ?? "none"}: ${cases.length} runs (${
      [...kinds].join(", ")
    }), ` +
      `${found.compared} figures compared\n`,
  );
  assertEquals(
    found.wrong.slice(0, 60),
    [],
    `${found.wrong.length} figures differ; again with DYNO_BOOKS_SEEDS=…`,
  );
});

/** What is found of some seeds while a fault is planted. */
async function planted(
  seeds: readonly number[],
  fault: { plant(cases: readonly Case[]): void; begin?(): () => void },
): Promise<string[]> {
  using place = folder();
  const found = new Findings();
  const mend = fault.begin?.();
  try {
    const cases = await casesOf(seeds, place.path, found);
    assert(cases.length > 0);
    fault.plant(cases);
    for (const one of cases) await checkFiles(one, found);
    await checkQueries(place.path, cases, found);
  } finally {
    mend?.();
  }
  return found.wrong;
}

Deno.test("a planted double count, a lost failed request and a pooled mode are found", async () => {
  const { add } = Ledger.prototype;
  const double = await planted([0, 3], {
    begin() {
      Ledger.prototype.add = function (entry) {
        add.call(this, entry);
        if (entry.asked_by === "retry" || entry.asked_by === "reviewer") add.call(this, entry);
      };
      return () => void (Ledger.prototype.add = add);
    },
    plant: () => {},
  });
  for (
    const place of ["results.ledger prompt", "summary.ledger prompt", "list prompt", "cost usd"]
  ) {
    assert(double.some((line) => line.includes(place)), `${place}: ${double.join("\n")}`);
  }

  const { append } = Journal.prototype;
  let lost = 0;
  const without = await planted([32], {
    begin() {
      Journal.prototype.append = function (event) {
        const failed = event.event === "request_finished" && event.result.failure !== null;
        if (failed && lost++ === 0) return;
        append.call(this, event);
      };
      return () => void (Journal.prototype.append = append);
    },
    plant: () => {},
  });
  assert(lost > 0);
  assert(without.some((line) => line.includes(": requests:")), without.join("\n"));

  const pooled = await planted([3], {
    plant(cases) {
      const path = join(cases[0].run.folder, "results.json");
      const results = JSON.parse(readFileSync(path, "utf8"));
      for (const { coding } of results.items as Json[]) coding.mode = "iterative";
      writeFileSync(path, JSON.stringify(results));
      // as if it had been written so: the journal's end knows no other
      const journal = join(cases[0].run.folder, "events.jsonl");
      const lines = readFileSync(journal, "utf8").trimEnd().split("\n");
      const { crc: _, results_crc: __, ...end } = JSON.parse(lines.pop()!);
      writeFileSync(journal, [...lines, sealed(JSON.stringify(end)), ""].join("\n"));
    },
  });
  for (const place of ["list modes", "list: tests", "analyze: "]) {
    assert(pooled.some((line) => line.includes(place)), `${place}: ${pooled.join("\n")}`);
  }
});
