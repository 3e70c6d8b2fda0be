/** Letters read out of answers, against what a careful reader takes from each. */
import { assert, assertEquals } from "@std/assert";
import { splitThinking } from "../../../lib/suite/thinking.ts";
import { chosenLetter } from "../../../lib/suite/evaluators/choice_reader.ts";
import { chosenChoice } from "../../../lib/suite/evaluators/multiple_choice.ts";

/** Answers and the letter in each, judged by hand (the file says how). */
const corpus = Deno.readTextFileSync(
  new URL("../../fixtures/evaluators/multiple_choice.tsv", import.meta.url),
).split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
  const [letter, text] = line.split("\t");
  return { letter: letter === "-" ? null : letter, text: text.replaceAll("⏎", "\n") };
});

/** The same by somebody who had not seen the reader, but for the last 29; some with what the choices say. */
const unseen: { expected: string | null; answer: string; choices?: number | string[] }[] = Deno
  .readTextFileSync(
    new URL("../../fixtures/evaluators/multiple_choice_unseen.jsonl", import.meta.url),
  ).trim().split("\n").map((line) => JSON.parse(line));

const read = (text: string, choices: number | string[] = 4) => {
  const { answer } = splitThinking(text);
  return typeof choices === "number"
    ? chosenLetter(answer, choices)
    : chosenChoice(answer, choices);
};

Deno.test("multiple_choice: no false choice, and at most 3 in 100 missed", () => {
  assert(corpus.length > 800 && unseen.length > 400, `${corpus.length} answers`);
  const wrong = [
    ...corpus.map(({ letter, text }) => ({ letter, text, read: read(text) })),
    ...unseen.map(({ expected: letter, answer: text, choices }) => {
      return { letter, text, read: read(text, choices) };
    }),
  ].filter(({ letter, read }) => letter !== read);
  assertEquals(wrong.filter(({ read }) => read !== null), [], "false choices");
  const chosen = corpus.filter(({ letter }) => letter !== null).length +
    unseen.filter(({ expected }) => expected !== null).length;
  assert(wrong.length <= 0.03 * chosen, `missed ${JSON.stringify(wrong)}`);
});

Deno.test("multiple_choice: the cases that strangers reported", () => {
  const cases: [string, string | null][] = [
    ["Answer: C\n\nThis choice is a better fit than the others.", "C"],
    ["The answer is a prime number, so (C).", "C"],
    ["\\boxed{C. Paris}", "C"],
    ["\\boxed{\\textbf{(C)}}", "C"],
    ["ANSWER: $C$", "C"],
    ["Option C is correct.", "C"],
    ['{"answer": "C"}', "C"],
    ["c", "C"],
    ["c) Paris", "C"],
    ["The answer is not A but D.", "D"],
    ["Answer: A or C", null],
    ["Answer: A, B", null],
    ["C\n\nNote: a tempting option is B", "C"],
  ];
  for (const [text, letter] of cases) assertEquals(read(text), letter, text);
});

Deno.test("multiple_choice: the number of choices bounds the letters", () => {
  assertEquals(read("Answer: E", 4), null);
  assertEquals(read("Answer: E", 5), "E");
  assertEquals(read("\\boxed{J}", 10), "J");
  assertEquals(read("I think it is right.", 26), null, "the pronoun is no ninth choice");
  assertEquals(read("Answer: I", 10), "I");
});

Deno.test("multiple_choice: long and crooked answers are read in bounded time", () => {
  const crooked = [
    "The answer is not A or B but it may be unclear. ".repeat(3000),
    "A, B, ".repeat(20_000),
    "\\boxed{".repeat(20_000),
    `${"*".repeat(100_000)}x`,
    "<answer>".repeat(20_000),
    `answer${" ".repeat(100_000)}x`,
    "答案".repeat(30_000),
  ];
  const started = performance.now();
  for (const text of crooked) assertEquals(read(text), null);
  const seconds = (performance.now() - started) / 1000;
  assert(seconds < 60, `${seconds} s: a search without end`);
});
