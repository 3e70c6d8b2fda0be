/** Files that people write, at random near valid ones: read, or refused in one line of ours. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { loadBatch } from "../../lib/settings/batch.ts";
import { experimentOf, looksLikeExperiment } from "../../lib/settings/experiment.ts";
import { itemId } from "../../lib/settings/item_id.ts";
import { checkJson, parseJson } from "../../lib/settings/json_file.ts";
import { readLoadExperiment } from "../../lib/settings/load_experiment.ts";
import { loadProblems } from "../../lib/coding/problems/load_problems.ts";
import { suiteOf } from "../../lib/settings/load_suite.ts";
import { readDataset } from "../../lib/load/datasets/read_dataset.ts";
import { loadMockScript, Script } from "../../lib/mock/script.ts";
import { readPrices } from "../../lib/run/prices.ts";
import { taskRequestSchema } from "../../lib/server/tasks/request.ts";
import { evaluatorNames, resolveEvaluator } from "../../lib/suite/evaluate.ts";
import { sweepConfigOf } from "../../lib/sweep/config.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { nearJson } from "./near_json.ts";
import { found, orComplaint, property, texts } from "./fuzzing.ts";
import type { JsonFile } from "../../lib/settings/json_file.ts";

const bundled = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../experiments/${path}`, import.meta.url), "utf8"));

/** A property of a reader of files: complaints name the file. */
function fileProperty(
  name: string,
  ending: string,
  contents: Parameters<typeof property<string>>[1],
  read: (path: string) => unknown,
  also: Record<string, string> = {},
): void {
  const attempt = async (text: string) => {
    using folder = temporaryFolder();
    for (const [file, content] of Object.entries(also)) {
      writeFileSync(join(folder.path, file), content);
    }
    const path = join(folder.path, `input${ending}`);
    writeFileSync(path, text);
    await orComplaint(() => read(path));
  };
  for (const text of found<string>(name.replaceAll(" ", "_"))) {
    Deno.test(`found before, ${name}: ${text.slice(0, 60)}`, () => attempt(text));
  }
  property(name, contents, attempt);
}

/** A property of a schema: the value is taken, or the complaint names file, line and column. */
function schemaProperty(name: string, examples: unknown[], check: (file: JsonFile) => unknown) {
  property(name, nearJson(...examples), async (text) => {
    await orComplaint(() => check(parseJson("input.json", text)));
  }, { runs: 300 });
}

const test = { id: "a", name: "A", category: "c", prompt: "p", parameters: { max_tokens: 5 } };
const suite = {
  test_suite_id: "s",
  evaluator: { name: "exact", expected: "x" },
  tests: [test, {
    ...test,
    id: "b",
    prompt: undefined,
    messages: [{ role: "user", content: "x" }],
  }],
};

schemaProperty("a suite", [suite, bundled("suites/quickstart.json")], (file) => {
  if (looksLikeExperiment(file)) return experimentOf(file);
  for (const test of suiteOf(file).suite.tests) {
    const id = itemId({ test: test.id, prompt: test.prompt, parameters: test.parameters });
    assert(/^[0-9a-f]+$/.test(id));
  }
});

schemaProperty("an experiment", [bundled("quickstart.json")], (file) => {
  return looksLikeExperiment(file) ? experimentOf(file) : suiteOf(file);
});

schemaProperty("a sweep", [bundled("smoke.json"), bundled("default.json")], sweepConfigOf);

const task = { kind: "suite", suite: "s.json", model: "m", endpoint: "http://127.0.0.1:9" };
schemaProperty(
  "a task",
  [
    task,
    { kind: "load", rate: 5, duration_s: 3, slo: ["ttft:500"], callback_url: "http://a.example/x" },
    { kind: "sweep", config: bundled("smoke.json"), jobs: 2 },
  ],
  (file) => checkJson(file, taskRequestSchema),
);

for (const name of evaluatorNames) {
  const options = {
    name,
    expected: "x",
    pattern: "a+",
    flags: "i",
    any: ["a"],
    all: "b",
    schema: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
    choices: 4,
    answer: "B",
    tolerance: 0.1,
    targets: [{ text: "x" }],
    command: ["true"],
  };
  // one at a time too: each evaluator knows some of them
  const examples = Object.entries(options).map(([key, value]) => ({ name, [key]: value }));
  property(`options of ${name}`, nearJson(options, ...examples), async (text) => {
    await orComplaint(async () => {
      const { value } = parseJson("input.json", text);
      if (typeof value !== "object" || value === null) return;
      const { name: given = name, ...rest } = value as { name?: unknown };
      if (typeof given !== "string" || /^[./]/.test(given)) return;
      await resolveEvaluator({ name: given, ...rest }, "tests[0].evaluator", "/nonexistent");
    });
  }, { runs: 60 });
}

fileProperty(
  "a load experiment",
  ".json",
  nearJson(
    bundled("quickstart_load.json"),
    { kind: "load", name: "n", rate: 2, duration_s: 1, matrix: { concurrency: [1, 2], seed: [1] } },
  ),
  (path) => readLoadExperiment(path, {}),
);

fileProperty(
  "a batch",
  ".json",
  nearJson({
    ...bundled("batches/retail_finance.json"),
    industries: [{ industry: "retail", questions: "questions.json" }],
  }),
  loadBatch,
  {
    "questions.json": JSON.stringify({
      questions: [{ id: "1", question: "q", context: ["c"], key_points: ["k"] }],
    }),
  },
);

fileProperty("a price table", ".json", nearJson(bundled("prices.json")), async (path) => {
  (await readPrices(path)).priceOf("gpt-4o");
});

fileProperty(
  "a script of answers",
  ".json",
  nearJson({ answers: [{ pattern: "a+", response: "b" }, { contains: "x", response: "y" }] }),
  async (path) => void new Script(await loadMockScript(path)).find("abc"),
);

const problems = readFileSync(
  new URL("../../experiments/suites/python_basics.jsonl", import.meta.url),
  "utf8",
).trim().split("\n").map((line) => JSON.parse(line));
const mbpp = { task_id: 11, text: "t", code: "def f(a):\n  pass", test_list: ["assert f(1)"] };
const plus = { ...problems[0], test: undefined, base_input: [[1]], plus_input: [[2]], atol: 0 };

fileProperty("coding problems", ".jsonl", nearJson(...problems, mbpp, plus), loadProblems);

const row = { timestamp_s: 0, prompt: "p", output_length: 5, session: "s" };
const mooncake = { timestamp: 27482, input_length: 6, output_length: 5, hash_ids: [1, 2] };
fileProperty("a trace of JSON lines", ".jsonl", nearJson(row, mooncake), checkedTrace);
fileProperty(
  "a trace of CSV",
  ".csv",
  texts(
    "Timestamp,Request tokens,Response tokens\n",
    "TIMESTAMP,ContextTokens,GeneratedTokens\n",
    "2023-11-16 18:15:46.6805900",
    ",",
    "\n",
    "\r\n",
    "5",
    "0",
    '"',
    "-",
  ),
  checkedTrace,
);

async function checkedTrace(path: string): Promise<void> {
  const { rows } = await readDataset(path);
  assertEquals(rows[0].t_s ?? 0, 0);
  for (const { t_s } of rows) assert(t_s === null || Number.isFinite(t_s) && t_s >= 0);
}

fileProperty(
  "prompts of a suite",
  ".json",
  nearJson(suite, { tests: [{ turns: ["a", "b"], max_tokens: 5 }] }),
  checkedTrace,
);
fileProperty(
  "prompts of JSON lines",
  ".jsonl",
  nearJson({ prompt: "p", max_tokens: 5 }, { messages: [{ role: "user", content: "x" }] }),
  checkedTrace,
);
fileProperty(
  "prompts of CSV",
  ".csv",
  texts("prompt", "max_tokens", "__proto__", ",", "\n", "a b", "5", '"'),
  checkedTrace,
);

Deno.test("found before, a suite: parameters nested more deeply than ids can be made of", async () => {
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const text = JSON.stringify(suite).replace('"max_tokens":5', `"x":${deep}`);
  assertEquals(await orComplaint(() => suiteOf(parseJson("suite.json", text))), null);
});
