/** Code out of replies: a corpus of replies, Python's own opinion of what comes out, and hostile input. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertLess } from "@std/assert";
import { extractCode } from "../../lib/suite/extract_code.ts";

interface Case {
  name: string;
  entry_point: string;
  /** Texts as lists of lines. */
  prompt: string[];
  reply: string[];
  reasoning?: string[];
  code: string[] | null;
  how?: string;
}

const FIXTURES = fileURLToPath(new URL("../fixtures/extraction", import.meta.url));
const kinds = readdirSync(FIXTURES).filter((name) => name.endsWith(".json")).sort();
const casesOf = (file: string): Case[] => JSON.parse(readFileSync(`${FIXTURES}/${file}`, "utf8"));

function extracted({ prompt, entry_point, reply, reasoning }: Case) {
  return extractCode(
    { text: reply.join("\n"), reasoning: reasoning?.join("\n") ?? null },
    { prompt: prompt.join("\n"), entry_point },
  );
}

for (const file of kinds) {
  for (const example of casesOf(file)) {
    Deno.test(`extraction, ${file.replace(".json", "")}: ${example.name}`, () => {
      const { code, how } = extracted(example);
      assertEquals(code, example.code?.join("\n") ?? null, how);
      if (example.how) assertEquals(how, example.how);
    });
  }
}

Deno.test("the corpus holds at least 80 replies", () => {
  assert(kinds.flatMap(casesOf).length >= 80);
});

const hasPython = spawnSync("python3", ["-c", ""]).status === 0;

/** Prints a line of fault for each module that does not parse or does not define its name. */
const PARSE = `
import ast, json, sys
def bound(body):
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)): yield node.name
        elif isinstance(node, ast.Assign):
            yield from (t.id for t in node.targets if isinstance(t, ast.Name))
for name, entry, code in json.load(sys.stdin):
    try:
        if entry not in set(bound(ast.parse(code).body)): print(name, "does not define", entry)
    except SyntaxError as error: print(name, error)
`;

function faultsInPython(modules: [string, string, string][]): string {
  const ran = spawnSync("python3", ["-c", PARSE], {
    input: JSON.stringify(modules),
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  return ran.stdout + ran.stderr;
}

Deno.test({
  name: "python3 parses what comes out and finds the entry point",
  ignore: !hasPython,
  fn() {
    const modules = kinds.flatMap(casesOf)
      .filter(({ code, name }) => code && name !== "cut off in a statement")
      .map((example): [string, string, string] => {
        const { code } = extracted(example);
        assert(code !== null, example.name);
        return [example.name, example.entry_point, code];
      });
    assertEquals(faultsInPython(modules), "");
  },
});
