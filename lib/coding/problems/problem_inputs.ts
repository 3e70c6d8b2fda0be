/** Makes tests from inputs: results are compared with those of the canonical solution. */

import { MBPP_PLUS_FUNCTIONS, mbppArguments, mbppOracle } from "./mbpp_plus.ts";

/** The parts from which the tests of a problem with inputs are made. */
export interface InputsProblem {
  prompt: string;
  entry_point: string;
  canonical_solution: string;
  /** Tests in the problem's basic format; may be empty. */
  test: string;
  /**
   * The problem's id. "Mbpp/2" is a problem of MBPP+, some of which have their own arguments or oracles.
   */
  task_id: string;
  /** Absolute tolerance of floats; 0 means a millionth. */
  atol: number;
  /** JSON texts of lists of argument lists. */
  inputs: ReadonlyMap<string, string>;
}

/**
 * Python text that defines `check(candidate)`: it runs first the problem's own tests, then each input, on
 * copies, and compares with the canonical solution. Equal results are right. As in EvalPlus, floats,
 * alone or in a list of floats, may differ by `atol` and by a relative 1e-7 when their types are the
 * same. MBPP+'s arguments and oracles are EvalPlus's. For `find_zero`, any root of the polynomial is
 * right.
 */
export function inputsCheck(problem: InputsProblem): string {
  const { prompt, entry_point, canonical_solution, test, atol, inputs } = problem;
  const mbpp = /^mbpp\//i.test(problem.task_id);
  const oracle = mbpp ? mbppOracle(entry_point) : undefined;
  const made = mbppArguments(problem.task_id);
  const whole = new RegExp(`^(?:async )?def +${entry_point}\\b`, "m").test(canonical_solution);
  const reference = whole ? canonical_solution : prompt + canonical_solution;
  const own = /^def check\b/m.test(test);
  const literal = (text: string) => JSON.stringify(text);
  return `${own ? `${test.trimEnd()}\n\n\n_own_check = check\n\n\n` : ""}def check(candidate):
${own ? "    _own_check(candidate)\n" : ""}    import copy, json, math
    reference = {}
    exec(${literal(reference)}, reference)
    solve = reference[${literal(entry_point)}]
    atol = ${atol}

${
    mbpp
      ? `${MBPP_PLUS_FUNCTIONS}\n`
      : ""
  }    plain = (bool, int, float, complex, str, bytes, type(None), list, tuple, dict, set, frozenset)

    def floats(value):
        return isinstance(value, float) or isinstance(value, (list, tuple)) and len(value) > 0 and all(
            isinstance(each, float) for each in value)

    def same(got, wanted):
        if type(got).__module__ in ("__main__", "program") and not isinstance(got, plain):
            return False
        if wanted == got:
            return True
        if not floats(wanted) or type(got) is not type(wanted):
            return False
        if isinstance(wanted, float):
            return wanted != wanted and got != got or math.isclose(wanted, got, rel_tol=1e-7, abs_tol=atol or 1e-6)
        return len(got) == len(wanted) and all(floats(each) for each in got) and all(map(same, got, wanted))

    for text in (${[...inputs.values()].map((text) => `${literal(text)},`).join(" ")}):
        for given in json.loads(text):
            arguments = ${made ?? "given"}
            got = candidate(*copy.deepcopy(arguments))
${
    entry_point === "find_zero"
      ? "            assert abs(reference['poly'](*copy.deepcopy(arguments), got)) <= (atol or 1e-4), arguments\n"
      : `            wanted = solve(*copy.deepcopy(arguments))\n            assert ${
        oracle ?? "same(got, wanted)"
      }, arguments\n`
  }`;
}
