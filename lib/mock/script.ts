/** A script of answers, so that the mock endpoint's answers can be scored. */
import { z } from "zod";
import { checkJson, readJsonFile } from "../settings/json_file.ts";
import { fileForms, schemaField, seconds } from "../settings/setting.ts";

const answer = z.strictObject({
  /** The whole prompt. */
  prompt: z.string().optional(),
  /** A part of it. */
  contains: z.string().optional(),
  /** A regular expression found in it. */
  pattern: z.string().refine(isPattern, "is not a regular expression").optional(),
  /** The answer. */
  response: z.string(),
  /** Sent before the response, as reasoning_content. */
  reasoning: z.string().optional(),
  /** Time before the answer starts, instead of the mock's. */
  delay_s: seconds({ named: true }).optional(),
  /** The pace of the answer, instead of the mock's. */
  tokens_per_second: z.number().positive().optional(),
}).refine(
  ({ prompt, contains, pattern }) =>
    [prompt, contains, pattern].filter((rule) => rule !== undefined).length === 1,
  { message: `give one of "prompt", "contains" and "pattern"` },
);

export const mockScriptSchema = z.strictObject({
  $schema: schemaField,
  /** The answer to any other prompt. */
  default_response: z.string().optional(),
  /** Answers by prompt; the first that matches is given. */
  answers: z.array(answer),
}).register(fileForms, { name: "mock-script", title: "a script of dyno's mock endpoint" });

export type MockScript = z.infer<typeof mockScriptSchema>;
export type ScriptedAnswer = z.infer<typeof answer>;

/** Reads a script. @throws {InputError} says file, line and column. */
export async function loadMockScript(path: string): Promise<MockScript> {
  return checkJson(await readJsonFile(path), mockScriptSchema);
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "s");
    return true;
  } catch {
    return false;
  }
}

/** Finds the first answer whose rule matches a prompt. */
export class Script {
  readonly #exact = new Map<string, ScriptedAnswer>();
  readonly #rules: { fits: (prompt: string) => boolean; answer: ScriptedAnswer }[] = [];

  constructor(script: MockScript) {
    for (const answer of script.answers) {
      const { prompt, contains, pattern } = answer;
      if (prompt !== undefined) {
        if (!this.#exact.has(prompt)) this.#exact.set(prompt, answer);
      } else if (contains !== undefined) {
        this.#rules.push({ answer, fits: (text) => text.includes(contains) });
      } else {
        const expression = new RegExp(pattern!, "s");
        this.#rules.push({ answer, fits: (text) => expression.test(text) });
      }
    }
  }

  /** Whole prompts are matched before parts and patterns. */
  find(prompt: string): ScriptedAnswer | null {
    return this.#exact.get(prompt) ?? this.#rules.find(({ fits }) => fits(prompt))?.answer ?? null;
  }
}
