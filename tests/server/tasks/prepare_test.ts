/** What a task is carried out by: a file that the command reads. */
import { assertEquals, assertRejects } from "@std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { experimentOf } from "../../../lib/settings/experiment.ts";
import { parseJson } from "../../../lib/settings/json_file.ts";
import { AllowedPaths } from "../../../lib/server/tasks/allowed_paths.ts";
import { prepareTask, TaskRefused } from "../../../lib/server/tasks/prepare.ts";
import { taskRequestSchema } from "../../../lib/server/tasks/request.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

const PROBLEM = {
  task_id: "T/0",
  prompt: "def one():\n",
  entry_point: "one",
  test: "def check(candidate):\n    assert candidate() == 1\n",
};

Deno.test("coding problems are an experiment that dyno run reads, with all settings of the task", async () => {
  using place = temporaryFolder();
  const problems = join(place.path, "ones.jsonl");
  writeFileSync(problems, JSON.stringify(PROBLEM) + "\n");
  const policy = {
    paths: new AllowedPaths([place.path], join(place.path, "runs")),
    allow_commands: false,
    keys: [],
    endpoints: null,
    sweeps: "",
    batches: "",
  };
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
