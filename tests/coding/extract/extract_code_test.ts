/** Code out of replies: a corpus of replies, Python's own opinion of what comes out, and hostile input. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertLess } from "@std/assert";
import { extractCode } from "../../../lib/coding/extract/extract_code.ts";

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

const FIXTURES = fileURLToPath(new URL("../../fixtures/extraction", import.meta.url));
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

const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
const MEGABYTE = 1_000_000;
const repeated = (piece: string, length = MEGABYTE) =>
  piece.repeat(Math.ceil(length / piece.length));
const DEFINITION = "def f(x):\n    return x\n";
const FENCED = `\`\`\`python\n${DEFINITION}\`\`\`\n`;
const PROBLEM = {
  prompt: 'from typing import List\n\n\ndef f(x: List[int]) -> int:\n    """Doc."""\n',
  entry_point: "f",
};

/** Milliseconds of processor time, the least of three: other processes do not count. */
function costOf(text: string, reasoning: string | null = null): number {
  const costs = [1, 2, 3].map(() => {
    const before = process.cpuUsage().user;
    extractCode({ text, reasoning }, PROBLEM);
    return (process.cpuUsage().user - before) / 1000;
  });
  return Math.min(...costs);
}

Deno.test("a reply of a megabyte takes less than 100 ms", () => {
  const prose = repeated("The function f takes a list (it's short) and gives a sum.\n");
  assertLess(costOf(`<think>\n${prose}\n</think>\n${FENCED}`), 100);
  assertLess(costOf(`${prose}\n${FENCED}`), 100);
  assertLess(costOf(FENCED, repeated(`Let me try:\n${FENCED}That fails.\n`)), 100);
  assertLess(costOf(prose), 100);
});

Deno.test(`hostile replies${LONG ? ", fenced and not," : ""} take no more than linear time`, () => {
  const pieces = [
    ..."`~\"'([{)}]<>#\\= \t\n,;:.@-+*&“‘”",
    ..."f,f.,f:,f=,f;,f(,f{,a=,-␠,>␠,1.␠,>>>␠f,...␠,(¶,```¶,~~~¶,```python¶,```¶~~~¶,\"\"\"¶,'''¶,\\¶"
      .split(","),
    ..."for␠,lambda␠,f␠=␠lambda␠x:␠,def␠f(,import␠f,¶,if␠f:¶,@f¶,f:␠a¶,A␠=␠B¶,return␠x¶,&lt;,&lt;␠f¶"
      .split(","),
    ...'‘“,““f,"“,"“\\,“␠f,<think>,<think>¶,</think>¶,<think>¶</think>¶,<code>f,<pre>f␠,[BEGIN]f[DONE]'
      .split(","),
    ...'{"code":,["f"␠,<|endoftext|>,[PYTHON]¶,`f␠=␠lambda:␠1`␠,{"f":"f",f"{x␠,␠␠␠␠¶,f\\n'.split(
      ",",
    ),
    DEFINITION,
    FENCED,
    `>>> ${DEFINITION}`,
    "class A:\n    def f(self):\n        return 1\n",
    "```markdown\n```python\n",
    "    x = 1\n",
    "\tx = 1\n        x = 2\n",
    "for x in f:\n    return 1\n",
    "print(f(1))\n",
    "def f(x):\r\n\treturn x\r\n",
  ].map((piece) => piece.replaceAll("␠", " ").replaceAll("¶", "\n"));
  const begins = ["", "```python\n"];
  for (const [i, piece] of pieces.entries()) {
    for (const before of LONG ? begins : [begins[i % 2]]) {
      const text = before + repeated(piece, MEGABYTE / 4);
      const started = process.cpuUsage().user;
      extractCode({ text, reasoning: null }, PROBLEM);
      const cost = (process.cpuUsage().user - started) / 1000;
      // Far above what any takes, and far below what a square of the length would.
      assertLess(cost, 700, `${JSON.stringify(before)} and ${JSON.stringify(piece)}: ${cost} ms`);
    }
  }
});

Deno.test("nothing throws on pieces of replies in random order, and what comes out names its function", () => {
  const parts = kinds.flatMap(casesOf).flatMap(({ reply }) => reply).map((line) => `${line}\n`);
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 2000; round++) {
    const pick = () =>
      Array.from({ length: random(15) }, () => parts[random(parts.length)]).join("");
    const { code, how } = extractCode(
      { text: pick(), reasoning: random(3) ? null : pick() },
      { ...PROBLEM, entry_point: "sum_even" },
    );
    assert(how.length > 0);
    assert(code === null || /\bsum_even\b/.test(code), how);
  }
});

Deno.test("a canonical solution comes out whole from every wrapping", () => {
  const prompt = 'import math\n\n\ndef area(r):\n    """Area of a circle.\n    """\n';
  const body = "    if r < 0:\n        raise ValueError('r')\n    return math.pi * r ** 2\n";
  const whole = prompt + body;
  const indented = whole.replace(/^(?=.)/gm, "    ");
  const crlf = (text: string) => text.replaceAll("\n", "\r\n");
  const wrappings = [
    whole,
    body,
    `\`\`\`python\n${whole}\`\`\``,
    `~~~~py\n${whole}~~~~\n`,
    `<think>\nHm.\n</think>\n\n\`\`\`\n${whole}\`\`\`\nDone.`,
    `Here:\n\n${indented}\nThat is all.`,
    JSON.stringify({ code: whole }),
    crlf(`It's this:\n\n\`\`\`python\n${whole}\`\`\`\n`),
    `\`\`\`python\n${body}\`\`\``,
    body.trimStart(),
  ];
  for (const text of wrappings) {
    const { code, how } = extractCode({ text, reasoning: null }, { prompt, entry_point: "area" });
    assertEquals(code, whole, `${how}: ${text}`);
  }
});
