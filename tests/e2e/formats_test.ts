/** Files keep their form: schemas that editors take, and runs that later versions must read. */
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { writeLoadReport } from "../../lib/report/load/load_report.ts";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import { readRecords } from "../../lib/load/load_journal.ts";
import { temporaryFolder, writeTree } from "../native/fixtures.ts";
import { dyno, dynoEach } from "./dyno.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Written by version 0.1.0; never to be written again, only added to. */
const KEPT = join(ROOT, "tests/fixtures/runs_v2");
const SUITE = "bench_0dd23a73_20261121_105303";
const LOAD = "bench_01ffc71a_20261121_105307";

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));

/** What each of the commands printed, all of them good. */
async function good(lists: string[][], cwd: string): Promise<string[]> {
  return (await dynoEach(lists, { cwd })).map(({ code, stdout, stderr }) => {
    assertEquals(code, 0, stderr);
    return stdout;
  });
}

function validator(text: string) {
  const schema = JSON.parse(text);
  assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return (value: unknown): string => ajv.validate(schema, value) ? "" : ajv.errorsText();
}

/** Files of each form, those that come with dyno among them. */
const FITTING: Record<string, string[]> = {
  "suite": ["experiments/suites/quickstart.json"],
  "experiment": [],
  "load": ["experiments/quickstart_load.json"],
  "sweep": ["experiments/default.json", "experiments/smoke.json"],
  "batch": ["experiments/batches/retail_finance.json"],
  "problem": [],
  "questions": ["retail", "finance"].map((name) => `experiments/batches/questions/${name}.json`),
  "integration": ["experiments/integration.json"],
  "prices": ["experiments/prices.json"],
  "mock-script": ["experiments/suites/quickstart_answers.json"],
  "results": [join(KEPT, SUITE, "results.json")],
  "load-results": [join(KEPT, LOAD, "results.json")],
  "metadata": [SUITE, LOAD].map((run) => join(KEPT, run, "run_metadata.json")),
};

Deno.test("schemas fit the files that they are of, and refuse a misspelt field", async () => {
  const names = Object.keys(FITTING);
  const schemas = await good(names.map((name) => ["schema", name]), ROOT);
  for (const [i, [name, paths]] of Object.entries(FITTING).entries()) {
    const faults = validator(schemas[i]);
    for (const path of paths) {
      assertEquals(faults(json(join(path.startsWith("/") ? "" : ROOT, path))), "", path);
    }
    assert(faults({ nme: 1 }) !== "", name);
  }
  const load = validator(schemas[names.indexOf("load")]);
  assertMatch(load({ kind: "load", name: "a", concurency: 4 }), /additional properties/);
  assertMatch(load({ kind: "load", name: "a", concurrency: "4" }), /integer/);
});

Deno.test("editors may be told of the schema in every file that people write", async () => {
  using folder = temporaryFolder();
  const $schema = "./form.schema.json";
  const test = { id: "a", name: "A", category: "c", prompt: "Say yes." };
  const text = (value: object) => JSON.stringify({ $schema, ...value });
  await writeTree(folder.path, {
    "suite.json": text({ test_suite_id: "s", tests: [test] }),
    "script.json": text({ default_response: "yes", answers: [] }),
    "experiment.json": text({
      name: "e",
      suite: "suite.json",
      model: "m",
      mock: { script: "script.json" },
    }),
    "sweep.json": text({ name: "s", command: ["true", "{seed}"], matrix: { seeds: [1] } }),
    "prices.json": text({ unit: "USD per million tokens", prices: [] }),
    "load.json": text({ kind: "load", name: "l", concurrency: 2, requests: 2 }),
  });
  const ran = await dyno(["run", "experiment.json"], { cwd: folder.path });
  assertEquals([ran.code, ran.stderr.includes("$schema")], [0, false], ran.stderr);
  const lists = ["sweep --config sweep.json --dry-run", "runs cost latest --prices prices.json"];
  await good(lists.map((words) => words.split(" ")), folder.path);
  const { stderr } = await dyno(["load", "load.json", "--endpoint", "nonsense"], {
    cwd: folder.path,
  });
  assertMatch(stderr, /"nonsense"/); // past the file, stopped at the flag
});

Deno.test("every JSON file that a run writes tells the version of its form", () => {
  for (const run of [SUITE, LOAD]) {
    const names = readdirSync(join(KEPT, run), { recursive: true, encoding: "utf8" });
    // suite.json is the user's own file
    for (const name of names.filter((name) => name.endsWith(".json") && name !== "suite.json")) {
      assertEquals(typeof json(join(KEPT, run, name)).schema_version, "number", name);
    }
    const [first] = readFileSync(join(KEPT, run, "events.jsonl"), "utf8").split("\n", 1);
    assertEquals(JSON.parse(first).schema_version, 1);
  }
});

Deno.test("runs of version 0.1.0 are listed, shown, analysed, exported and reported", async () => {
  using folder = temporaryFolder();
  cpSync(KEPT, join(folder.path, "runs"), { recursive: true });
  const [listed, shown, suiteAnalysed, loadAnalysed, exported] = (await good([
    ["runs", "list", "--json"],
    ["runs", "show", SUITE, "--json"],
    ["runs", "analyze", SUITE, "--json"],
    ["runs", "analyze", LOAD, "--json"],
    ["runs", "export", SUITE, "--format", "json"],
    ["runs", "export", SUITE, "--format", "perfetto"],
  ], folder.path)).map((text) => JSON.parse(text));
  const ids = listed.map(({ run_id, status }: Record<string, unknown>) => [run_id, status]);
  assertEquals(ids, [
    [LOAD, "complete"],
    [SUITE, "complete"],
  ]);
  assertEquals(listed.map(({ warnings }: Record<string, unknown>) => warnings), [[], []]);
  assertEquals([listed[1].passed, listed[1].judged], [2, 3]);
  assertEquals(shown.run_id, SUITE);
  assertEquals(shown.results.items.length, 3);
  assertEquals([suiteAnalysed.total_packages, suiteAnalysed.successful], [3, 3]);
  assertEquals(loadAnalysed.total_packages, 8);
  assertEquals(exported.results.length, 3);

  const suite = runDirectoryAt(join(folder.path, "runs", SUITE));
  assertMatch(readFileSync(await writeSuiteReport(suite), "utf8"), /What is 2 \+ 3\?/);
  const load = runDirectoryAt(join(folder.path, "runs", LOAD));
  const report = await writeLoadReport(load, json(load.results), await readRecords(load));
  assertMatch(readFileSync(report, "utf8"), /<h2[^>]*>.*Verdict|verdict/i);
});
