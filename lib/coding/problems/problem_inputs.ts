/** Tests from inputs alone: what comes out is compared with what the canonical solution gives. */

import { MBPP_PLUS_FUNCTIONS, mbppArguments, mbppOracle } from "./mbpp_plus.ts";

/** What the tests of a problem with inputs are made of. */
export interface InputsProblem {
  prompt: string;
  entry_point: string;
  canonical_solution: string;
  /** Tests of the problem's first form; may be empty. */
  test: string;
  /** "Mbpp/2" is one of MBPP+'s, some of which have their own arguments or oracles. */
  task_id: string;
  /** Absolute tolerance of numbers with a fraction; 0 for a millionth. */
  atol: number;
  /** JSON texts of lists of argument lists. */
  inputs: ReadonlyMap<string, string>;
}

/**
 * Python text that defines `check(candidate)`: first the problem's own tests, then each input, on
 * copies, against the canonical solution. What is equal is right; numbers with a fraction, alone or in
 * a list of such, may differ by `atol` and by a relative 1e-7 where their types are the same, as
 * EvalPlus judges.
 * MBPP+'s arguments and oracles are EvalPlus's. A root (`find_zero`) is any at which the polynomial is zero.
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
