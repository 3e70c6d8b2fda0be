/** What a coding problem is. */

/** A coding problem, the same whatever form its file has. */
export interface Problem {
  /** `HumanEval/0`; for MBPP's numbers `MBPP/11`. */
  problem_id: string;
  /** Place in the file, from 0. */
  index: number;
  /** A module's beginning that ends in the entry point's header; in MBPP a sentence. */
  prompt: string;
  /** The function that the tests call. */
  entry_point: string;
  /** How answers are judged: Python code, or inputs and outputs of any program. */
  tests: PythonTests | ProgramTests;
  /** What follows the prompt, or in MBPP a whole module; null where the file gives none. */
  canonical_solution: string | null;
  /** One line of Python that stands before each answer: what its judge has already imported. */
  prelude?: string;
}

/** Python that calls the entry point. */
export interface PythonTests {
  /** `check`: the text defines `check(candidate)`. `asserts`: it calls the entry point by its name. */
  form: "check" | "asserts";
  /** The tests' own code. */
  text: string;
  /** What runs before the text: imports and definitions of the tests. */
  setup: string;
}

/** A program of another language, judged by what it prints. */
export interface ProgramTests {
  /** Tells it from Python's tests. */
  form: "program";
  /** What the program is to be written in. */
  language: ProblemLanguage;
  /** What it gets on standard input, and what it has to print. */
  cases: { input: string; output: string }[];
  /** Whether lines of numbers are compared by their values, and lines without the spaces around them. */
  by_value?: boolean;
}

/** A language that problems may be in. */
export interface ProblemLanguage {
  /** The name in fences, such as "javascript". */
  name: string;
  /** What runs a program, split as a shell does; `{file}` stands for the program's file, `{python}` for the sandbox's Python. */
  command: string;
  /** Of the program's file, without a dot. */
  extension: string;
}
