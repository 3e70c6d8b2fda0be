/** The form of a test suite file: prompts or messages, parameters, and how answers are judged. */
import { z } from "zod";

const message = z.object({
  role: z.string().min(1),
  content: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]),
}).loose();

/** An evaluator's name and, beside it, that evaluator's own options. */
const evaluatorChoice = z.object({ name: z.string().min(1) }).loose();

const testCase = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  category: z.string().min(1),
  description: z.string().optional(),
  reasoning_type: z.string().optional(),
  prompt: z.string().optional(),
  messages: z.array(message).min(1).optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  evaluator: evaluatorChoice.optional(),
}).loose().refine((test) => (test.prompt === undefined) !== (test.messages === undefined), {
  message: `give either "prompt" or "messages"`,
});

/** A suite file. Unknown fields are kept and named in a warning, so that others' suites load. */
export const suiteSchema = z.object({
  /** Where editors find the form of this file: what `dyno schema` printed. */
  $schema: z.string().optional(),
  test_suite_id: z.string().min(1),
  version: z.string().optional(),
  description: z.string().optional(),
  evaluator: evaluatorChoice.optional(),
  tests: z.array(testCase).min(1, "the suite has no tests"),
}).loose();

export type Suite = z.infer<typeof suiteSchema>;
export type TestCase = z.infer<typeof testCase>;
export type EvaluatorChoice = z.infer<typeof evaluatorChoice>;
