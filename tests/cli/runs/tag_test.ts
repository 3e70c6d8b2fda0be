/** Tags: given with a run, changed afterwards, and what queries choose by. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { command as loadCommand } from "../../../lib/cli/load/load.ts";
import { command as runCommand } from "../../../lib/cli/run/run.ts";
import { InputError } from "../../../lib/errors.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { printed, runId, runs, temporary, writeRun } from "../../run/runs_fixture.ts";
import { promptTests } from "../../suite/fixture.ts";

const ids = async (root: string, ...filter: string[]) =>
  JSON.parse((await runs(root, "list", "--json", ...filter)).out)
    .map(({ run_id }: { run_id: string }) => run_id);

Deno.test("runs are made with tags, and found by them in every query", async () => {
  using folder = temporary();
  await using mock = await MockEndpoint.start();
  const root = join(folder.path, "runs"), suite = join(folder.path, "suite.json");
  const evaluator = { name: "contains", expected: "answer" };
  const tests = promptTests(2).map((test) => ({ ...test, evaluator }));
  writeFileSync(suite, JSON.stringify({ test_suite_id: "s", tests }));
  const common = ["--endpoint", `${mock.url}/v1/chat/completions`, "--model", "mock"];
  common.push("--sample-rate", "0", "--out", root, "--json");
  const run = await printed(runCommand, [suite, ...common, "--tag", "nightly,gpu:h200"]);
  const load = await printed(loadCommand, [
    ...["--concurrency", "2", "--requests", "4", "--output-tokens", "4", "--tag", "nightly"],
    ...["--transport", "portable", ...common],
  ]);
  assertEquals([run.code, load.code], [0, 0]);
  writeRun(root, 0, { marks: "1" });
  assertEquals((await ids(root, "--tag", "nightly")).length, 2);
  const [both] = await ids(root, "--tag", "nightly", "--tag", "gpu:h200");
  assertEquals(both, JSON.parse(run.out).runs[0].run_id);
  for (const query of ["cost", "failing", "difficulty", "export --format jsonl"]) {
    const [name, ...argv] = query.split(" ");
    const { code, out } = await runs(root, name, ...argv, "--tag", "gpu:h200");
    assertEquals([code, out.includes(runId(0))], [0, false], query);
  }
  const again = [suite, ...common, "--resume", both, "--tag", "x"];
  await assertRejects(() => printed(runCommand, again), InputError, "dyno runs tag");
  for (const tag of ["two words", "=1", "x".repeat(65), "\u001b[31m"]) {
    const argv = [suite, ...common, "--tag", tag];
    await assertRejects(() => printed(runCommand, argv), InputError, "--tag: ");
  }
});

Deno.test("tags are added and taken away, also of many runs, and the index knows at once", async () => {
  using folder = temporary();
  const root = folder.path;
  for (let n = 0; n < 4; n++) writeRun(root, n, { marks: "1", tags: n % 2 ? ["odd"] : [] });
  assertEquals(await ids(root, "--tag", "odd"), [runId(3), runId(1)]);
  const edited = await runs(root, "tag", runId(1), "+base", "-odd", "+base", "--json");
  assertEquals(JSON.parse(edited.out), [{ run_id: runId(1), tags: ["base"] }]);
  assertEquals(await ids(root, "--tag", "odd"), [runId(3)]);
  assertEquals(await ids(root, "--tag", "base"), [runId(1)]);
  const metadata = join(root, runId(1), "run_metadata.json");
  const before = readFileSync(metadata, "utf8");
  await runs(root, "tag", runId(1), "+base", "-never");
  assertEquals(readFileSync(metadata, "utf8"), before);
  await runs(root, "tag", "--model", "gpt", "+all");
  assertEquals((await ids(root, "--tag", "all")).length, 4);
  assertEquals((await runs(root, "tag", "latest")).out, `${runId(3)}  odd all`);
  // an index made anew says the same
  const listed = await ids(root, "--tag", "all", "--tag", "odd");
  for (const end of ["", "-wal", "-shm"]) rmSync(join(root, `index.sqlite${end}`), { force: true });
  assertEquals(await ids(root, "--tag", "all", "--tag", "odd"), listed);
});

Deno.test("tags that cannot be: said with what to do, and nothing is changed", async () => {
  using folder = temporary();
  const root = folder.path;
  const path = writeRun(root, 0, { marks: "1", tags: ["a"] });
  for (
    const [argv, message] of [
      [["+x"], "takes runs or a filter"],
      [[runId(0), "+a b"], "is not a tag"],
      [[runId(0), "+a", "-a"], "only one of them"],
      [[runId(7), "+a"], "no run"],
    ] as const
  ) {
    await assertRejects(() => runs(root, "tag", ...argv), InputError, message);
  }
  assertEquals(await ids(root, "--tag", "a"), [runId(0)]);
  writeFileSync(join(path, "run_metadata.json"), "{");
  await assertRejects(() => runs(root, "tag", runId(0), "+b"), InputError, "cannot be tagged");
  rmSync(join(path, "run_metadata.json"));
  await assertRejects(() => runs(root, "tag", runId(0), "+b"), InputError, "cannot be tagged");
  assertEquals(existsSync(join(path, "run_metadata.json")), false);
});
