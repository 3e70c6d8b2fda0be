/** What `dyno run --json` and `dyno load --json` print of runs that they make themselves. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { FILE } from "../coding/fixture.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { caseOf } from "./case.ts";
import { checkLoadResults, checkSuiteResults } from "./told_files.ts";
import { checkSummary } from "./told_summary.ts";
import type { Findings } from "./case.ts";
import { loggedBy } from "./made.ts";
import type { Made } from "./made.ts";
import type { Json } from "./reader.ts";

/** Commands on mocks with faults, one after the other in one process. */
export async function checkCommands(root: string, found: Findings): Promise<void> {
  const place = join(root, "commands");
  mkdirSync(place);
  const tests = Array.from({ length: 8 }, (_, i) => ({
    id: `t${i}`,
    name: `Test ${i}`,
    category: ["alpha", "beta"][i % 2],
    prompt: `Question number ${i}`,
    evaluator: { name: "contains", expected: i % 3 ? "Mock" : "never" },
  }));
  writeFileSync(join(place, "suite.json"), JSON.stringify({ test_suite_id: "s", tests }));
  const kinds: [Made["kind"], string[]][] = [
    ["suite", ["run", "suite.json", "--retry-attempts", "1", "--retry-delay", "0.001"]],
    ["suite", ["run", "suite.json", "--epochs", "2", "--retry-attempts", "0"]],
    ["zero-shot", ["run", FILE, "--limit", "3", "--samples", "2"]],
    ["iterative", ["run", FILE, "--limit", "3", "--mode", "iterative", "--max-iterations", "2"]],
    ["comparative", [
      "run",
      FILE,
      "--limit",
      "2",
      "--mode",
      "comparative",
      "--max-iterations",
      "2",
    ]],
    ["load", ["load", "--concurrency", "2", "--requests", "14", "--warmup", "2"]],
    ["load", ["load", "--rate", "300", "--requests", "12"]],
  ];
  const mocks = await Promise.all(kinds.map((_, seed) =>
    MockEndpoint.start({
      model: `model-${seed}`,
      seed,
      behaviour: { error_mode: "server_error", fault_rate: 0.25 },
    })
  ));
  try {
    const ended = await dynoEach(
      kinds.map(([, args], i) => [
        ...args,
        ...["--endpoint", `${mocks[i].url}/v1`, "--model", `model-${i}`, "--sample-rate", "0"],
        "--json",
      ]),
      { cwd: place },
    );
    ended.forEach(({ stdout, stderr }, seed) => {
      const [kind, args] = kinds[seed];
      let told: Json;
      try {
        told = JSON.parse(stdout);
      } catch {
        found.wrong.push(`${args.join(" ")}: ${stderr.slice(-300)}`);
        return;
      }
      const [results] = told.runs ?? [told];
      const run_id: string = results.run_id ?? told.summary.run_id;
      const one = caseOf({
        ...{ seed, kind, folder: join(place, "runs", run_id), run_id },
        log: loggedBy(mocks[seed]),
        prices: { [`model-${seed}`]: null, sage: null },
        lines: [],
        told_s: [],
        story: `--json of ${args.slice(0, 4).join(" ")}`,
        cut: null,
        places: 0,
        budget: null,
      }, found);
      if (kind === "load") {
        found.sums(one, "ledger", results.ledger.total);
        checkLoadResults(one, results, found);
      } else if (kind === "suite") checkSuiteResults(one, results, found);
      else checkSummary(one, told.summary, found);
    });
  } finally {
    await Promise.all(mocks.map((mock) => mock[Symbol.asyncDispose]()));
  }
}
