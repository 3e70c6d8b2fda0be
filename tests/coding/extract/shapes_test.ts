/**
 * Replies in shapes that models write, and whether a careful reader finds a function in them that adds:
 * tests/fixtures/agreement/replies.json. Beside each stands what evalplus 0.3.1's sanitize made of the same
 * reply, alone or below the prompt, run with Python. replies_unseen.json has further ones, to other problems,
 * by somebody who had not seen the extraction, with their tests.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { extractCode } from "../../../lib/coding/extract/extract_code.ts";

interface Shape {
  name: string;
  text: string;
  right: boolean;
  evalplus: boolean;
}

interface Unseen extends Omit<Shape, "evalplus"> {
  prompt: string;
  entry_point: string;
  tests: string;
  /** A right one that is not found. */
  missed?: true;
  /** A wrong one whose only code stands in a thought without an end: it is found, and `how` says where. */
  found_in_thought?: true;
}

const json = (name: string) =>
  JSON.parse(
    readFileSync(
      fileURLToPath(new URL(`../../fixtures/agreement/${name}`, import.meta.url)),
      "utf8",
    ),
  );
const shapes: Shape[] = json("replies.json");
const unseen: Unseen[] = json("replies_unseen.json");
const ignore = spawnSync("python3", ["-c", ""]).status !== 0;
const problem = { prompt: 'def add(a, b):\n    """Add two."""\n', entry_point: "add" };

const JUDGE = `
import contextlib, io, json, sys
def passes(code, tests):
    space = {"__name__": "program"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, space)
            exec(tests, space)
        return True
    except BaseException:
        return False
print(json.dumps([code is not None and passes(code, tests) for code, tests in json.load(sys.stdin)]))
`;

/** Of each code and its tests, whether it passes them. */
function passed(codes: [code: string | null, tests: string][]): boolean[] {
  const input = JSON.stringify(codes);
  const ran = spawnSync("python3", ["-c", JUDGE], { input, encoding: "utf8", timeout: 60_000 });
  return JSON.parse(ran.stdout);
}

Deno.test(
  { name: "code is found in every shape of a reply, as well as by EvalPlus", ignore },
  () => {
    assert(shapes.length >= 90);
    const added = passed(
      shapes.map(({ text }) => [
        extractCode({ text, reasoning: null }, problem).code,
        "assert add(1, 2) == 3",
      ]),
    );
    assertEquals(shapes.filter(({ right }, i) => added[i] !== right).map(({ name }) => name), []);
    assertEquals(shapes.filter(({ right, evalplus }) => evalplus && !right), []);
  },
);

Deno.test({ name: "code is found in replies that were not seen before", ignore }, () => {
  const right = passed(
    unseen.map((each) => [
      extractCode({ text: each.text, reasoning: null }, each).code,
      each.tests,
    ]),
  );
  assertEquals(
    unseen.filter(({ right: wanted, missed, found_in_thought }, i) =>
      right[i] !== (found_in_thought ?? (wanted && !missed))
    ).map(({ name }) => name),
    [],
  );
});
