/** Turns a batch's questions into a suite, so that an evaluation is an ordinary run. */
import { type LoadedSuite, suiteOf } from "../settings/load_suite.ts";
import type { Batch, IndustryQuestion } from "../settings/batch.ts";

const SYSTEM = "Answer the question from the passages. Be brief, and give the figures that matter.";

/** The id of a question's test. */
export function testIdOf({ industry, id }: IndustryQuestion): string {
  return `${industry}/${id}`;
}

/** The suite: one test per question, in order, with the industry as its category. */
export function suiteOfBatch(batch: Batch): LoadedSuite {
  const value = {
    test_suite_id: batch.name,
    tests: batch.questions.map((question) => ({
      id: testIdOf(question),
      name: question.question,
      category: question.industry,
      messages: [
        { role: "system", content: batch.system ?? SYSTEM },
        { role: "user", content: promptOf(question) },
      ],
      ...(batch.parameters ? { parameters: batch.parameters } : {}),
      evaluator: { name: "coverage", key_points: question.key_points },
    })),
  };
  return suiteOf({ path: batch.path, text: JSON.stringify(value, null, 2), value });
}

function promptOf({ context, question }: IndustryQuestion): string {
  const passages = context.map((passage, i) => `Passage ${i + 1}: ${passage}`);
  return [...passages, `Question: ${question}`].join("\n\n");
}
