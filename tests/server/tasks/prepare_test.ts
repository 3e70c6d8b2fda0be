/** What a task is carried out by: a file that the command reads. */
import { assertEquals, assertRejects } from "@std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { experimentOf } from "../../../lib/settings/experiment.ts";
import { parseJson } from "../../../lib/settings/json_file.ts";
import { AllowedPaths } from "../../../lib/server/tasks/allowed_paths.ts";
import { type TaskPolicy, TaskRefused } from "../../../lib/server/tasks/policy.ts";
import { prepareTask } from "../../../lib/server/tasks/prepare.ts";
import { taskRequestSchema } from "../../../lib/server/tasks/request.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

const PROBLEM = {
  task_id: "T/0",
  prompt: "def one():\n",
  entry_point: "one",
  test: "def check(candidate):\n    assert candidate() == 1\n",
};

/** Tasks may read a folder's files, and nothing else. */
const policyOf = (folder: string): TaskPolicy => ({
  paths: new AllowedPaths([folder], join(folder, "runs")),
  allow_commands: false,
  keys: [],
  endpoints: null,
  sweeps: "",
  batches: "",
});

Deno.test("coding problems are an experiment that dyno run reads, with all settings of the task", async () => {
  using place = temporaryFolder();
  const problems = join(place.path, "ones.jsonl");
  writeFileSync(problems, JSON.stringify(PROBLEM) + "\n");
  const policy = policyOf(place.path);
  const settings = {
    model: "m",
    endpoint: "http://127.0.0.1:1/v1",
    mode: "iterative",
    samples: 3,
    budget_tokens: 1000,
    test_timeout_s: "20s",
    parameters: { temperature: 1 },
    headers: { "x-a": "b" },
    stream: false,
  };
  const task = taskRequestSchema.parse({ kind: "suite", suite: "ones.jsonl", ...settings });
  const { content, args } = await prepareTask(task, "task_0", policy);
  assertEquals(args("file.json"), ["run", "file.json"]);
  const { name: _name, ...read } = experimentOf(parseJson("file.json", JSON.stringify(content)));
  assertEquals(read, { suite: problems, ...settings, test_timeout_s: 20 } as typeof read);
  const wrong = taskRequestSchema.parse({ kind: "suite", suite: "ones.jsonl", tests: ["T/0"] });
  const refused = await assertRejects(() => prepareTask(wrong, "task_0", policy), TaskRefused);
  assertEquals(refused.path, ["tests"]);
  for (const unsafe of ["sandbox", "python"]) {
    assertEquals(taskRequestSchema.safeParse({ ...task, [unsafe]: "none" }).success, false, unsafe);
  }
});

Deno.test("a load's files are those of allowed folders; dyno's own tokenizer is none of them", async () => {
  using place = temporaryFolder();
  const policy = policyOf(place.path);
  writeFileSync(join(place.path, "tokenizer.json"), "{}");
  const tokenizerOf = async (tokenizer: string) => {
    const asked = { kind: "load", endpoint: "http://127.0.0.1:1/v1", concurrency: 1, requests: 1 };
    const task = taskRequestSchema.parse({ ...asked, tokenizer });
    const { content } = await prepareTask(task, "task_0", policy);
    return (content as { tokenizer: string }).tokenizer;
  };
  assertEquals(await tokenizerOf("tokenizer.json"), join(place.path, "tokenizer.json"));
  assertEquals(await tokenizerOf("o200k_base"), "o200k_base");
  const refused = await assertRejects(() => tokenizerOf("/etc/passwd"), TaskRefused, "not in");
  assertEquals(refused.path, ["tokenizer"]);
});

Deno.test("a suite's programs and its judges' keys are checked wherever in an evaluator they are", async () => {
  using place = temporaryFolder();
  const policy = policyOf(place.path);
  const command = { name: "command", command: ["true"] };
  const judge = { name: "judge", rubric: "r", judges: [{ provider: "openai", model: "m" }] };
  const refusals: [object, string][] = [
    [command, "evaluator command"],
    [{ name: "all", evaluators: [{ name: "any", evaluators: [command] }] }, "evaluator command"],
    [{ name: "./mine.ts" }, "a module"],
    [judge, "OPENAI_API_KEY is not a variable that tasks may use"],
    [{ name: "all", evaluators: [judge] }, "OPENAI_API_KEY"],
  ];
  const task = taskRequestSchema.parse({
    kind: "suite",
    suite: "s.json",
    endpoint: "http://127.0.0.1:1/v1",
  });
  const put = (evaluator: object) => {
    const tests = [{ id: "t", name: "t", category: "c", prompt: "q" }];
    writeFileSync(
      join(place.path, "s.json"),
      JSON.stringify({ test_suite_id: "s", evaluator, tests }),
    );
  };
  for (const [evaluator, message] of refusals) {
    put(evaluator);
    await assertRejects(() => prepareTask(task, "task_0", policy), TaskRefused, message);
  }
  put(command);
  await prepareTask(task, "task_0", { ...policy, allow_commands: true });
});
