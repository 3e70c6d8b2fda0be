/** The prompts for coding problems: the first one, the one after a failure, and the reviewer's. */
import { isPlateau, PLATEAU_ATTEMPTS } from "./plateau.ts";
import type { Question } from "../endpoint/question.ts";
import type { Problem } from "./problems/problem.ts";
import type { Tried } from "../run/attempt.ts";

/** The most characters of a failing test's output that are sent back. */
const MOST_DETAIL = 2000;
const MOST_CODE = 20_000;

/** The first question; for a completions endpoint the problem itself, for the model to continue. */
export function firstQuestion(problem: Problem, chat: boolean): Question {
  if (!chat) return { prompt: problem.prompt };
  return { messages: [{ role: "user", content: task(problem) }] };
}

/** The question after a failure: the problem, the last code, its failure and the history of attempts. */
export function nextQuestion(
  problem: Problem,
  tried: readonly Tried[],
  advice: string | null,
  chat: boolean,
): Question {
  const last = tried[tried.length - 1];
  const code = (last.code ?? "").slice(0, MOST_CODE);
  const language = languageOf(problem);
  const shown = code ? `\`\`\`${language}\n${code}\n\`\`\`` : "(no code was found in it)";
  const failure = [
    `This does not pass the tests: ${last.outcome}.`,
    last.detail.slice(0, MOST_DETAIL),
    `Attempts so far: ${tried.map(toldShort).join("; ")}.`,
    ...(advice ? [`A reviewer advises:\n${advice}`] : []),
    `Write the whole corrected ${
      problem.tests.form === "program" ? "program" : "module"
    } in one \`\`\`${language} block.`,
  ].join("\n\n");
  if (!chat) return { prompt: `${task(problem)}\n\n${shown}\n\n${failure}\n\n` };
  return {
    messages: [
      { role: "user", content: task(problem) },
      { role: "assistant", content: shown },
      { role: "user", content: failure },
    ],
  };
}

/** The question for a second model when attempts keep failing. */
export function reviewQuestion(problem: Problem, tried: readonly Tried[]): Question {
  const last = tried[tried.length - 1];
  const history = tried.map((attempt) =>
    `${toldShort(attempt)}: ${attempt.detail.split("\n").at(-1)?.slice(0, 200) ?? ""}`
  );
  const content = [
    "Another model tries to solve this problem and fails. Say in a few sentences what is wrong with " +
    "its approach and what to do instead. Do not write the solution.",
    task(problem),
    `Its last code:\n\`\`\`${languageOf(problem)}\n${
      (last.code ?? "").slice(0, MOST_CODE)
    }\n\`\`\``,
    `What the tests said:\n${last.detail.slice(0, MOST_DETAIL)}`,
    `All attempts:\n${history.join("\n")}`,
    ...(isPlateau(tried)
      ? [
        `The last ${PLATEAU_ATTEMPTS} attempts are no better than each other: it needs another approach.`,
      ]
      : []),
  ].join("\n\n");
  return { messages: [{ role: "user", content }] };
}

/** Such as `1: assertion, 3 of 7 checks`. */
function toldShort({ iteration, outcome, checks }: Tried): string {
  return `${iteration}: ${outcome}${checks ? `, ${checks.passed} of ${checks.total} checks` : ""}`;
}

function languageOf({ tests }: Problem): string {
  return tests.form === "program" ? tests.language.name : "python";
}

function task({ prompt, entry_point, tests }: Problem): string {
  if (tests.form === "program") {
    const [{ input, output }] = tests.cases;
    return `${prompt.trim()}\n\nWrite it as a whole program in ${tests.language.name} that reads ` +
      "standard input and writes standard output, such that for\n\n" +
      `${indented(input)}\n\nit prints\n\n${indented(output)}\n\n` +
      `Answer with the whole program in one \`\`\`${tests.language.name} block.`;
  }
  if (tests.form === "check") {
    return "Complete this Python function. Answer with the whole module, imports and helpers " +
      `included, in one \`\`\`python block.\n\n\`\`\`python\n${prompt.trimEnd()}\n\`\`\``;
  }
  const example = tests.text.split("\n").find((line) => line.trim().startsWith("assert"));
  return `${prompt.trim()}\n\nWrite it in Python as a function named ${entry_point}` +
    `${example ? `, such that\n\n    ${example.trim()}\n` : "."}` +
    "\nAnswer with the whole module in one ```python block.";
}

function indented(text: string): string {
  return text.trimEnd().split("\n").map((line) => `    ${line}`).join("\n");
}
