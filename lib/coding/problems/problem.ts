/** The type of a coding problem. */

/** A coding problem, in the same form whatever the format of its file. */
export interface Problem {
  /** `HumanEval/0`; MBPP's numbers become `MBPP/11`. */
  problem_id: string;
  /** Position in the file, from 0. */
  index: number;
  /** The beginning of a module that ends in the entry point's header; in MBPP a sentence. */
  prompt: string;
  /** The function that the tests call. */
  entry_point: string;
  /** How answers are judged: by Python code, or by inputs and outputs of any program. */
  tests: PythonTests | ProgramTests;
  /** What follows the prompt, or in MBPP a whole module; null when the file has none. */
  canonical_solution: string | null;
  /**
   * One line of Python that is put before each answer: imports that the judge of the benchmark provides.
   */
  prelude?: string;
}

/** Tests in Python that call the entry point. */
export interface PythonTests {
  /**
   * `check`: the text defines `check(candidate)`. `asserts`: the text calls the entry point by its name.
   */
  form: "check" | "asserts";
  /** The code of the tests. */
  text: string;
  /** Imports and definitions of the tests, which run before the text. */
  setup: string;
}

/** A program in another language, judged by what it prints. */
export interface ProgramTests {
  /** Distinguishes it from Python's tests. */
  form: "program";
  /** The language of the program. */
  language: ProblemLanguage;
  /** Its inputs on standard input, and what it must print for each. */
  cases: { input: string; output: string }[];
  /** Whether lines of numbers are compared by their values, and lines without the spaces around them. */
  by_value?: boolean;
}

/** A language for problems. */
export interface ProblemLanguage {
  /** The name in fences, such as "javascript". */
  name: string;
  /**
   * The command that runs a program, split as a shell does; `{file}` stands for the program's file,
   * `{python}` for the sandbox's Python.
   */
  command: string;
  /** The extension of the program's file, without a dot. */
  extension: string;
}
