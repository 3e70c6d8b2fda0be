/**
 * How EvalPlus 0.3.1 treats special problems of MBPP+: arguments that JSON cannot hold, and results with
 * their own oracle.
 */

const ids = (list: string) => list.split(" ").map(Number);

/**
 * The problems whose arguments are converted from JSON, and how: a Python expression of `given`, a list
 * of arguments.
 */
const CONVERSIONS: readonly [string, number[]][] = [
  [
    "[tuple(each) for each in given]",
    ids("2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809"),
  ],
  [
    "[[tuple(item) for item in each] for each in given]",
    ids("63 64 70 94 120 237 272 299 400 409 417 438 473 614 780"),
  ],
  ["[[tuple(item) for item in given[0]], given[1]]", ids("75 413 444 753")],
  ["[given[0], tuple(given[1])]", ids("106 750")],
  ["[[set(item) if isinstance(item, list) and item else {} for item in given[0]]]", [115]],
  ["[float(given[0]), complex(given[1])]", [124]],
  ["[tuple(given[0]), *given[1:]]", ids("250 307 405 446 617 720 763 808")],
  ["[tuple(tuple(item) for item in each) for each in given]", ids("259 401 445")],
  ["[tuple(tuple(item) if isinstance(item, list) else item for item in given[0])]", [278]],
  ["[{key: tuple(value) for key, value in given[0].items()}, *given[1:]]", [722]],
  ["[complex(given[0])]", [252]],
  ["tuples(given)", ids("580 615 791")],
];

/**
 * By entry point: a Python expression of `got`, `wanted` and `arguments` that is true for a right result.
 */
const ORACLES: Record<string, string> = {
  ...Object.fromEntries(
    ("similar_elements find_char_long common_in_nested_lists extract_singly larg_nnum " +
      "intersection_array find_dissimilar Diff").split(" ")
      .map((name) => [name, "set(got) == set(wanted)"]),
  ),
  ...Object.fromEntries(
    "check_str text_match_three text_starta_endb".split(" ").map((name) => [
      name,
      "(got == wanted if isinstance(got, bool) else (got is not None) == bool(wanted))",
    ]),
  ),
  are_equivalent: "True",
  sum_div: "same(got, wanted) or got == 0",
  surface_Area: "same(got, wanted) or abs(got - pyramid(*arguments)) <= atol",
  digit_distance_nums: "same(got, wanted) or got == digits_apart(*arguments)",
};

/** Python functions that the expressions above call. */
export const MBPP_PLUS_FUNCTIONS = `    def tuples(value):
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    def pyramid(base, height):
        return round(base ** 2 + 2 * base * math.sqrt((base / 2) ** 2 + height ** 2))

    def digits_apart(one, two):
        size = max(len(str(one)), len(str(two)))
        return sum(abs(int(a) - int(b)) for a, b in zip(str(one).zfill(size), str(two).zfill(size)))
`;

/**
 * The Python expression that converts a problem's arguments from \`given\`, those in JSON; null for no
 * conversion.
 */
export function mbppArguments(task_id: string): string | null {
  const number = Number(/^mbpp\/(\d+)$/i.exec(task_id)?.[1]);
  return CONVERSIONS.find(([, numbers]) => numbers.includes(number))?.[0] ?? null;
}

/**
 * The Python expression that is true for a right result; undefined when the result must be equal or close
 * to the canonical one.
 */
export function mbppOracle(entry_point: string): string | undefined {
  return Object.hasOwn(ORACLES, entry_point) ? ORACLES[entry_point] : undefined;
}
