/** What the tests of coding runs share: problems, a mock model that solves them late, and a run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { loadProblems } from "../../lib/coding/problems/load_problems.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { PriceTable } from "../../lib/run/prices.ts";
import { runCoding } from "../../lib/coding/run_coding.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import type { Problem } from "../../lib/coding/problems/problem.ts";
import type { CodingRunOptions } from "../../lib/coding/run_coding.ts";
import type { CodingSettings } from "../../lib/coding/problems_suite.ts";

export const FILE = fileURLToPath(
  new URL("../../experiments/suites/python_basics.jsonl", import.meta.url),
);
const sandboxed = await (async () => {
  try {
    await using _ = await Sandbox.open();
    return true;
  } catch {
    return false;
  }
})();
export const problems = (await loadProblems(FILE)).slice(0, 4);
const solution = ({ prompt, canonical_solution }: Problem) =>
  `\`\`\`python\n${prompt}${canonical_solution}\n\`\`\``;
export const wrong = ({ entry_point }: Problem, n: number) =>
  `\`\`\`python\ndef ${entry_point}(*a, **k):\n    return ("wrong", ${n})\n\`\`\``;

/**
 * A model that solves problem i at its (i + 1)-th attempt, the last one never: it reads how often it
 * was told to have failed.
 */
function model() {
  const answers = problems.flatMap((problem, i) => {
    const name = problem.entry_point;
    const tries = [0, 1, 2, 3, 4, 5].map((failed) => ({
      pattern: failed === 0
        ? `Complete this Python function[^]*def ${name}\\(`
        : `Attempts so far: ([0-9]+: [a-z_]+(, [0-9]+ of [0-9]+ checks)?(; )?){${failed}}\\.[^]*`,
      response: i < 3 && failed >= i ? solution(problem) : wrong(problem, failed),
      delay_s: 0.01,
    }));
    return [{ problem, tries }];
  });
  return answers;
}

/** The mock sees the last message only, so its answer to a failure must name the problem: by its port. */
export async function start(problem: Problem, i: number) {
  const { tries } = model()[i];
  const script = { answers: [...tries].reverse() };
  return { problem, mock: await MockEndpoint.start({ model: "m", script }) };
}

export function folder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "dyno-coding-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const settings: CodingSettings = {
  modes: ["iterative"],
  max_iterations: 4,
  samples: 1,
  parameters: { max_tokens: 500 },
  test_timeout_s: 10,
  memory_bytes: 512 << 20,
  checkpoint: null,
  stop_on_plateau: null,
};
const prices = new PriceTable("test", [{
  model: "m",
  input: 1,
  output: 2,
  date: "2026-01-01",
  source: "https://example.org",
}]);

export async function run(
  mock: MockEndpoint,
  some: readonly Problem[],
  out: string,
  change: Partial<CodingSettings> = {},
  more: Partial<CodingRunOptions> = {},
) {
  await using transport = await openTransport();
  await using own = more.sandbox ? null : await Sandbox.open();
  const api = await configureApi({ endpoint: mock.url, model: "m" }, transport, () => {});
  return await runCoding({
    name: "basics",
    path: FILE,
    problems: some,
    range: "0-4",
    settings: { ...settings, ...change },
    sandbox: own!,
    api,
    reviewer: null,
    transport,
    prices,
    budget: { usd: null, tokens: null },
    out,
    workers: 2,
    sample_rate_hz: 0,
    ...more,
  });
}

export const asked = (mock: MockEndpoint) =>
  mock.requests.filter(({ method, path }) => method === "POST" && path.endsWith("completions"))
    .length;

export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !sandboxed, fn });
}
