/** What runs a sweep file means: their order, ids and commands; and what is wrong with a file. */
import { join, resolve } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { command } from "../../lib/cli/sweep/sweep.ts";
import { InputError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/settings/json_file.ts";
import { checkTemplate, commandOf, withoutPlace } from "../../lib/sweep/command_line.ts";
import { sweepConfigOf } from "../../lib/sweep/config.ts";
import { exactJson, floatText, parseExact } from "../../lib/sweep/exact_json.ts";
import { plannedCount, plannedRuns } from "../../lib/sweep/plan.ts";
import { printed } from "../run/runs_fixture.ts";
import { Workplace } from "./fixture.ts";
import defaults from "../../experiments/default.json" with { type: "json" };
import smoke from "../../experiments/smoke.json" with { type: "json" };

const configOf = (value: unknown) =>
  sweepConfigOf(
    parseJson("x.json", typeof value === "string" ? value : JSON.stringify(value, null, 2)),
  );

Deno.test("numbers are written as Python's json writes them", () => {
  const text = `{"b":[1e-7,1e16,1.5e300,123456789012345678,-0.0,1e15,1e-4,0.00001234,50,50.0],` +
    `"a":"ä𝄞\u007f\\n/","é":true}`;
  assertEquals(
    exactJson(parseExact(text)),
    `{"a":"\\u00e4\\ud834\\udd1e\\u007f\\n/","b":[1e-07,1e+16,1.5e+300,123456789012345678,-0.0,` +
      `1000000000000000.0,0.0001,1.234e-05,50,50.0],"\\u00e9":true}`,
  );
  assertEquals(floatText(0.1 + 0.2), "0.30000000000000004");
  for (const value of [1 / 3, 5e-324, 1.7976931348623157e308, 123.456, 1e21, 9.999999e15]) {
    assertEquals(Number(floatText(value)), value);
  }
});

Deno.test("default.json has 96 runs, smoke.json 8, all with ids of their own", () => {
  for (const [file, runs] of [[defaults, 96], [smoke, 8]] as const) {
    const config = configOf(file);
    const ids = [...plannedRuns(config)].map(({ run_id }) => run_id);
    assertEquals([plannedCount(config), ids.length, new Set(ids).size], [runs, runs, runs]);
  }
});

Deno.test("keys in sorted order, then seeds, then ablations; ids as the old runner made them", () => {
  const config = configOf(smoke);
  const ids = [...plannedRuns(config)].map(({ run_id }) => run_id);
  // computed with Python's json and hashlib
  assertEquals(ids.slice(0, 3), [
    "fifo_cheapest__wf5__seed1__baseline__c9768924ff6b",
    "fifo_cheapest__wf5__seed1__no_hedge__34d4a264e819",
    "fifo_cheapest__wf5__seed2__baseline__3282381ea875",
  ]);
  assertMatch(ids[4], /^full__wf5__seed1__baseline__/);
});

Deno.test("the command has the contract's order; kinds of numbers are kept", () => {
  const text = `{"name":"x","common_args":{"pdfs":1,"heavy_tail_mult":50.0,"arrival_rate":2,` +
    `"enable_model_routing":true},"matrix":{"workflows":[3],"policy":["full"],` +
    `"seeds":[18446744073709551615],"ablations":[{"name":"n","flags":["--disable_hedging"]}]}}`;
  const config = configOf(text);
  const [run] = plannedRuns(config);
  assertEquals(
    commandOf(config, run, "out/here").join(" "),
    "./build/agent_sched_sim --workflows 3 --pdfs 1 --policy full --seed 18446744073709551615 " +
      "--heavy_tail_mult 50.0 --enable_model_routing --arrival_rate 2 --disable_hedging " +
      `--out_dir ${resolve("out/here")}`,
  );
  assertMatch(run.run_id, /^full__wf3__seed18446744073709551615__n__[0-9a-f]{12}$/);
});

Deno.test("a template's places are filled; ablation flags alone become arguments", () => {
  const config = configOf({
    name: "x",
    command: ["./p", "--size={size}", "{ablation_flags}", "{out_dir}/{run_id}", "{other}", "{}"],
    common_args: { other: "a b" },
    matrix: { size: [0.5], ablations: [{ name: "two", flags: ["-a", "-b"] }] },
  });
  const [run] = plannedRuns(config);
  assertEquals(commandOf(config, run, "o"), [
    "./p",
    "--size=0.5",
    "-a",
    "-b",
    `o/${run.run_id}`,
    "a b",
    "{}",
  ]);
});

Deno.test("any name of a parameter is a place; other braces stay; what varies without a place is named", () => {
  const names = { "a.b": 1, "a b": 2, größe: 3, "a=b": 4, "max-tokens": 5 };
  const config = configOf({
    name: "x",
    command: [
      "./p",
      ...Object.keys(names).map((name) => `{${name}}`),
      '{"n": {a.b}}',
      "{1..3}",
      "{}",
    ],
    common_args: names,
    matrix: { "a.b": [7] },
  });
  checkTemplate(config);
  const [run] = plannedRuns(config);
  assertEquals(commandOf(config, run, "o").slice(1), [
    ...["7", "2", "3", "4", "5"],
    ...['{"n": 7}', "{1..3}", "{}"],
  ]);
  assertEquals(withoutPlace(config), []);
  const ablations = [{ name: "a", flags: [] }, { name: "b", flags: ["-b"] }];
  const idle = { name: "x", command: ["./p", "{b}"], matrix: { a: [1, 2], b: [1, 2], ablations } };
  assertEquals(withoutPlace(configOf(idle)), [
    "matrix.a: the command has no {a}: its values make no difference",
    "matrix.ablations: the command has no {ablation_flags}: they make no difference",
  ]);
  for (const name of ["größen", "a.c", "min-tokens", "q"]) {
    const wrong = configOf({ name: "x", command: [`--p={${name}}`], matrix: { größe: [1] } });
    assertThrows(() => checkTemplate(wrong), InputError, `{${name}} is not a parameter`);
  }
});

const faults: [string, unknown, RegExp][] = [
  ["an unknown field", { name: "x", matrix: {}, job: 2 }, /^x\.json:4:\d+: "job" .*"jobs"/],
  ["no matrix", { name: "x" }, /matrix/],
  [
    "a value that is no list",
    { name: "x", matrix: { workflows: 5 } },
    /x\.json:4:.*expected a list/,
  ],
  ["an empty list", { name: "x", matrix: { policy: [] } }, /matrix\.policy: expected a list/],
  ["no seeds", { name: "x", matrix: { seeds: [] } }, /matrix\.seeds/],
  ["a seed that is text", { name: "x", matrix: { seeds: ["one"] } }, /matrix\.seeds\[0\]/],
  [
    "the same seed twice",
    { name: "x", matrix: { seeds: [1, 1] } },
    /matrix\.seeds: 1 is there twice/,
  ],
  ["seed as a key", { name: "x", matrix: { seed: [1] } }, /matrix\.seeds/],
  ["a seed for all", { name: "x", common_args: { seed: 1 }, matrix: {} }, /matrix\.seeds/],
  [
    "a parameter of a place's name",
    { name: "x", command: ["./p", "{out_dir}"], matrix: { out_dir: ["a"] } },
    /matrix\.out_dir: dyno gives each run a value of this name/,
  ],
  [
    "a parameter of a name that is a column of every table",
    { name: "x", command: ["./p"], common_args: { exit_code: 7 }, matrix: {} },
    /common_args\.exit_code: dyno gives each run a value/,
  ],
  [
    "a NUL character, which no argument can have",
    { name: "x", command: ["p", "{p}"], matrix: { p: ["a", "b\0c"] } },
    /matrix\.p\[1\]: holds a NUL character/,
  ],
  [
    "a number beyond every double",
    '{"name":"x",\n"command":["p","{p}"],"matrix":{"p":[1,[{"q":-1e400}]]}}',
    /matrix\.p\[1\]\[0\]\.q: the number is too large/,
  ],
  ["a name with a slash", { name: "../x", matrix: {} }, /x\.json:2:.*name: .*slashes/],
  ["a misspelt parameter", { name: "x", matrix: { workflow: [1] } }, /"workflow" .*"workflows"/],
  ["both programs", { name: "x", sim_binary: "a", command: ["b"], matrix: {} }, /expected one/],
  [
    "an ablation's flags that are text",
    { name: "x", matrix: { ablations: [{ name: "a", flags: "--x" }] } },
    /matrix\.ablations\[0\]\.flags/,
  ],
  [
    "two ablations of one name",
    { name: "x", matrix: { ablations: [{ name: "a", flags: [] }, { name: "a", flags: ["-b"] }] } },
    /two have the name "a"/,
  ],
];
for (const [what, value, expected] of faults) {
  Deno.test(`a sweep file with ${what} is refused with its place`, () => {
    const error = assertThrows(() => configOf(value), InputError);
    assertMatch(error.message, expected);
    assertMatch(error.message, /^x\.json:\d+:\d+: /);
  });
}

Deno.test("a dry run prints the runs and makes nothing; bad flags are named", async () => {
  using place = new Workplace();
  const file = place.write("s.json", smoke);
  const { code, stdout, stderr } = await place.dyno("sweep", "--config", file, "--dry_run");
  assertEquals([code, stdout.trimEnd().split("\n").length], [0, 8]);
  assertStringIncludes(stderr, "8 runs planned in bench_runs/smoke; none started");
  const named = await place.dyno(
    ...["sweep", "--config", file, "--dry-run", "--exp_name", "other", "--out-root", "elsewhere"],
  );
  assertStringIncludes(named.stdout, `--out_dir ${join(place.path, "elsewhere/other/runs/")}`);
  assertEquals(place.list("."), ["s.json"]);
  const path = join(place.path, file);
  for (
    const [args, expected] of [
      [["--config", "none.json"], /^none\.json: no such file/],
      [
        ["--config", path, "--jobs", "0"],
        /--jobs: "0" is not valid; expected a whole number, at least 1/,
      ],
      [["--config", path, "--exp_name", "a/b"], /--exp_name: "a\/b"/],
      [["--config", path, "--resum"], /--resum: no such flag.*--resume|resume/],
      [[path, "t.json"], /"t\.json": dyno sweep takes one experiment file/],
      [["--config", path, "t.json"], /"t\.json": dyno sweep takes one experiment file/],
    ] as const
  ) {
    const { message } = await assertRejects(() => printed(command, [...args]), InputError);
    assertMatch(message, expected);
  }
  const other = place.write("t.json", { ...smoke, sim_binary: "./other" });
  const wrong = await place.dyno("sweep", other);
  assertEquals(wrong.code, 2, wrong.stderr);
  assertMatch(wrong.stderr, /^error: .*"\.\/other"/);
  assert(!place.list(".").includes("bench_runs"));
});
