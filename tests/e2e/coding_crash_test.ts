/** Coding runs that are killed or interrupted: no attempt is lost, none is made twice. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { loadProblems } from "../../lib/coding/problems/load_problems.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { FILE, test } from "../coding/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { dyno, startDyno } from "./dyno.ts";

const PROBLEMS = 4;
const KILLS = Deno.env.get("DYNO_TEST_LONG") ? 6 : 3;
const problems = (await loadProblems(FILE)).slice(0, PROBLEMS);

/** Problem i is solved at its (i + 1)-th attempt. The question after a failure names its problem. */
function startModel(): Promise<MockEndpoint> {
  const answers = problems.flatMap(({ entry_point, prompt, canonical_solution }, i) => {
    const wrong = (n: number) =>
      `\`\`\`python\ndef ${entry_point}(*a, **k):\n    return ("wrong", ${n})\n\`\`\``;
    const solution = `\`\`\`python\n${prompt}${canonical_solution}\n\`\`\``;
    return [0, 1, 2, 3].map((failed) => ({
      pattern: failed === 0
        ? `Complete this Python function[^]*def ${entry_point}\\(`
        : `${entry_point}\\([^]*Attempts so far: ([0-9]+: [a-z_]+(, [0-9]+ of [0-9]+ checks)?(; )?){${failed}}\\.[^]*`,
      response: failed >= i ? solution : wrong(failed),
      delay_s: 0.05,
    })).reverse();
  });
  return MockEndpoint.start({ model: "m", script: { answers } });
}

const posts = (mock: MockEndpoint) =>
  mock.requests.filter(({ method }) => method === "POST").length;

interface Attempt {
  problem_id: string;
  iteration: number;
}

function attemptsIn(out: string): Attempt[] {
  const [run] = runsIn(out);
  const path = join(out, run ?? "none", "events.jsonl");
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").flatMap((line) => {
    try {
      const { event, attempt } = JSON.parse(line);
      return event === "attempt_finished" ? [attempt] : [];
    } catch {
      return []; // a torn last line
    }
  });
}

const runsIn = (out: string) =>
  existsSync(out) ? readdirSync(out).filter((name) => name.startsWith("bench_")) : [];

const named = (attempts: Attempt[]) =>
  attempts.map(({ problem_id, iteration }) => `${problem_id} ${iteration}`);

function command(mock: MockEndpoint, folder: string, out: string): string[] {
  const path = join(folder, "four.jsonl");
  const lines = readFileSync(FILE, "utf8").split("\n").slice(0, PROBLEMS);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return [
    ...["run", path, "--endpoint", mock.url, "--model", "m", "--mode", "iterative"],
    ...["--max-iterations", "5", "--workers", "2", "--sample-rate", "0", "--out", out, "--json"],
  ];
}

/** What a whole run comes to, however often it was cut off. */
function checkWhole(stdout: string, out: string): void {
  const { summary } = JSON.parse(stdout);
  assertEquals(
    summary.results.map((
      { success, iterations }: Record<string, unknown>,
    ) => [success, iterations]),
    problems.map((_, i) => [true, i + 1]),
  );
  const made = named(attemptsIn(out));
  const expected = problems.flatMap(({ problem_id }, i) =>
    Array.from({ length: i + 1 }, (_, n) => `${problem_id} ${n + 1}`)
  );
  assertEquals(made.toSorted(), expected.toSorted(), "an attempt was lost or made twice");
}

test(`a coding run, killed up to ${KILLS} times at random moments, ends as if it had not been`, async () => {
  using folder = temporaryFolder();
  await using mock = await startModel();
  const out = join(folder.path, "runs");
  const args = command(mock, folder.path, out);
  let cutOff = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const resume = runsIn(out).length ? ["--resume", runsIn(out)[0]] : [];
    const before = attemptsIn(out).length;
    const asked = posts(mock);
    const running = startDyno([...args, ...resume]);
    let over = false;
    running.finished.then(() => over = true);
    // asked again, so it is on its way; then at any moment, but for the first with something to lose
    const early = () => posts(mock) === asked || (kill > 0 && attemptsIn(out).length === 0);
    while (!over && early()) await new Promise((resolve) => setTimeout(resolve, 2));
    const timer = setTimeout(() => running.kill("SIGKILL"), Math.random() * 300);
    const { signal } = await running.finished;
    clearTimeout(timer);
    if (signal !== null && attemptsIn(out).length > 0) cutOff++;
    const after = named(attemptsIn(out));
    assertEquals(new Set(after).size, after.length, "an attempt was journaled twice");
    assert(after.length >= before, "an attempt was lost");
    if (signal === null) break; // it was quicker
  }
  assert(cutOff > 0, "no kill fell into the run");
  const before = attemptsIn(out);
  mock.clearRequests();
  const whole = await dyno([...args, "--resume", runsIn(out)[0]]);
  assertEquals(whole.code, 0, whole.stderr);
  checkWhole(whole.stdout, out);
  assertEquals(
    posts(mock),
    attemptsIn(out).length - before.length,
    "only what was missing is asked",
  );
  assertEquals(named(attemptsIn(out)).slice(0, before.length), named(before));
});

test("a coding run that is interrupted exits with 130 and goes on", async () => {
  using folder = temporaryFolder();
  await using mock = await startModel();
  const out = join(folder.path, "runs");
  const args = command(mock, folder.path, out);
  const running = startDyno(args);
  while (attemptsIn(out).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  const resume = /--resume (\S+)/.exec(stderr)![1];
  const before = attemptsIn(out).length;
  mock.clearRequests();
  const whole = await dyno([...args, "--resume", resume]);
  assertEquals(whole.code, 0, whole.stderr);
  checkWhole(whole.stdout, out);
  assertEquals(posts(mock), attemptsIn(out).length - before);
});
