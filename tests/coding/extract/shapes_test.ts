/**
 * Replies in shapes that models write, and whether a careful reader finds a function in them that adds:
 * tests/fixtures/agreement/replies.json. Beside each stands what evalplus 0.3.1's sanitize made of the same
 * reply, alone or below the prompt, run with Python.
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

const shapes: Shape[] = JSON.parse(
  readFileSync(
    fileURLToPath(new URL("../../fixtures/agreement/replies.json", import.meta.url)),
    "utf8",
  ),
);
const ignore = spawnSync("python3", ["-c", ""]).status !== 0;
const problem = { prompt: 'def add(a, b):\n    """Add two."""\n', entry_point: "add" };

const JUDGE = `
import contextlib, io, json, sys
def adds(code):
    space = {"__name__": "program"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, space)
        return space["add"](1, 2) == 3
    except BaseException:
        return False
print(json.dumps([code is not None and adds(code) for code in json.load(sys.stdin)]))
`;

Deno.test(
  { name: "code is found in every shape of a reply, as well as by EvalPlus", ignore },
  () => {
    assert(shapes.length >= 90);
    const codes = shapes.map(({ text }) => extractCode({ text, reasoning: null }, problem).code);
    const input = JSON.stringify(codes);
    const ran = spawnSync("python3", ["-c", JUDGE], { input, encoding: "utf8", timeout: 60_000 });
    const added: boolean[] = JSON.parse(ran.stdout);
    assertEquals(shapes.filter(({ right }, i) => added[i] !== right).map(({ name }) => name), []);
    assertEquals(shapes.filter(({ right, evalplus }) => evalplus && !right), []);
  },
);
