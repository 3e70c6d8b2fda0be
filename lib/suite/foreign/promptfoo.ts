/** Converts promptfoo's configuration to a suite: prompts × tests, with its assertions as evaluators. */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { InputError, messageOf } from "../../errors.ts";
import { asObject, type JsonObject, objectsIn } from "../../json_fields.ts";
import { type JsonFile, positionOf, showPath } from "../../settings/json_file.ts";
import { writtenText } from "../../read_whole.ts";
import { pathBeside } from "../beside.ts";
import { filled } from "../rows/template.ts";

/** More than any endpoint accepts in one request. */
const LARGEST_PROMPT = 50_000_000;

type Choice = { name: string; [option: string]: unknown };

/**
 * The suite that a configuration describes. Its providers are ignored: a run names its endpoint.
 *
 * @throws {InputError} parts that dyno does not support, by name and place.
 */
export function promptfooSuite(file: JsonFile): JsonObject {
  const config = asObject(file.value)!;
  const refuse = (path: (string | number)[], why: string) =>
    new InputError(`${file.path}:${positionOf(file, path)}: promptfoo's ${why}`);
  for (const name of ["scenarios", "nunjucksFilters", "extensions", "derivedMetrics"]) {
    if (name in config) throw refuse([name], `${name}: dyno does not run them`);
  }
  if (!Array.isArray(config.tests)) {
    throw refuse(["tests"], "tests: dyno runs a list of tests; expected them in this file");
  }
  const prompts = listOf(config.prompts).map((prompt, i) =>
    promptOf(prompt, file, (why) => refuse(["prompts", i], why))
  );
  const shared = asObject(config.defaultTest) ?? {};
  const tests = config.tests.flatMap((given, i) => {
    const test = asObject(given);
    if (test === null) {
      throw refuse(["tests", i], "tests: a file of tests is not supported; put the tests here");
    }
    const vars = { ...asObject(shared.vars), ...asObject(test.vars) };
    const many = Object.keys(vars).find((name) => Array.isArray(vars[name]));
    if (many !== undefined) {
      throw refuse(["tests", i, "vars", many], `lists of values (${many}): write a test for each`);
    }
    const options = { ...asObject(shared.options), ...asObject(test.options) };
    const changed = Object.keys(options).find((name) => name !== "provider");
    if (changed !== undefined) throw refuse(["tests", i, "options"], `option ${changed} of a test`);
    const asserts = [
      ...objectsIn(shared.assert).map((assert) => ({ assert, path: ["defaultTest", "assert"] })),
      ...objectsIn(test.assert).map((assert, n) => ({ assert, path: ["tests", i, "assert", n] })),
    ];
    const fill = (template: unknown, path: (string | number)[]) => {
      try {
        return filled(template, vars);
      } catch (error) {
        const at = positionOf(file, ["tests", i]);
        throw refuse(path, `${showPath(path)}: ${messageOf(error)} (of the test at ${at})`);
      }
    };
    const parts = asserts.map(({ assert, path }) => ({
      choice: choiceOf(
        fill(assert, path) as JsonObject,
        options.provider,
        (why) => refuse(path, why),
      ),
      weight: typeof assert.weight === "number" ? assert.weight : 1,
    }));
    return prompts.map((prompt, p) => ({
      id: `t${i + 1}${prompts.length > 1 ? `_p${p + 1}` : ""}`,
      name: String(test.description ?? `Test ${i + 1}`),
      category: prompts.length > 1 ? `prompt ${p + 1}` : "promptfoo",
      ...fill(prompt, Array.isArray(config.prompts) ? ["prompts", p] : ["prompts"]) as object,
      ...(parts.length > 0 ? { evaluator: together(parts, test.threshold) } : {}),
    }));
  });
  return { test_suite_id: String(config.description ?? "promptfoo"), tests };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function promptOf(
  given: unknown,
  { path }: JsonFile,
  refuse: (why: string) => InputError,
): { prompt: string } | { messages: unknown[] } {
  const text = typeof given === "string" ? given : asObject(given)?.raw;
  if (typeof text !== "string") throw refuse("prompt of this form: give a text");
  const [, named] = /^file:\/\/(.*)$/.exec(text) ?? [];
  if (named !== undefined && !/\.(txt|json|md)$/.test(named)) {
    throw refuse(`prompt ${text}: dyno reads .txt, .md and .json`);
  }
  let words = text;
  try {
    if (named !== undefined) {
      const beside = pathBeside(dirname(path), named);
      if (statSync(beside).size > LARGEST_PROMPT) throw new Error("more than 50 MB");
      words = writtenText(beside, readFileSync(beside));
    }
  } catch (error) {
    throw refuse(`prompt ${text}: ${messageOf(error)}`);
  }
  if (!/^\s*\[/.test(words)) return { prompt: words };
  try {
    return { messages: JSON.parse(words) };
  } catch {
    return { prompt: words };
  }
}

/** All must pass; with weights or a threshold, their weighted mean must reach it. */
function together(parts: { choice: Choice; weight: number }[], threshold: unknown): Choice {
  const evaluators = parts.map(({ choice }) => choice);
  const counted = parts.filter(({ weight }) => weight > 0);
  if (typeof threshold === "number" && threshold > 0 && counted.length > 0) {
    return {
      name: "weighted",
      evaluators: counted.map(({ choice }) => choice),
      weights: counted.map(({ weight }) => weight),
      pass_at: threshold,
    };
  }
  return evaluators.length === 1 ? evaluators[0] : { name: "all", evaluators };
}

function escaped(text: unknown): string {
  return String(text).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Splits `openai:chat:gpt-4o` into a provider and its model. */
function modelOf(provider: unknown, refuse: (why: string) => InputError): object {
  if (provider === undefined) return {};
  const text = typeof provider === "string" ? provider : asObject(provider)?.id;
  const match = /^(\w+):(?:(?:chat|completion|embeddings?|responses):)?([^]+)$/.exec(String(text));
  if (match === null) throw refuse(`provider ${JSON.stringify(provider)} of a judge`);
  return { provider: match[1], model: match[2] };
}

function choiceOf(
  { type, value, threshold, provider }: JsonObject,
  shared: unknown,
  refuse: (why: string) => InputError,
): Choice {
  const at = (otherwise: number) => typeof threshold === "number" ? threshold : otherwise;
  const contains = (mode: string, case_sensitive: boolean): Choice => ({
    name: "contains",
    expected: mode === "all" && !Array.isArray(value) ? String(value) : listOf(value).map(String),
    mode,
    case_sensitive,
  });
  const without = (pattern: string, flags: string): Choice => ({
    name: "regex",
    pattern: `^(?![^]*(?:${pattern}))`,
    flags,
  });
  switch (type) {
    case "equals":
      return { name: "exact", expected: String(value), case_sensitive: true };
    case "contains":
    case "contains-all":
      return contains("all", true);
    case "icontains":
    case "icontains-all":
      return contains("all", false);
    case "contains-any":
      return contains("any", true);
    case "icontains-any":
      return contains("any", false);
    case "not-contains":
      return without(escaped(value), "");
    case "not-icontains":
      return without(escaped(value), "i");
    case "regex":
      return { name: "regex", pattern: String(value) };
    case "not-regex":
      return without(String(value), "");
    case "starts-with":
      return { name: "regex", pattern: `^${escaped(value)}` };
    case "is-json":
    case "contains-json":
      return { name: "json_schema", schema: asObject(value) ?? {} };
    case "is-refusal":
      return { name: "refusal" };
    case "not-is-refusal":
      return { name: "refusal", expected: false };
    case "similar":
      return {
        name: "similarity",
        expected: listOf(value).map(String),
        pass_at: at(0.75),
        ...modelOf(provider ?? "openai:text-embedding-3-large", refuse),
      };
    case "llm-rubric":
      return {
        name: "judge",
        rubric: String(value),
        choices: { pass: 1, fail: 0 },
        ...modelOf(provider ?? shared, refuse),
      };
    case "factuality":
      return {
        name: "judge",
        rubric: "The answer says the same as the right answer, and nothing that contradicts it.",
        reference: String(value),
        choices: { pass: 1, fail: 0 },
        ...modelOf(provider ?? shared, refuse),
      };
    default:
      throw refuse(
        `assertion "${type}" has no equivalent in dyno; docs/evaluators.md lists its evaluators`,
      );
  }
}
