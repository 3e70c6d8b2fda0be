/** dyno run --watch on real files: one that changes is a new run, by what the file says then. */
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dyno, startDyno } from "../../e2e/dyno.ts";
import { jsonIn, temporaryFolder } from "../../suite/fixture.ts";
import { until } from "../../until.ts";

Deno.test("run --watch runs again when the suite, its rows or its evaluator's module change", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: "ok" },
  });
  const put = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
  const suite = (id: string) =>
    JSON.stringify({
      test_suite_id: id,
      rows: { file: "rows.jsonl" },
      test: {
        id: "{{ row.id }}",
        prompt: "Say {{ row.id }}.",
        evaluator: { name: "./own.mjs" },
      },
    });
  const rows = (...ids: string[]) => ids.map((id) => JSON.stringify({ id })).join("\n");
  put("suite.json", suite("first"));
  put("rows.jsonl", rows("a"));
  put("own.mjs", "export default () => true;\n");
  const asked = ["--endpoint", `${mock.url}/v1`, "--model", "m", "--sample-rate", "0"];
  const running = startDyno(["run", "suite.json", ...asked, "--watch"], { cwd: folder.path });
  const times = () => running.said().match(/watching 3 files/g)?.length ?? 0;
  const known = new Set<string>();
  /** The results of the run that is new. */
  const next = async (run: number) => {
    await until(() => times() === run, () => running.said());
    const root = join(folder.path, "runs");
    const added = readdirSync(root).filter((name) =>
      existsSync(join(root, name, "results.json")) && !known.has(name)
    );
    assertEquals(added.length, 1, running.said());
    known.add(added[0]);
    const { aggregate } = jsonIn(join(root, added[0], "results.json"));
    const { benchmark } = jsonIn(join(root, added[0], "run_metadata.json"));
    return [benchmark, aggregate.successful, aggregate.passed];
  };
  try {
    assertEquals(await next(1), ["first", 1, 1]);
    put("own.mjs", "export default () => false;\n"); // a module that is loaded anew
    assertEquals(await next(2), ["first", 1, 0]);
    put("other.txt", "nobody names it");
    put("new.jsonl", rows("a", "b"));
    renameSync(join(folder.path, "new.jsonl"), join(folder.path, "rows.jsonl")); // as editors do
    assertEquals(await next(3), ["first", 2, 0]);
    put("suite.json", "{ not yet JSON");
    await until(() =>
      /suite\.json:1/.test(running.said()) && running.said().includes("watching 1 file;")
    );
    put("suite.json", suite("second"));
    assertEquals(await next(4), ["second", 2, 0]);
  } finally {
    running.kill("SIGINT");
  }
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  assertEquals(mock.requests.filter(({ path }) => path.includes("completions")).length, 6);
});

Deno.test("run --watch is for new runs, for people, and for files that are there", async () => {
  using folder = temporaryFolder();
  for (
    const other of [["--json"], ["--resume", "latest"], [
      "--run-id",
      "bench_0123abcd_20260131_120000",
    ]]
  ) {
    const { code, stderr } = await dyno(["run", "suite.json", "--watch", ...other], {
      cwd: folder.path,
    });
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, `--watch: not with ${other[0]}`);
  }
  const { code, stderr } = await dyno(["run", "suite.json", "--watch"], { cwd: folder.path });
  assertEquals(code, 2);
  assert(stderr.includes("suite.json: no such file"), stderr);
});
