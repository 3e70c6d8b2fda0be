/** The form of a test suite file: prompts or messages, parameters, and how answers are judged. */
import { z } from "zod";
import { count, fileForms, nonEmpty, type OutputOf, schemaField, seconds } from "./setting.ts";

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

const suiteFunction = z.strictObject({
  /** What the model calls it by. */
  name: nonEmpty,
  /** What it does, for the model. */
  description: z.string().optional(),
  /** The JSON Schema of its arguments. */
  parameters: z.record(z.string(), z.unknown()).optional(),
  /** What it gives: the first whose arguments are those of the call, or that has none. */
  results: z.array(z.strictObject({
    arguments: z.record(z.string(), z.unknown()).optional()
      .describe("the call's arguments that this answers; without them, any call"),
    result: z.unknown().describe("what the model gets, as JSON"),
  })).min(1).optional().describe("what it gives, by the call's arguments"),
  /** A program that gets the arguments as JSON and prints the result. */
  command: z.array(nonEmpty).min(1).optional()
    .describe("a program that gets the arguments as JSON and prints the result"),
  timeout_s: seconds({ above: true, named: true }).optional()
    .describe("how long that program may take; 30 s"),
}).refine(({ results, command }) => (results === undefined) !== (command === undefined), {
  message: `give either "results" or "command"`,
});

/** What a conversation may take. */
const conversationLimits = z.strictObject({
  /** Rounds of calls before an answer to the user. Default 10. */
  rounds: count.optional().describe("rounds of calls before an answer to the user; 10"),
  /** Tokens in and out; no further question is asked beyond. */
  tokens: count.optional().describe("tokens in and out, beyond which nothing more is asked"),
  /** Seconds; no further question is asked beyond. Default 600. */
  time_s: seconds({ above: true, named: true }).optional(),
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
  /** What the user says after each answer, and how the answer to it is judged. */
  turns: z.array(z.strictObject({
    prompt: nonEmpty.describe("what the user says after the last answer"),
    evaluator: evaluatorSchema.optional()
      .describe("how the answer to it is judged; without one it is not judged"),
  })).min(1).optional().describe("what the user says next, and how each answer is judged"),
  /** Functions that the model may call; the suite answers. */
  functions: z.array(suiteFunction).min(1).optional()
    .describe("functions that the model may call, and what they give"),
  /** What a test with turns or functions may take. */
  limits: conversationLimits.optional()
    .describe("what a test with turns or functions may take"),
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

/** A function that the suite answers. */
export interface SuiteFunction extends OutputOf<typeof suiteFunction> {}

/** A suite file: tests and how their answers are judged. */
export interface Suite extends OutputOf<typeof suiteSchema> {}
