/** A run is what its parameters were written as: no two settings become one, no column is lost. */
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/settings/json_file.ts";
import { analyseSweep, groupAt, seedValues } from "../../lib/sweep/analyse.ts";
import { collectSweep } from "../../lib/sweep/collect.ts";
import { sweepConfigOf } from "../../lib/sweep/config.ts";
import { Workplace } from "./fixture.ts";

/** A program whose summary.csv is its first argument, `;` standing for a line's end. */
const WRITER = [
  "sh",
  "-c",
  `mkdir -p "$2"; printf '%s\n' "$1" | tr ';' '\n' > "$2/summary.csv"`,
  "sh",
];

/** runs.csv as columns by name, read by a reader of the test's own: no cell holds a comma here. */
async function table(place: Workplace, name: string): Promise<Record<string, string[]>> {
  const { runs_csv } = await collectSweep(join(place.path, "bench_runs", name));
  const [head, ...rows] = readFileSync(runs_csv, "utf8").trimEnd().split("\n")
    .map((line) => line.split(","));
  return Object.fromEntries(head.map((column, i) => [column, rows.map((row) => row[i])]));
}

Deno.test("numbers that are written differently are settings of their own", async () => {
  using place = new Workplace();
  // the texts are what Python's str() gives for the same JSON
  const sweep =
    `{"name":"kinds","command":["sh","-c","${`mkdir -p \\"$2\\"; printf 'score\\\\n%s\\\\n' \\"$1\\" > \\"$2/summary.csv\\"`}","sh","{p}","{out_dir}"],"matrix":{"p":[1,1.0,100,1e2,-0.0,9007199254740993,` +
    `0.1,0.10000000000000002,true],"seeds":[1]},"out_root":${
      JSON.stringify(join(place.path, "bench_runs"))
    }}`;
  place.write("s.json", sweep);
  const { code } = await place.dyno("sweep", "--config", "s.json");
  assertEquals(code, 0);
  const { p, run_id } = await table(place, "kinds");
  assertEquals(p, [
    ...["1", "1.0", "100", "100.0", "-0.0"],
    ...["9007199254740993", "0.1", "0.10000000000000002", "true"],
  ]);
  assertEquals(new Set(run_id).size, p.length);
  const again = await place.dyno("sweep", "--config", "s.json", "--resume");
  assertStringIncludes(again.stderr, "9 finished already; nothing to do");
});

Deno.test("seeds beyond 2^53 stay apart in table and analysis", async () => {
  using place = new Workplace();
  const seeds = ["9007199254740992", "9007199254740993", "18446744073709551615"];
  const text = `{"name":"seeds","command":${
    JSON.stringify([...WRITER, "score;{seed}", "{out_dir}"])
  },"matrix":{"seeds":[${seeds}]},"out_root":${JSON.stringify(join(place.path, "bench_runs"))}}`;
  place.write("s.json", text);
  assertEquals((await place.dyno("sweep", "--config", "s.json")).code, 0);
  assertEquals((await table(place, "seeds")).seed, seeds);
  const analysis = await analyseSweep(join(place.path, "bench_runs/seeds/aggregate/runs.csv"), []);
  assertEquals(analysis.seeds, seeds);
  const group = groupAt(analysis, "–", "all runs", "baseline");
  assertEquals([...seedValues(analysis, group, "score").keys()], seeds);
});

Deno.test("columns of one name, and of a parameter's name, are columns of their own", async () => {
  using place = new Workplace();
  await place.sweep({
    name: "columns",
    command: [...WRITER, "score,score,score,p,q;1,2,3,4,{q}", "{out_dir}"],
    matrix: { p: [5], q: [6], disable_hedging: ["softly"] }, // the last is a switch of the simulator's
  });
  const columns = await table(place, "columns");
  assertEquals([columns.score, columns.score_2, columns.score_3], [["1"], ["2"], ["3"]]);
  assertEquals([columns.p, columns.measured_p, columns.q], [["5"], ["4"], ["6"]]);
  assertEquals(columns.disable_hedging, ["softly"]);
  assertEquals(columns.measured_q, undefined, "says only what the parameter was");
  assertEquals(
    columns.warning,
    [
      "out/summary.csv: two columns score: one is score_2; " +
      "out/summary.csv: two columns score: one is score_3",
    ],
  );
});

Deno.test("a metric has the digits that its program wrote", async () => {
  using place = new Workplace();
  const written = [
    "9007199254740993",
    "0.10",
    "1e-05",
    "Infinity",
    "-0.0",
    "12345678901234567890.5",
  ];
  const names = written.map((_, i) => `m${i}`);
  await place.sweep({
    name: "digits",
    command: [...WRITER, `${names};${written}`, "{out_dir}"],
    matrix: { p: [5] },
  });
  const columns = await table(place, "digits");
  assertEquals(names.map((name) => columns[name]), written.map((text) => [text]));
});

Deno.test("values that are one argument are refused", () => {
  for (
    const [values, said] of [
      [`1, "1"`, `matrix.p: 1 and "1" are one argument`],
      [`1.0, "1.0"`, `1.0 and "1.0" are one argument`],
      [`true, "true"`, `true and "true" are one argument`],
      [`100.0, 1e2`, `100.0 is there twice`],
    ]
  ) {
    const text = `{"name":"x","command":["p","{p}"],"matrix":{"p":[${values}]}}`;
    assertThrows(() => sweepConfigOf(parseJson("s.json", text)), InputError, said);
  }
});
