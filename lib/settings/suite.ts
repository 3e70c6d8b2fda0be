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

/** An evaluator's name and, beside it, that evaluator's own options. */
export interface EvaluatorChoice {
  /** A built-in evaluator, or one that is given to the run. */
  name: string;
  /** An option of that evaluator. */
  [option: string]: unknown;
}

/** One turn of a conversation, in the form of the chat API. */
export interface Message {
  /** "system", "user", "assistant" and the like. */
  role: string;
  /** A text, or the API's list of parts. */
  content: string | Record<string, unknown>[];
  /** Fields of other programs are kept. */
  [field: string]: unknown;
}

/** One test of a suite: either `prompt` or `messages`. */
export interface TestCase {
  /** Unique in the suite. */
  id: string;
  /** What people call it. */
  name: string;
  /** What figures are grouped by. */
  category: string;
  /** For people. */
  description?: string | undefined;
  /** The type of reasoning it asks for; reasoning evaluators use it. */
  reasoning_type?: string | undefined;
  /** The text that is asked. */
  prompt?: string | undefined;
  /** A conversation that is asked. */
  messages?: Message[] | undefined;
  /** Sampling parameters, sent as they are. */
  parameters?: Record<string, unknown> | undefined;
  /** How the answer is judged; default the suite's evaluator. */
  evaluator?: EvaluatorChoice | undefined;
  /** Fields of other programs are kept. */
  [field: string]: unknown;
}

/** A suite file: tests and how their answers are judged. */
export interface Suite {
  /** Where editors find the form of this file. */
  $schema?: string | undefined;
  /** Names the suite in results. */
  test_suite_id: string;
  /** The suite's own version, for people. */
  version?: string | undefined;
  /** For people. */
  description?: string | undefined;
  /** How answers are judged where a test says nothing; without one they are not. */
  evaluator?: EvaluatorChoice | undefined;
  /** At least one. */
  tests: TestCase[];
  /** Fields of other programs are kept. */
  [field: string]: unknown;
}
