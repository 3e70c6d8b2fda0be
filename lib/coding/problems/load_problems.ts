/**
 * Loads coding problems from JSON Lines: HumanEval, HumanEval+, MBPP, BigCodeBench, and programs in any
 * language.
 */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { checkJson, parseJson } from "../../settings/json_file.ts";
import { fileForms } from "../../settings/setting.ts";
import { readLines } from "../../formats/json_lines.ts";
import { readWhole, writtenText } from "../../read_whole.ts";
import { noSuchFile } from "../../text/no_such_file.ts";
import { contestProblem } from "./livecodebench.ts";
import { inputsCheck } from "./problem_inputs.ts";
import { rawElements, rawFields } from "./raw_json.ts";
import { isJsonObject, withoutNonFinite } from "../../json_fields.ts";
import type { JsonFile } from "../../settings/json_file.ts";
import type { Problem } from "./problem.ts";

const text = z.string().min(1);
const name = z.string().regex(/^[\p{L}_][\p{L}\p{N}_]*$/u, "expected a Python name");
const id = z.union([text, z.int().min(0)]);
/** Lists of arguments; MBPP+ has an empty object when there are none. */
const inputs = z.union([z.array(z.array(z.unknown())), z.strictObject({})]);

const humanEval = z.object({
  task_id: id,
  prompt: text,
  entry_point: name,
  canonical_solution: z.string().nullish(),
  test: text.optional(),
  base_input: inputs.optional(),
  plus_input: inputs.optional(),
  atol: z.number().min(0).optional(),
}).refine((problem) => problem.test ?? problem.base_input ?? problem.plus_input, {
  message: `expected "test", or "base_input" and "plus_input"`,
});

const mbpp = z.object({
  task_id: id,
  text: text.optional(),
  prompt: text.optional(),
  code: z.string().nullish(),
  test_list: z.array(text).min(1),
  test_setup_code: z.string().nullish(),
  test_imports: z.array(z.string()).nullish(),
  /** MBPP+'s additional tests, which call the function by its name. */
  test: z.string().nullish(),
}).refine((problem) => problem.text ?? problem.prompt, { message: `expected "text" or "prompt"` });

const bigCodeBench = z.object({
  task_id: id,
  complete_prompt: text,
  entry_point: name,
  canonical_solution: z.string().nullish(),
  /** Python that defines a unittest class, TestCases. */
  test: text,
});

/** A line of a problem file in dyno's own format, for programs in any language. */
export const problemSchema = z.object({
  /** Unique in the file. */
  task_id: id,
  /** What the program must do. */
  prompt: text,
  /** The language, and the command that runs a program. */
  language: z.strictObject({
    /** The language's name. */
    name: text,
    /** The command; `{file}` is the program's file. */
    command: text,
    /** The extension of the program's file, without the dot. */
    extension: z.string().regex(/^[a-zA-Z0-9]+$/, "expected letters and digits, without a dot"),
  }),
  /** Inputs, and what the program must print for each. */
  cases: z.array(z.strictObject({
    /** What the program reads on standard input. */
    input: z.string(),
    /** What it must print. */
    output: z.string(),
  })).min(1),
  /** A correct program, which shows how long a program may take. */
  canonical_solution: z.string().nullish(),
}).register(fileForms, {
  name: "problem",
  title: "a line of a .jsonl file of coding problems in any language",
});

/**
 * Reads all problems of a JSON Lines file, gzipped or not.
 *
 * @throws {InputError} the file, line, column and field of what is wrong; a repeated id; a file without
 * problems.
 */
export async function loadProblems(path: string): Promise<Problem[]> {
  const problems: Problem[] = [];
  for await (const problem of streamProblems(path)) problems.push(problem);
  if (problems.length === 0) {
    throw new InputError(`${path}: holds no problems; expected one JSON object a line`);
  }
  return problems;
}

/** Reads problems one by one, like {@linkcode loadProblems}. */
async function* streamProblems(path: string): AsyncGenerator<Problem> {
  const lines = new Map<string, number>();
  let index = 0;
  for await (const { line, number } of problemLines(path)) {
    const problem = atLine(path, number, () => problemOf(path, line, index));
    const earlier = lines.get(problem.problem_id);
    if (earlier !== undefined) {
      throw new InputError(
        `${path}:${number}: task_id: "${problem.problem_id}" is already the id of line ${earlier}; ids must differ`,
      );
    }
    lines.set(problem.problem_id, number);
    index++;
    yield problem;
  }
}

/**
 * Reads one problem per line; or a list of them, as in sanitized-mbpp.json, where a problem's position
 * counts as its line.
 */
async function* problemLines(path: string): AsyncGenerator<{ line: string; number: number }> {
  if (!path.endsWith(".json")) return yield* readLines(path, true);
  const text = writtenText(path, await readWhole(path, noSuchFile, "split it"));
  if (!Array.isArray(parseLine(path, text).value)) {
    throw new InputError(`${path}: expected a list of problems`);
  }
  for (const [i, line] of rawElements(text).entries()) yield { line, number: i + 1 };
}

/** Replaces the line number in an error about a line's text by the line number in the file. */
function atLine<T>(path: string, number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const rest = error.message.slice(path.length).replace(/^:1(?=:)/, "");
    throw new InputError(`${path}:${number}${rest}`);
  }
}

function problemOf(path: string, line: string, index: number): Problem {
  const file = parseLine(path, line);
  const { value } = file;
  if (!isJsonObject(value)) {
    throw new InputError(`${path}:1:1: expected a problem as a JSON object`);
  }
  refuseByName(path, value);
  if ("question_content" in value) {
    const { id, ...problem } = contestProblem(file);
    return { problem_id: id, index, canonical_solution: null, ...problem };
  }
  if ("complete_prompt" in value) return fromBigCodeBench(file, index);
  if ("language" in value) return fromProgram(file, index);
  if ("test_list" in value && !("entry_point" in value)) return fromMbpp(file, index);
  if ("entry_point" in value) return fromHumanEval(file, line, index);
  throw new InputError(
    `${path}:1:1: neither "entry_point" (HumanEval's form) nor "test_list" (MBPP's form) nor "question_content" (LiveCodeBench's form) nor "complete_prompt" (BigCodeBench's form) nor "language" is there`,
  );
}

/** Refuses a known format that dyno cannot judge, with the reason. */
function refuseByName(path: string, value: object): void {
  const isMultiPlE = "tests" in value && "stop_tokens" in value && "language" in value;
  if (isMultiPlE && typeof value.language === "string") {
    throw new InputError(
      `${path}:1:1: MultiPL-E's form: its tests run inside the program and a pass is its exit code, ` +
        "which a program can give without solving anything, so they are not run; give such " +
        `problems as {"language": {"name", "command", "extension"}, "cases": [{"input", "output"}]}`,
    );
  }
}

/** Python writes NaN and Infinity into JSON; only test inputs contain them, and these are read as text. */
function parseLine(path: string, line: string): JsonFile {
  try {
    return parseJson(path, line);
  } catch (error) {
    const plain = withoutNonFinite(line);
    if (plain === line) throw error;
    return parseJson(path, plain);
  }
}

function fromHumanEval(file: JsonFile, line: string, index: number): Problem {
  const problem = checkJson(file, humanEval, true);
  const { prompt, entry_point, canonical_solution = null, test, atol = 0 } = problem;
  let check = test ?? "";
  if (problem.base_input || problem.plus_input) {
    if (canonical_solution === null) {
      throw new InputError(
        `${file.path}:1:1: canonical_solution: missing; base_input and plus_input need it`,
      );
    }
    // As text, because a JavaScript number would lose digits and the distinction between int and float.
    const raw = rawFields(line, ["base_input", "plus_input"]);
    check = inputsCheck({
      prompt,
      entry_point,
      canonical_solution,
      test: check,
      atol,
      task_id: String(problem.task_id),
      inputs: raw,
    });
  }
  return {
    problem_id: idOf(problem.task_id, "HumanEval"),
    index,
    prompt,
    entry_point,
    tests: { form: "check", text: check, setup: "" },
    canonical_solution,
  };
}

/** Each method of the test class is a check; the methods call the entry point by its name. */
function fromBigCodeBench(file: JsonFile, index: number): Problem {
  const problem = checkJson(file, bigCodeBench);
  const { task_id, complete_prompt, entry_point, canonical_solution = null, test } = problem;
  return {
    problem_id: idOf(task_id, "BigCodeBench"),
    index,
    prompt: complete_prompt,
    entry_point,
    tests: { form: "check", text: `${test.trimEnd()}\n${UNITTEST_CHECK}`, setup: "" },
    canonical_solution,
  };
}

const UNITTEST_CHECK = `
def check(candidate):
    import unittest
    TestCases.setUpClass()
    for case in unittest.defaultTestLoader.loadTestsFromTestCase(TestCases):
        assert case.debug() is None
    TestCases.tearDownClass()
`;

function fromProgram(file: JsonFile, index: number): Problem {
  const { task_id, prompt, language, cases, canonical_solution = null } = checkJson(
    file,
    problemSchema,
  );
  return {
    problem_id: idOf(task_id, language.name),
    index,
    prompt,
    entry_point: "main",
    tests: { form: "program", language, cases },
    canonical_solution,
  };
}

function fromMbpp(file: JsonFile, index: number): Problem {
  const problem = checkJson(file, mbpp);
  const entryPoint = calledName(problem.code ?? "", problem.test_list);
  if (entryPoint === null) {
    throw new InputError(`${file.path}:1:1: test_list: no test calls a function of "code"`);
  }
  const text = `${[...problem.test_list, problem.test ?? ""].join("\n").trimEnd()}\n`;
  const imports = [
    ...problem.test_imports ?? [],
    ...importsFor(text, problem.code ?? ""),
  ];
  return {
    problem_id: idOf(problem.task_id, "MBPP"),
    index,
    prompt: (problem.text ?? problem.prompt)!,
    entry_point: entryPoint,
    tests: {
      form: "asserts",
      text,
      setup: [...imports, problem.test_setup_code ?? ""]
        .filter((part) => part.trim()).map((part) => `${part.trimEnd()}\n`).join(""),
    },
    canonical_solution: problem.code ?? null,
  };
}

/**
 * Imports of the canonical solution that the tests use, because MBPP's tests run in the solution's
 * module.
 */
function importsFor(tests: string, code: string): string[] {
  const lines = code.match(/^(?:import[ \t]+|from[ \t]+[\w.]+[ \t]+import[ \t]+)[\w., \t]+$/gm) ??
    [];
  return lines.filter((line) =>
    line.replace(/^.*?\bimport\b/, "").split(",").some((part) => {
      const name = part.trim().split(/[\s.]+/).at(/ as /.test(part) ? -1 : 0)!;
      return new RegExp(`(?<![.\\w])${name}\\b`).test(tests);
    })
  );
}

function idOf(id: string | number, dataset: string): string {
  return typeof id === "number" ? `${dataset}/${id}` : id;
}

/**
 * The function that the tests are about: the first one called that the code defines; if it defines none,
 * the first one called.
 */
function calledName(code: string, tests: readonly string[]): string | null {
  const called = [
    ...tests.join("\n").matchAll(/(?<![.\p{L}\p{N}_])([\p{L}_][\p{L}\p{N}_]*)\s*\(/gu),
  ]
    .map((match) => match[1]);
  const defined = new Set(
    [...code.matchAll(/^(?:def|class)[ \t]+([\p{L}_][\p{L}\p{N}_]*)/gmu)].map((match) => match[1]),
  );
  if (defined.size) return called.find((word) => defined.has(word)) ?? null;
  const wrappers = new Set([
    "assert",
    "not",
    "set",
    "sorted",
    "list",
    "tuple",
    "len",
    "round",
    "abs",
  ]);
  return called.find((word) => !wrappers.has(word) && !word.startsWith("is")) ?? called[0] ?? null;
}
export { selectRange } from "./select_range.ts";
