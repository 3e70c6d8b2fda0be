/** Other programs' JSON lines of tests: runs OpenAI's evals, and refuses lm-eval's samples by name. */
import { InputError } from "../../errors.ts";
import { readLines } from "../../formats/json_lines.ts";
import { asObject, type JsonObject } from "../../json_fields.ts";
import { parseJson } from "../../settings/json_file.ts";

/**
 * The suite in a file of OpenAI's evals, with each test's line; null for lines of another kind. A sample
 * is right if the answer begins with an ideal answer, as evals' own Match judges.
 *
 * @throws {InputError} lm-eval's samples, or a sample without an ideal answer, with its line.
 */
export async function evalsSuite(
  path: string,
): Promise<{ test_suite_id: string; tests: JsonObject[]; lines: number[] } | null> {
  const tests: JsonObject[] = [], lines: number[] = [];
  for await (const { line, number } of readLines(path, true)) {
    if (tests.length === 0 && !/^\s*\{.*"(?:input|resps)"/.test(line)) return null;
    const row = asObject(parseJson(`${path}:${number}`, line).value);
    if (tests.length === 0) {
      if (row !== null && "doc_id" in row && "resps" in row) {
        throw new InputError(
          `${path}: lm-eval's samples are a model's answers, not tests. To ask them of another ` +
            "model, write a suite with rows and {{ row.doc.question }} (docs/suites.md); definitions of " +
            "GSM8K, MMLU, ARC and others are in experiments/suites",
        );
      }
      if (row === null || !("input" in row) || "task_id" in row) return null;
    }
    tests.push(testOf(row, tests.length + 1, `${path}:${number}`));
    lines.push(number);
  }
  return tests.length === 0 ? null : { test_suite_id: "evals", tests, lines };
}

function testOf(row: JsonObject | null, number: number, where: string): JsonObject {
  const { input, ideal } = row ?? {};
  const wanted = (Array.isArray(ideal) ? ideal : [ideal]).filter((each) =>
    typeof each === "string"
  );
  if (wanted.length === 0) {
    throw new InputError(
      `${where}: a sample of OpenAI's evals without "ideal": a model would judge it; write a suite with ` +
        "rows and the evaluator judge (docs/evaluators.md)",
    );
  }
  const asked = typeof input === "string" ? { prompt: input } : { messages: input };
  const choices = wanted.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return {
    id: `sample_${number}`,
    name: `Sample ${number}`,
    category: "evals",
    ...asked,
    evaluator: { name: "regex", pattern: `^(?:${choices})` },
  };
}
