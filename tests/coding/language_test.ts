/** Problems in other languages, by a command template: node and sh, in the real sandbox. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { extractProgram } from "../../lib/coding/extract/program.ts";
import { dyno } from "../e2e/dyno.ts";
import { folder, test } from "./fixture.ts";

const sums = {
  task_id: "sum",
  prompt: "Each line holds two whole numbers. Print the sum of each line on a line of its own.",
  language: { name: "javascript", command: "node {file}", extension: "mjs" },
  cases: [{ input: "1 2\n", output: "3" }, { input: "20 22\n-1 1\n", output: "42\n0\n" }],
};
const PROGRAM = `import { readFileSync } from "node:fs";
const lines = readFileSync(0, "utf8").trim().split("\\n");
for (const line of lines) console.log(line.split(" ").map(Number).reduce((a, b) => a + b));`;
const fenced = (name: string, code: string) =>
  `Here it is:\n\n\`\`\`${name}\n${code}\n\`\`\`\nDone.`;
const ignore = !existsSync("/usr/bin/node");

test("dyno run: programs of node and sh are fed back until they print what they have to", async () => {
  if (ignore) return;
  using out = folder();
  const shell = {
    ...sums,
    task_id: "sum in sh",
    language: { name: "sh", command: "sh {file}", extension: "sh" },
  };
  const path = join(out.path, "sums.jsonl");
  writeFileSync(path, [sums, shell].map((problem) => `${JSON.stringify(problem)}\n`).join(""));
  await using mock = await MockEndpoint.start({
    model: "m",
    script: {
      answers: [
        { pattern: "not pass the tests: assertion", response: fenced("javascript", PROGRAM) },
        {
          pattern: "program in sh",
          response: fenced("sh", "while read a b; do echo $((a + b)); done"),
        },
        { pattern: "program in javascript", response: fenced("javascript", "console.log(3)") },
      ],
    },
  });
  const { code, stdout, stderr } = await dyno([
    ...["run", path, "--endpoint", mock.url, "--mode", "iterative", "--sandbox", "bubblewrap"],
    ...["--out", join(out.path, "runs"), "--sample-rate", "0", "--json"],
  ], { cwd: out.path });
  assertEquals(code, 0, stderr);
  const { summary, directory } = JSON.parse(stdout);
  assertEquals(
    summary.results.map((
      { success, iterations }: Record<string, unknown>,
    ) => [success, iterations]),
    [[true, 2], [true, 1]],
  );
  const journal = readFileSync(join(directory, "events.jsonl"), "utf8");
  assertStringIncludes(journal, "case 2 of 2");
});

test("dyno run: a language that cannot run here is told before anything is asked", async () => {
  using out = folder();
  const wrong: [object, string][] = [
    [{ ...sums.language, command: "no-such-language {file}" }, 'no "no-such-language" on PATH'],
    [{ ...sums.language, command: "sh -c true" }, "{file}"],
    [{ ...sums.language, extension: "../x" }, "extension"],
  ];
  for (const [language, said] of wrong) {
    writeFileSync(join(out.path, "a.jsonl"), JSON.stringify({ ...sums, language }));
    const { code, stderr } = await dyno(["run", "a.jsonl", "--endpoint", "http://127.0.0.1:1"], {
      cwd: out.path,
    });
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, said);
  }
});

Deno.test("the program of a reply: its language's last block, the longest, or all of it", () => {
  const of = (text: string) =>
    extractProgram({ text, reasoning: null }, ["javascript", "mjs"]).code;
  assertEquals(of("```js\nlonger than the other\n```\n```mjs\r\na()\r\n```"), "a()\n");
  assertEquals(of("```\nx\n```\n~~~c\nint main;\n~~~"), "int main;\n");
  assertEquals(of("````javascript\nconst a = `\n```\n`;\n````"), "const a = `\n```\n`;\n");
  assertEquals(of("```javascript\nunfinished("), "unfinished(");
  assertEquals(of("<think>```javascript\nno\n```</think>a()"), "a()\n");
  assertEquals(of(" \n"), null);
});
