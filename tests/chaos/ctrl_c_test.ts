/** Ctrl-C in a terminal, however dyno was started: the whole group is signalled, some of it twice. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { DENO_DIR, DYNO } from "../e2e/dyno.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";
import { Orphans, transientIn } from "./orphans.ts";
import { mockForVictims, writers } from "./victims.ts";
import { until } from "../until.ts";

const long = process.env.DYNO_TEST_LONG !== undefined;
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../dist/npm/esm/main.js", import.meta.url));
const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;

/** The words in front of a command's own. Each wrapper may hand on a signal that dyno had already. */
const STARTERS: Record<string, string[]> = {
  "deno run": DYNO,
  "deno task": [process.execPath, "task", "-q", "--config", CONFIG, "dyno"],
  ...(has("npx")
    ? { npx: ["npx", "-y", "deno@2.9.6", "task", "-q", "--config", CONFIG, "dyno"] }
    : {}),
  ...(existsSync(PACKAGE) ? { node: ["node", PACKAGE] } : {}),
};

/** A command in a terminal of its own. */
function inTerminal(words: string[], cwd: string, env: Record<string, string> = {}) {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = spawn("script", ["-qefc", quoted, "/dev/null"], {
    cwd,
    env: { ...process.env, DENO_DIR, TERM: "xterm-256color", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (bytes) => said += bytes);
  // what does not end within a minute and a half has failed, and must not hold up the others
  const late = setTimeout(() => child.kill("SIGKILL"), 90_000);
  const over = new Promise<number | null>((resolve) => child.on("close", resolve));
  over.then(() => clearTimeout(late));
  return {
    pid: child.pid!,
    said: () => said,
    /** What the key does: the terminal signals every process in its foreground. */
    ctrlC: () => void child.stdin.write("\x03"),
    over: over.then((code) => (child.stdin.destroy(), code)),
  };
}

async function stopped(
  words: string[],
  place: string,
  begun: (said: string) => boolean,
  env?: Record<string, string>,
): Promise<string> {
  using orphans = new Orphans();
  const running = inTerminal(words, place, env);
  orphans.expect(running.pid);
  let over = false;
  running.over.then(() => over = true);
  await until(() => over || begun(running.said()));
  running.ctrlC();
  // npx and the task pass on that it was interrupted in ways of their own; none says it went well
  const code = await running.over;
  await orphans.gone();
  assert(code === 130 || code === 1, `${code}: ${running.said()}`);
  assertEquals(running.said().match(/stopping: saving/g)?.length, 1, running.said());
  assertEquals(transientIn(place), []);
  return running.said();
}

const victims = writers.filter(({ name }) => name !== "serve");
const starters = Object.entries(STARTERS);

for (const [i, victim] of victims.entries()) {
  const chosen = long ? starters : [starters[(i + 1) % starters.length]];
  for (const [name, words] of chosen) {
    Deno.test({
      name: `${victim.name}: Ctrl-C in a terminal saves, started by ${name}`,
      ignore: !has("script"),
      fn: async () => {
        await using mock = await mockForVictims();
        mock.configure({ delay_s: 0.3 });
        using place = temporaryFolder();
        const scene = victim.stage(place.path, mock);
        await stopped(
          [...words, ...scene.args()],
          place.path,
          () => scene.finished().length > 0,
          scene.env,
        );
        assert(scene.finished().length > 0);
        const runs = join(place.path, "runs");
        if (victim.name !== "load" && victim.name !== "run") return;
        for (const run of readdirSync(runs)) {
          assert(existsSync(join(runs, run, "results.json")), `${run} has no results`);
        }
      },
    });
  }
}

Deno.test({
  name: "load --find-capacity: Ctrl-C in a terminal prints and keeps what it has",
  ignore: !has("script"),
  fn: async () => {
    await using mock = await mockForVictims();
    using place = temporaryFolder();
    const search = ["load", "--endpoint", mock.url, "--model", "mock", "--slo", "e2e:60000"];
    const level = ["--find-capacity", "concurrency", "--duration", "1", "--sample-rate", "0"];
    const said = await stopped(
      [...DYNO, ...search, ...level],
      place.path,
      (said) => said.includes("concurrency 2: good"),
    );
    assert(/capacity: at least [24] in flight/.test(said), said);
    const [, id] = /search {2}(search_\w+)/.exec(said) ?? [];
    const kept = jsonIn(join(place.path, "runs", "curves", `${id}.json`));
    assertEquals([kept.complete, kept.searched], [false, "concurrency"]);
    assert(kept.probes.length >= 2 && kept.runs.includes(kept.best_run), JSON.stringify(kept));
    for (const run of kept.runs) {
      const { tags, benchmark } = jsonIn(join(run, "run_metadata.json"));
      assertEquals(tags, [id]);
      assert(/^load concurrency \d+$/.test(benchmark), benchmark);
      assert(existsSync(join(run, "results.json")));
    }
  },
});

Deno.test({
  name: "a second Ctrl-C, a second later, ends at once",
  ignore: !has("script"),
  fn: async () => {
    using place = temporaryFolder();
    const sleeper = [...DYNO, "sample", "--", "sh", "-c", "trap '' INT TERM; echo up; sleep 20"];
    const running = inTerminal(sleeper, place.path);
    await until(() => running.said().includes("up"));
    running.ctrlC();
    await until(() => running.said().includes("stopping: saving"));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    running.ctrlC();
    assertEquals(await running.over, 130);
  },
});
