/** Every kind of report on a phone, a tablet and a laptop, light and dark: nothing is cut unsaid. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { browserPath } from "../browser.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";
import { withPage } from "./opened_page.ts";
import { faultsAtWidths, faultsOf } from "./page_faults.ts";

const MODELS = ["alpha", "a-vendor-of-long-names/its-model-with-a-path-70B-Instruct-2027-01-31"];

/** Names as long as people give them. */
const SUITE = {
  test_suite_id: "facts about rivers and lakes",
  tests: [
    { id: "a", name: "which river runs through Vienna and Budapest", category: "geography" },
    { id: "b", name: "two and two", category: "arithmetic" },
    { id: "c", name: "another", category: "history of the long nineteenth century" },
  ].map((test, i) => ({
    ...test,
    prompt: `question ${i}`,
    evaluator: { name: "contains", expected: i === 1 ? "4" : "Mock" },
  })),
};

const PROBLEM = {
  task_id: "HumanEval/0",
  prompt: 'def add_two_numbers_and_return_their_sum(a, b):\n    """ add """\n',
  entry_point: "add_two_numbers_and_return_their_sum",
  canonical_solution: "    return a+b\n",
  test: "def check(candidate):\n    assert candidate(1,2)==3\n",
};

const SCRIPT = `printf 'makespan,cost_usd,quality_score_mean\\n%s,0.%s,0.7%s\\n' ` +
  `$(($1*7+$2)) $2 $1 > "$3/summary.csv"`;
const SWEEP = {
  name: "policies",
  command: ["sh", "-c", SCRIPT, "sh", "{tasks}", "{seed}", "{out_dir}"],
  matrix: {
    tasks: [1, 2],
    policy: ["first_in_first_out", "shortest_expected_first"],
    seeds: [1, 2, 3],
  },
};

/** Makes a run of each kind; its pages by what they are. */
async function madePages(cwd: string, url: string): Promise<Record<string, string>> {
  writeFileSync(join(cwd, "suite.json"), JSON.stringify(SUITE));
  writeFileSync(join(cwd, "problems.jsonl"), `${JSON.stringify(PROBLEM)}\n`);
  writeFileSync(join(cwd, "sweep.json"), JSON.stringify(SWEEP));
  const on = (model: string) => ["--endpoint", url, "--model", model];
  const load = ["load", ...on(MODELS[1]), "--sample-rate", "20", "--output-tokens", "5"];
  const stages = "rate=20:1s rate=20..40:1s concurrency=4:1s";
  const code = ["--mode", "comparative", "--sandbox", "none"];
  const ran = await dynoEach([
    ["run", "suite.json", ...on(MODELS[0]), "--epochs", "2", "--run-id", id(1)],
    ["run", "suite.json", ...on(MODELS[1]), "--run-id", id(2)],
    ["run", "problems.jsonl", ...on(MODELS[1]), ...code, "--run-id", id(3)],
    [...load, "--stages", stages, "--slo", "ttft:500", "--slo", "tpot:50", "--run-id", id(4)],
    [...load, "--endpoint", url.replace("127.0.0.1", "localhost"), "--turns", "3"].concat(
      ["--concurrency", "2", "--requests", "6", "--run-id", id(5)],
    ),
    [...load, "--concurrency", "1,2,4", "--requests", "30", "--gpus", "2"],
    ["sweep", "--config", "sweep.json"],
    ["collect", "--exp_dir", "bench_runs/policies"],
    ["report", "--exp_dir", "bench_runs/policies"],
    ["runs", "report", id(1), id(2), "--output", "suites.html"],
    ["runs", "report", id(4), id(5), "--output", "loads.html"],
    ["runs", "export", "--format", "html", "--out", "table.html"],
  ], { cwd });
  for (const { code, stderr } of ran) assert(code === 0 || code === 1, stderr);
  const [curve] = readdirSync(join(cwd, "runs", "curves")).filter((name) => name.endsWith("html"));
  const report = (n: number) => join(cwd, "runs", id(n), "report", "index.html");
  return {
    "suite with epochs": report(1),
    "suite": report(2),
    "coding": report(3),
    "load in stages": report(4),
    "load of two endpoints": report(5),
    "levels": join(cwd, "runs", "curves", curve),
    "sweep": join(cwd, "bench_runs", "policies", "report", "index.html"),
    "suites compared": join(cwd, "suites.html"),
    "loads compared": join(cwd, "loads.html"),
    "table": join(cwd, "table.html"),
  };
}

const id = (n: number) => `bench_0000000${n}_20270131_120000`;

Deno.test({
  name: "in a browser no report is cut, overlaps or is pale at 390, 768 and 1280 px",
  ignore: browserPath() === null,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start({ model: MODELS });
    const pages = await madePages(folder.path, mock.url);
    const faults: string[] = [];
    for (const [name, path] of Object.entries(pages)) {
      await withPage(path, async (page) => {
        faults.push(...await faultsAtWidths(page, name));
      });
    }
    assertEquals(faults, []);
    assertEquals(jsonIn(join(folder.path, "runs", id(1), "results.json")).complete, true);
  },
});

Deno.test({
  name: "what the look at pages must find, it finds",
  ignore: browserPath() === null,
  fn: async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "bad.html");
    const long = "w".repeat(200);
    writeFileSync(
      path,
      `<meta name="viewport" content="width=device-width"><style>body{background:#fff;margin:0}
.cut{overflow:hidden;width:100px} .scroll{overflow:auto;width:100px} .pale{color:#aaa}
nav a{position:absolute;top:0;left:0}</style>
<p class="cut">${long}</p><div class="scroll">${long}</div><p class="pale">pale</p>
<nav><a>one</a><a>two</a></nav><div style="width:3000px">wide</div>`,
    );
    await withPage(path, async (page) => {
      const kinds = (await faultsOf(page)).map((fault) => fault.split(/[:,]/)[0]);
      assertEquals(kinds.toSorted(), [
        ...["over one another", "the page scrolls sideways", "too pale"],
        ...["wider than its box", "wider than its box"],
      ]);
    });
  },
});
