/** The schema of a test suite file: prompts or messages, parameters, and evaluators. */
import { z } from "zod";
import { count, fileForms, nonEmpty, type OutputOf, schemaField, seconds } from "./setting.ts";

/**
 * The schema of a message.
 *
 * @internal
 */
export const messageSchema = z.looseObject({
  /** "system", "user", "assistant" and the like. */
  role: nonEmpty,
  /** A text, or a list of parts as in the API. */
  content: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]),
});

/**
 * The schema of a choice of evaluator.
 *
 * @internal
 */
export const evaluatorSchema = z.looseObject({
  /** A built-in evaluator, or one that is passed to the run. */
  name: nonEmpty,
});

const suiteFunction = z.strictObject({
  /** The name by which the model calls it. */
  name: nonEmpty,
  /** A description for the model. */
  description: z.string().optional(),
  /** The JSON Schema of its arguments. */
  parameters: z.record(z.string(), z.unknown()).optional(),
  /** Its results: the first one with the arguments of the call, or without any, is used. */
  results: z.array(z.strictObject({
    arguments: z.record(z.string(), z.unknown()).optional()
      .describe("the call's arguments that this answers; without them, any call"),
    result: z.unknown().describe("what the model gets, as JSON"),
  })).min(1).optional().describe("what it gives, by the call's arguments"),
  /** A program that receives the arguments as JSON and prints the result. */
  command: z.array(nonEmpty).min(1).optional()
    .describe("a program that gets the arguments as JSON and prints the result"),
  timeout_s: seconds({ above: true, named: true }).optional()
    .describe("how long that program may take; 30 s"),
}).refine(({ results, command }) => (results === undefined) !== (command === undefined), {
  message: `give either "results" or "command"`,
});

/** The limits of a conversation. */
const conversationLimits = z.strictObject({
  /** Rounds of tool calls before an answer to the user. Default 10. */
  rounds: count.optional().describe("rounds of calls before an answer to the user; 10"),
  /** Input and output tokens; above this no further question is asked. */
  tokens: count.optional().describe("tokens in and out, beyond which nothing more is asked"),
  /** Seconds; after this no further question is asked. Default 600. */
  time_s: seconds({ above: true, named: true }).optional(),
});

/**
 * The schema of a test.
 *
 * @internal
 */
export const testSchema = z.strictObject({
  /** Unique in the suite. */
  id: nonEmpty,
  /** Its name for people. */
  name: nonEmpty,
  /** The category by which results are grouped. */
  category: nonEmpty,
  /** For people. */
  description: z.string().optional(),
  /** The type of reasoning that it asks for; used by reasoning evaluators. */
  reasoning_type: z.string().optional(),
  /** The text to send. */
  prompt: z.string().optional().describe("the text that is asked; this or messages"),
  /** A conversation to send. */
  messages: z.array(messageSchema).min(1).optional()
    .describe("a conversation that is asked; this or prompt"),
  /** The user's next message after each answer, and the evaluator of the answer to it. */
  turns: z.array(z.strictObject({
    prompt: nonEmpty.describe("what the user says after the last answer"),
    evaluator: evaluatorSchema.optional()
      .describe("how the answer to it is judged; without one it is not judged"),
  })).min(1).optional().describe("what the user says next, and how each answer is judged"),
  /** Functions that the model may call; the suite supplies the results. */
  functions: z.array(suiteFunction).min(1).optional()
    .describe("functions that the model may call, and what they return"),
  /** The limits of a test with turns or functions. */
  limits: conversationLimits.optional()
    .describe("limits of a test with turns or functions"),
  /** Sampling parameters, sent unchanged. */
  parameters: z.record(z.string(), z.unknown()).optional()
    .describe("sampling parameters, sent as they are"),
  /** An answer to judge unchanged, without asking the endpoint. */
  answer: z.string().optional()
    .describe("an answer that is judged as it is: the model is not asked"),
  /** The choice that people made for this answer, one of the judge's choices. */
  label: nonEmpty.optional()
    .describe("what people chose for this answer, of the judge's choices"),
  /** The evaluator of the answer; default the suite's evaluator. */
  evaluator: evaluatorSchema.optional()
    .describe("how the answer is judged, in place of the suite's evaluator"),
}).refine((test) => (test.prompt === undefined) !== (test.messages === undefined), {
  message: `give either "prompt" or "messages"`,
});

/**
 * The schema of a suite file.
 *
 * @internal
 */
export const suiteSchema = z.strictObject({
  $schema: schemaField,
  /** Identifies the suite in results. */
  test_suite_id: nonEmpty,
  /** The suite's own version, for people. */
  version: z.string().optional(),
  /** For people. */
  description: z.string().optional(),
  /** The evaluator for tests that have none; without it their answers are not judged. */
  evaluator: evaluatorSchema.optional()
    .describe(
      "how answers are judged where a test has no evaluator; without either they are not judged",
    ),
  /** At least one. */
  tests: z.array(testSchema).min(1, "the suite has no tests"),
}).register(fileForms, { name: "suite", title: "a test suite of dyno" });

/** An evaluator's name, together with that evaluator's own options. */
export interface EvaluatorChoice extends OutputOf<typeof evaluatorSchema> {}

/** One turn of a conversation, in the chat API's format; other fields are kept. */
export interface Message extends OutputOf<typeof messageSchema> {}

/** One test of a suite: either `prompt` or `messages`. */
export interface TestCase extends OutputOf<typeof testSchema> {}

/** A function whose results the suite supplies. */
export interface SuiteFunction extends OutputOf<typeof suiteFunction> {}

/** A suite file: tests and their evaluators. */
export interface Suite extends OutputOf<typeof suiteSchema> {}
