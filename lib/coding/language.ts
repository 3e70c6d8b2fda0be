/** Problems in languages other than Python: the programs that run them, and their folders. */
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { commandWords } from "../run/command_words.ts";
import { onPath } from "./sandbox/bubblewrap.ts";
import type { Problem, ProblemLanguage, ProgramTests } from "./problems/problem.ts";
import type { CommandProgram } from "./sandbox/command_trial.ts";

/** Stands for the sandbox's own Python in a command. */
const PYTHON = "{python}";

/**
 * The words of the command, with the full path of its program.
 * @throws {InputError} the program is not on PATH, or the command is invalid.
 */
function commandOf({ name, command }: ProblemLanguage, python: string): string[] {
  const where = `language "${name}": command`;
  const [program, ...args] = commandWords(command, where);
  const path = program === PYTHON ? python : program.includes("/") ? program : onPath(program);
  if (path === null) throw new InputError(`${where}: no "${program}" on PATH; install it`);
  if (!args.some((word) => word.includes("{file}"))) {
    throw new InputError(`${where}: expected {file} in it, the program's file: ${command}`);
  }
  return [path, ...args];
}

/**
 * Folders outside of /usr with the languages' programs, which the sandbox must be able to read.
 * @throws {InputError} a language's command is wrong, or its program is missing.
 */
export function languageFolders(problems: readonly Problem[]): string[] {
  const folders = new Set<string>();
  for (const { tests } of problems) {
    if (tests.form !== "program") continue;
    const [path] = commandOf(tests.language, PYTHON);
    if (path === PYTHON) continue;
    for (const each of [path, existing(path)]) {
      if (!/^\/(usr|bin)\//.test(each)) folders.add(shownOf(each));
    }
  }
  return [...folders];
}

/** The folder above a program's bin; only the program itself when that folder has much else. */
function shownOf(program: string): string {
  const folder = dirname(dirname(program));
  const top = folder.split("/").length <= 2;
  return top || `${homedir()}/`.startsWith(`${folder}/`) ? program : folder;
}

function existing(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new InputError(`${path}: there is no such program`);
  }
}

/** A program in the form that the sandbox runs. @param python the path of the sandbox's own. */
export function programOf(
  code: string,
  { language, cases, by_value }: ProgramTests,
  limits: { timeout_s: number; memory_bytes: number },
  python: string,
): CommandProgram {
  const file = `main.${language.extension}`;
  return { code, file, command: commandOf(language, python), cases, by_value, ...limits };
}
