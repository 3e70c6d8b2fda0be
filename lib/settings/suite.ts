/** The form of a test suite file: prompts or messages, parameters, and how answers are judged. */
import { z } from "zod";
import { fileForms, nonEmpty, schemaField } from "./setting.ts";
import type { OutputOf } from "./setting.ts";

/**
 * The form of a message.
 *
 * @internal
 */
export const messageSchema = z.looseObject({
  /** "system", "user", "assistant" and the like. */
  role: nonEmpty,
  /** A text, or the API's list of parts. */
  content: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]),
});

/**
 * The form of a choice of evaluator.
 *
 * @internal
 */
export const evaluatorSchema = z.looseObject({
  /** A built-in evaluator, or one that is given to the run. */
  name: nonEmpty,
});

/**
 * The form of a test.
 *
 * @internal
 */
export const testSchema = z.strictObject({
  /** Unique in the suite. */
  id: nonEmpty,
  /** What people call it. */
  name: nonEmpty,
  /** What figures are grouped by. */
  category: nonEmpty,
  /** For people. */
  description: z.string().optional(),
  /** The type of reasoning it asks for; reasoning evaluators use it. */
  reasoning_type: z.string().optional(),
  /** The text that is asked. */
  prompt: z.string().optional().describe("the text that is asked; this or messages"),
  /** A conversation that is asked. */
  messages: z.array(messageSchema).min(1).optional()
    .describe("a conversation that is asked; this or prompt"),
  /** Sampling parameters, sent as they are. */
  parameters: z.record(z.string(), z.unknown()).optional()
    .describe("sampling parameters, sent as they are"),
  /** An answer that is judged as it is, without asking. */
  answer: z.string().optional()
    .describe("an answer that is judged as it is: the model is not asked"),
  /** What people chose for this answer, of the judge's choices. */
  label: nonEmpty.optional()
    .describe("what people chose for this answer, of the judge's choices"),
  /** How the answer is judged; default the suite's evaluator. */
  evaluator: evaluatorSchema.optional()
    .describe("how the answer is judged, in place of the suite's evaluator"),
}).refine((test) => (test.prompt === undefined) !== (test.messages === undefined), {
  message: `give either "prompt" or "messages"`,
});

/**
 * The form of a suite file.
 *
 * @internal
 */
export const suiteSchema = z.strictObject({
  $schema: schemaField,
  /** Names the suite in results. */
  test_suite_id: nonEmpty,
  /** The suite's own version, for people. */
  version: z.string().optional(),
  /** For people. */
  description: z.string().optional(),
  /** How answers are judged where a test says nothing; without one they are not. */
  evaluator: evaluatorSchema.optional()
    .describe("how answers are judged where a test says nothing; without one they are not"),
  /** At least one. */
  tests: z.array(testSchema).min(1, "the suite has no tests"),
}).register(fileForms, { name: "suite", title: "a test suite of dyno" });

/** An evaluator's name and, beside it, that evaluator's own options. */
export interface EvaluatorChoice extends OutputOf<typeof evaluatorSchema> {}

/** One turn of a conversation, in the form of the chat API, whose further fields are kept. */
export interface Message extends OutputOf<typeof messageSchema> {}

/** One test of a suite: either `prompt` or `messages`. */
export interface TestCase extends OutputOf<typeof testSchema> {}

/** A suite file: tests and how their answers are judged. */
export interface Suite extends OutputOf<typeof suiteSchema> {}
