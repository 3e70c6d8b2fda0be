/** Hosts that give little: few processes, 256 MB. Fewer work at a time, or it is said; nothing is lost. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { loadProblems } from "../../lib/coding/problems/load_problems.ts";
import { groupPressure } from "../../lib/hardware/memory.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { dyno } from "../e2e/dyno.ts";
import { jsonIn, promptTests, temporaryFolder } from "../suite/fixture.ts";
import { FILE as PROBLEMS } from "../coding/fixture.ts";
import { shellSweep } from "../sweep/fixture.ts";
import { Limited, mayLimit } from "./limited.ts";
import { eventsOf, runsIn } from "./victims.ts";
import type { Finished } from "../e2e/dyno.ts";

const LONG = Boolean(process.env.DYNO_TEST_LONG);
const MEMORY_BYTES = 256 << 20;
const few = LONG ? [10, 12, 14, 16, 20, 24, 32] : [24];

/** Deno itself says it where its own threads lack, at its start or later. */
function assertPlain({ code, stderr }: Finished): void {
  if (/unable to create worker threads/.test(stderr)) return;
  assertEquals(code, 2, stderr);
  assertMatch(stderr, /^error: .*no further process or thread may be started; raise the limit/m);
  assert(!/bug in dyno|panicked|\n\s+at /.test(stderr), stderr);
}

const sandboxed = await Sandbox.open().then(
  async (sandbox) => (await sandbox[Symbol.asyncDispose](), true),
  () => false,
);

for (const most of few) {
  Deno.test({
    name: `${most} processes and threads: no right program is judged wrong`,
    ignore: !mayLimit("pids") || !sandboxed,
    fn: async () => {
      using place = temporaryFolder();
      const answers = (await loadProblems(PROBLEMS)).slice(0, 6)
        .map(({ entry_point, prompt, canonical_solution }) => ({
          pattern: `def ${entry_point}\\(`,
          response: `\`\`\`python\n${prompt}${canonical_solution}\n\`\`\``,
        }));
      await using mock = await MockEndpoint.start({ model: "m", script: { answers } });
      await using limited = new Limited("pids", "pids.max", most);
      const on = ["--endpoint", mock.url, "--model", "m", "--range", "0-6", "--workers", "4"];
      const first = await limited.dyno(["run", PROBLEMS, ...on], place.path);
      const runs = join(place.path, "runs");
      const [name] = runsIn(runs);
      const verdicts = () =>
        eventsOf(join(runs, name, "events.jsonl"))
          .flatMap(({ event, attempt }) =>
            event === "attempt_finished" ? [(attempt as { outcome: string }).outcome] : []
          );
      if (first.code !== 0) {
        assertPlain(first);
        if (name === undefined) return;
        assertEquals(verdicts().filter((verdict) => verdict !== "passed"), []);
        const again = await dyno(["run", PROBLEMS, ...on, "--resume", name], { cwd: place.path });
        assertEquals(again.code, 0, again.stderr);
      }
      assertEquals(verdicts(), new Array(6).fill("passed"));
      assertEquals(jsonIn(join(runs, name, "results.json")).complete, true);
    },
  });

  Deno.test({
    name: `${most} processes and threads: a sweep of 12 programs at a time runs fewer`,
    ignore: !mayLimit("pids"),
    fn: async () => {
      using place = temporaryFolder();
      const file = join(place.path, "sweep.json");
      const sweep = shellSweep("exec sleep 0.3", 16, { jobs: 12, out_root: place.path });
      writeFileSync(file, JSON.stringify(sweep));
      const args = ["sweep", "--config", file, "--resume"];
      await using limited = new Limited("pids", "pids.max", most);
      const first = await limited.dyno(args, place.path);
      if (first.code !== 0) {
        assertPlain(first);
        const again = await dyno(args, { cwd: place.path });
        assertEquals(again.code, 0, again.stderr);
      }
      const tree = join(place.path, "shell", "runs");
      const codes = readdirSync(tree).map((run) => jsonIn(join(tree, run, "meta.json")).exit_code);
      assertEquals(codes, new Array(16).fill(0));
    },
  });

  Deno.test({
    name: `${most} processes and threads: a run and a load`,
    ignore: !mayLimit("pids"),
    fn: async () => {
      using place = temporaryFolder();
      const file = join(place.path, "suite.json");
      writeFileSync(file, JSON.stringify({ test_suite_id: "few", tests: promptTests(6) }));
      await using mock = await MockEndpoint.start();
      await using limited = new Limited("pids", "pids.max", most);
      const on = ["--endpoint", mock.url, "--model", "m"];
      for (
        const args of [
          ["run", file, ...on],
          ["load", ...on, "--concurrency", "8", "--requests", "40", "--warmup", "0"],
        ]
      ) {
        const end = await limited.dyno(args, place.path);
        if (end.code !== 0) assertPlain(end);
      }
    },
  });
}

Deno.test({
  name: "256 MB: a suite, a load of 100 streams, a coding suite and a sweep",
  ignore: !mayLimit("memory"),
  fn: async () => {
    using place = temporaryFolder();
    const at = (name: string) => join(place.path, name);
    writeFileSync(at("suite.json"), JSON.stringify({ test_suite_id: "m", tests: promptTests(60) }));
    const sweep = shellSweep("echo {seed} > {out_dir}/said", 8, { out_root: place.path });
    writeFileSync(at("sweep.json"), JSON.stringify(sweep));
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
    await using limited = new Limited("memory", "memory.limit_in_bytes", MEMORY_BYTES);
    const on = ["--endpoint", mock.url, "--model", "m"];
    const load = ["--concurrency", "100", "--requests", "600", "--output-tokens", "32"];
    const coding = ["run", PROBLEMS, "--range", "0-4", ...on];
    for (
      const args of [
        ["run", at("suite.json"), "--workers", "auto", ...on],
        ["load", ...load, ...on],
        ["sweep", "--config", at("sweep.json")],
        ...(sandboxed ? [coding] : []),
      ]
    ) {
      const { code, signal, stderr } = await limited.dyno(args, place.path);
      assert((code === 0 || code === 1) && signal === null, `${args[0]}: ${code} ${stderr}`);
      assert(!/memory pressure/.test(stderr), `the cache counts as used: ${stderr}`);
    }
    assertMatch(limited.read("memory.oom_control"), /oom_kill 0/);
  },
});

Deno.test({
  name: "a run that is killed for its memory goes on where it was",
  ignore: !mayLimit("memory"),
  fn: async () => {
    using place = temporaryFolder();
    const file = join(place.path, "suite.json");
    writeFileSync(file, JSON.stringify({ test_suite_id: "m", tests: promptTests(40) }));
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
    await using limited = new Limited("memory", "memory.limit_in_bytes", MEMORY_BYTES);
    const args = ["run", file, "--endpoint", mock.url, "--model", "m", "--workers", "2"];
    const running = limited.dyno(args, place.path);
    const runs = join(place.path, "runs");
    const finished = () =>
      runsIn(runs).flatMap((run) => eventsOf(join(runs, run, "events.jsonl")))
        .filter(({ event }) => event === "package_finished").length;
    while (finished() < 5) await new Promise((resolve) => setTimeout(resolve, 20));
    // from here on there is little more to have, and long answers to keep
    const now_bytes = Number(limited.read("memory.usage_in_bytes"));
    limited.set("memory.limit_in_bytes", now_bytes + (2 << 20));
    mock.configure({ default_response: "x".repeat(8 << 20) });
    const end = await running;
    assertEquals(end.signal ?? end.code, "SIGKILL", end.stderr);
    const before = finished();
    assert(before >= 5 && before < 40, `${before}`);
    const [name] = runsIn(runs);
    assert(!existsSync(join(runs, name, "results.json")));
    mock.configure({});
    const again = await dyno([...args, "--resume", name], { cwd: place.path });
    assertEquals(again.code, 0, again.stderr);
    assertEquals(finished(), 40);
    assertEquals(jsonIn(join(runs, name, "results.json")).aggregate.successful, 40);
  },
});

Deno.test({
  name: "the limit of our own group is found",
  ignore: !mayLimit("memory"),
  fn: async () => {
    await using limited = new Limited("memory", "memory.limit_in_bytes", MEMORY_BYTES);
    const program = `import { groupPressure } from "${new URL(
      "../../lib/hardware/memory.ts",
      import.meta.url,
    )}"; console.log(groupPressure("/"));`;
    const said = Number((await limited.deno(["eval", program])).stdout);
    assert(said > 0.02 && said < 0.9, `${said}`);
    assert((groupPressure("/") ?? 0) < said);
  },
});
