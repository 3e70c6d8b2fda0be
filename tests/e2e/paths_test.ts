/** Where paths are seen from: in a file beside that file, on the command line where the user is. */
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";
import { DENO_DIR, dyno } from "./dyno.ts";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

Deno.test("under deno task paths are those of the folder where it was called", () => {
  using folder = temporaryFolder();
  const cwd = realpathSync(folder.path);
  delete process.env.INIT_CWD; // of the task that runs the tests
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["task", "-q", "--config", CONFIG, "dyno", ...args], {
      cwd,
      env: { ...process.env, DENO_DIR, NO_COLOR: "1" },
      encoding: "utf8",
    });
  const missing = run("run", "suite.json", "--endpoint", "http://127.0.0.1:1/v1");
  assertEquals(missing.status, 2, missing.stderr);
  assertStringIncludes(missing.stderr, `suite.json: no such file in ${cwd}`);
  writeFileSync(join(cwd, "suite.json"), "{");
  const found = run("run", "suite.json", "--endpoint", "http://127.0.0.1:1/v1");
  assertStringIncludes(found.stderr, "suite.json:1:2: malformed JSON");
});

Deno.test("a load's file, a sweep's file and a suite's programs see what is beside them", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "m" });
  const own = join(folder.path, "own");
  mkdirSync(own);
  const write = (name: string, value: unknown) =>
    writeFileSync(join(own, name), typeof value === "string" ? value : JSON.stringify(value));
  write("asked.jsonl", '{"prompt": "one beside the file"}\n{"prompt": "another one"}\n');
  const load = { endpoint: mock.url, concurrency: 1, requests: 2, sample_rate_hz: 0 };
  write("load.json", { kind: "load", name: "beside", ...load, prompts: "asked.jsonl" });
  const at = { cwd: folder.path };
  const loaded = await dyno(["load", "own/load.json"], at);
  assertEquals(loaded.code, 0, loaded.stderr);
  // a flag is the user's: seen from where the user is
  const flag = await dyno(["load", "own/load.json", "--prompts", "asked.jsonl"], at);
  assertStringIncludes(flag.stderr, `asked.jsonl: no such file in ${realpathSync(folder.path)}`);

  const sweep = { name: "swept", kind: "load", matrix: { concurrency: [1, 2] } };
  write("sweep.json", {
    ...sweep,
    common_args: { ...load, concurrency: undefined, prompts: "asked.jsonl" },
  });
  const swept = await dyno(["sweep", "--config", "own/sweep.json", "--json"], at);
  assertEquals(swept.code, 0, swept.stderr);

  const here = realpathSync(own);
  write(
    "judge.sh",
    `[ "$PWD" = "${here}" ] && echo '{"passed": true}' || echo '{"passed": false}'`,
  );
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const evaluator = { name: "command", command: ["sh", "judge.sh"] };
  const absent = { name: "command", command: ["./absent"] };
  write("suite.json", {
    test_suite_id: "s",
    tests: [{ ...test, evaluator }, { ...test, id: "u", evaluator: absent }],
  });
  const run = await dyno(["run", "own/suite.json", "--endpoint", `${mock.url}/v1`, "--json"], at);
  const { directory } = JSON.parse(run.stdout).runs[0];
  const { items } = jsonIn(join(folder.path, "runs", directory.split("/").at(-1), "results.json"));
  assertEquals(items[0].passed, true, run.stderr);
  assertStringIncludes(items[1].evaluation_error, `it is run in ${here}`);
});
