/** dyno sample and dyno doctor as processes. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dyno, dynoEach, startDyno } from "../e2e/dyno.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";
import { until } from "../until.ts";

Deno.test("a duration into a CSV file: a row a sample, a column a field", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "new", "host.csv");
  const { code, stdout, stderr } = await dyno([
    "sample",
    "--rate",
    "50",
    "--duration",
    "0.5",
    "--out",
    out,
    "--json",
  ]);
  assertEquals(code, 0, stderr);
  const [head, ...rows] = readFileSync(out, "utf8").trim().split("\n");
  const { information, performance } = JSON.parse(stdout);
  assert(head.startsWith("t_s,cpu.busy_s,"));
  // a counter in hundredths of a second, or a clock in nanoseconds, has no more digits than that
  assert(!/\d\.\d{10}/.test(rows.join()), rows[0]);
  assert(!/process\.\d/.test(head), head);
  assertEquals(rows.length, information.records);
  assert(rows.every((row) => row.split(",").length === head.split(",").length));
  assert(performance.memory_used_gb > 0 && information.achieved_hz > 5);
  assertEquals(readdirSync(join(folder.path, "new")), ["host.csv"]);
});

Deno.test("beside a command: its exit code, its CPU time, records and their description", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "host.bin");
  const busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
  const times = join(folder.path, "times");
  // a shell's own `times` says what it and the children that it waited for have used
  const command = `for n in 1 2 3; do sh -c '${busy}'; done; times > '${times}'; exit 7`;
  const { code, stdout, stderr } = await dyno([
    "sample",
    "--out",
    out,
    "--json",
    "--metrics",
    "cpu",
    "--",
    "sh",
    "-c",
    command,
  ]);
  assertEquals(code, 7, stderr);
  assertStringIncludes(stderr, `\nsamples  ${out}\n`);
  assertMatch(stderr, /; memory: not sampled\ncommand: [\d.]+ s of CPU/);
  const { process } = JSON.parse(stdout);
  const used_s = [...readFileSync(times, "utf8").matchAll(/(\d+)m([\d.]+)s/g)]
    .reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
  assert(used_s > 0.1 && Math.abs(process.cpu_s - used_s) <= 0.05, `${process.cpu_s}, ${used_s}`);
  const { record_bytes, fields } = jsonIn(join(folder.path, "host.json"));
  const names = fields.map(({ name }: { name: string }) => name);
  assert(names.includes("process.command.cpu_s") && names.includes("process.dyno.rss_bytes"));
  assertEquals(readFileSync(out).length % record_bytes, 0);
  assertStringIncludes(stderr, "changes a second");
  // GNU time 1.9 and bash end so, too
  const killed = await dyno(["sample", "--", "sh", "-c", "kill -KILL $$"]);
  assertEquals(killed.code, 137, killed.stderr);
});

Deno.test("Ctrl-C ends a sampling with its summary", async () => {
  const running = startDyno(["sample", "--rate", "50"]);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130);
  assertMatch(stderr, /\d+ samples at/);
});

Deno.test("what a killed sampling took is told of by the next one into the same file", async () => {
  using folder = temporaryFolder();
  const args = ["sample", "--out", join(folder.path, "host.csv"), "--duration"];
  const killed = startDyno([...args, "600"]);
  const left = await until(() =>
    readdirSync(folder.path).map((name) => join(folder.path, name))
      .find((path) => existsSync(join(path, "samples.bin")))
  );
  killed.kill("SIGKILL");
  await killed.finished;
  const { code, stderr } = await dyno([...args, "0.2"]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, `warning: ${left} holds the samples of a run that was killed`);
});

Deno.test("wrong input is one line", async () => {
  const wrong: [string[], string][] = [
    [["--out", "x.txt"], "neither .csv nor .bin"],
    [["--out", "deno.json/x.csv"], "deno.json: cannot write"],
    [["--rate", "0"], "--rate"],
    [["--metrics", "cpus"], "cpus"],
    [["--"], "expected a command"],
    [["--", "/no/such/program"], "/no/such/program"],
    [["python3"], "after --"],
    [["--pid", "1", "--", "true"], "--pid: a command is followed already"],
  ];
  const ended = await dynoEach(wrong.map(([args]) => ["sample", ...args]), { cwd: "." });
  for (const [i, { code, stderr }] of ended.entries()) {
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, wrong[i][1]);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
  assert(!existsSync("x.txt"));
});

Deno.test("doctor names what works, and of the rest how to get it", async () => {
  const { code, stdout } = await dyno(["doctor", "--json"]);
  const { findings } = JSON.parse(stdout) as {
    findings: { name: string; works: boolean; detail: string }[];
  };
  assertEquals(code, 0);
  for (
    const name of ["dyno", "clock", "compiler", "libdyno", "sandbox", "simulator", "calibration"]
  ) {
    assert(findings.some((each) => each.name === name));
  }
  assert(findings.every((each) => each.detail.length > 0));
});
