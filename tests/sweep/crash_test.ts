/** A sweep that is killed or interrupted in the middle, and goes on. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { processesWith, shellSweep, Workplace } from "./fixture.ts";
import { until } from "../until.ts";

const RUNS = 40;
const TREE = "bench_runs/shell/runs";

/** Each run appends its number when it begins and when it is over, and leaves a process behind. */
function markedSweep(place: Workplace, mark: string) {
  const log = join(place.path, "log");
  const script =
    `echo begin {seed} >> ${log}; sleep ${mark} & sleep 0.1; echo end {seed} >> ${log}`;
  place.write("log", "");
  return place.write("s.json", shellSweep(script, RUNS));
}

function logged(place: Workplace, word: string): number[] {
  return place.read("log").split("\n").filter((line) => line.startsWith(word))
    .map((line) => Number(line.split(" ")[1]));
}

/** Seeds of the runs that are finished on disk. */
function finished(place: Workplace): number[] {
  return place.list(TREE).flatMap((name) => {
    const path = join(place.path, TREE, name, "meta.json");
    return existsSync(path) ? [JSON.parse(readFileSync(path, "utf8")).params.seed] : [];
  });
}

for (const signal of ["SIGKILL", "SIGINT"] as const) {
  Deno.test(`${signal} in the middle: no orphan, no finished run repeated, none lost`, async () => {
    using place = new Workplace();
    const mark = `57.${Math.floor(Math.random() * 1e9)}`;
    const file = markedSweep(place, mark);
    for (const least of [4, 15]) {
      const before = existsSync(join(place.path, TREE)) ? finished(place) : [];
      place.write("log", "");
      const running = place.start("sweep", "--config", file, "--resume");
      await until(() => logged(place, "end").length >= least - before.length, "some runs");
      running.kill(signal);
      const { code, stderr } = await running.finished;
      if (signal === "SIGINT") {
        assertEquals(code, 130, stderr);
        assertMatch(stderr, /continue with: dyno sweep --config s\.json --resume/);
      }
      await until(() => processesWith(mark).length === 0, "the end of all its processes");
      const done = finished(place);
      assert(done.length > before.length && done.length < RUNS, `${done.length} finished`);
      for (const seed of logged(place, "begin")) assert(!before.includes(seed), "repeated");
    }
    const before = finished(place);
    place.write("log", "");
    const { code, stderr } = await place.dyno("sweep", "--config", file, "--resume");
    assertEquals(code, 0, stderr);
    assertEquals(
      logged(place, "begin").sort((a, b) => a - b),
      Array.from({ length: RUNS }, (_, i) => i + 1).filter((seed) => !before.includes(seed)),
    );
    assertEquals([finished(place).length, processesWith(mark)], [RUNS, []]);
  });
}

Deno.test("a second Ctrl-C quits at once, and still leaves no process", async () => {
  using place = new Workplace();
  const mark = `58.${Math.floor(Math.random() * 1e9)}`;
  const script = `trap '' TERM; sleep ${mark}`;
  const file = place.write("s.json", shellSweep(script, 3));
  const running = place.start("sweep", "--config", file);
  await until(() => processesWith(mark).length >= 3, "its processes");
  running.kill("SIGINT");
  await until(() => running.said().includes("stopping"), "the first");
  await new Promise((resolve) => setTimeout(resolve, 1100)); // signals within a second of each other are one Ctrl-C
  const waits = !running.said().includes("not run"); // a busy machine may have come to the end of it
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130);
  if (waits) assert(!stderr.includes("not run"), stderr); // it does not wait for the summary
  await until(() => processesWith(mark).length === 0, "the end of all its processes");
});

Deno.test("a launcher that is killed ends the sweep in one line, with its programs", async () => {
  using place = new Workplace();
  const mark = `59.${Math.floor(Math.random() * 1e9)}`;
  const sweep = shellSweep("", 20, { command: ["sleep", mark] });
  const running = place.start("sweep", "--config", place.write("s.json", sweep));
  await until(() => processesWith(mark).length >= 3, "its processes");
  const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "utf8");
  const launcher = children.split(" ").map(Number).find((pid) =>
    pid > 0 && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("/launch-")
  )!;
  Deno.kill(launcher, "SIGKILL");
  const { code, stderr } = await running.finished;
  assertEquals(code, 2);
  assertMatch(stderr, /^error: the launcher was ended from outside/m);
  await until(() => processesWith(mark).length === 0, "the end of all its processes");
  assertEquals(finished(place), []);
});
