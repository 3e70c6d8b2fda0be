/** Finds evaluators by name, and holds what all of them share. */
import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { InputError, InputFaults, messageOf } from "../errors.ts";
import { showPath } from "../settings/json_file.ts";
import { objectOr } from "../json_fields.ts";
import { tlsBesideFile } from "../settings/beside_file.ts";
import { checked } from "../settings/setting.ts";
import { didYouMean } from "../text/nearest.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { bleu } from "./evaluators/bleu.ts";
import { judgedInTime } from "./evaluators/bounded_time.ts";
import { chrf } from "./evaluators/chrf.ts";
import { command } from "./evaluators/command.ts";
import { composition, compositionNames } from "./compose.ts";
import { contains } from "./evaluators/contains.ts";
import { exact } from "./evaluators/exact.ts";
import { f1 } from "./evaluators/f1.ts";
import { judgeEvaluator } from "./evaluators/judge/judge.ts";
import { jsonSchema } from "./evaluators/json_schema.ts";
import { reasoningScoring } from "./evaluators/reasoning_score.ts";
import { regex } from "./evaluators/regex.ts";
import { refusal } from "./evaluators/refusal.ts";
import { rouge } from "./evaluators/rouge.ts";
import { similarity } from "./evaluators/similarity.ts";
import { targets } from "./evaluators/targets.ts";
import { toolCalls } from "./evaluators/tool_calls.ts";
import type { z } from "zod";
import type { EvaluatorChoice } from "../settings/suite.ts";
import { verdict } from "./evaluators/verdict.ts";
import type { Evaluation } from "../run/test_result.ts";
import type {
  Evaluator,
  EvaluatorReturn,
  Judgement,
  OptionsForm,
  ResolvedEvaluator,
} from "./evaluator.ts";

const builtIn: Record<string, Evaluator> = Object.fromEntries(
  [
    exact,
    contains,
    regex,
    jsonSchema,
    targets,
    rouge,
    bleu,
    chrf,
    f1,
    toolCalls,
    refusal,
    reasoningScoring,
    judgeEvaluator,
    similarity,
    command,
  ].map((evaluator) => [evaluator.name, evaluator as Evaluator]),
);

/** Evaluators with many patterns, loaded only when a suite names them. */
const late: Record<string, () => Promise<Evaluator>> = {
  numeric: async () => (await import("./evaluators/numeric.ts")).numeric as Evaluator,
  math: async () => (await import("./evaluators/math.ts")).math as Evaluator,
  multiple_choice: async () =>
    (await import("./evaluators/multiple_choice.ts")).multipleChoice as Evaluator,
  ifeval: async () => (await import("./evaluators/ifeval.ts")).ifeval as Evaluator,
};

/** Names of the built-in evaluators. */
export const evaluatorNames: string[] = [builtIn, late].flatMap(Object.keys)
  .concat(compositionNames);

/**
 * Finds the evaluator that a suite names and checks its options.
 *
 * @param where the place in the suite, for error messages.
 * @param directory the folder that a module's path is relative to.
 * @param further evaluators in addition to the built-in ones.
 * @throws {InputError} an unknown name (the message lists the nearest ones), or an invalid option.
 */
export async function resolveEvaluator(
  choice: EvaluatorChoice,
  where: string,
  directory: string,
  further: Record<string, Evaluator<unknown, EvaluatorReturn>> = {},
): Promise<ResolvedEvaluator> {
  const { name, ...given } = choice;
  const part = (choice: EvaluatorChoice, place: string) =>
    resolveEvaluator(choice, place, directory, further);
  const known = { ...builtIn, ...late, ...composition(where, part), ...further };
  const evaluator = await find(name, where, directory, known);
  const options = checked(evaluator.options as z.ZodType, given);
  if ("complaints" in options) {
    const lines = options.complaints.map(({ path, message, found }) => {
      const place = showPath(message.startsWith(`"${path.at(-1)}"`) ? path.slice(0, -1) : path);
      return `${where} (${name})${place ? `: ${place}` : ""}: ${message}${found}`;
    });
    throw new InputFaults(lines);
  }
  const isOurs = !Object.hasOwn(further, name) && // not the caller's evaluator of the same name
    [builtIn, late].some((own) => Object.hasOwn(own, name));
  const value = isOurs && evaluator.models ? modelsBeside(options.value, directory) : options.value;
  try {
    await evaluator.prepare?.(value);
  } catch (error) {
    const said = messageOf(error);
    throw new InputError(said.startsWith(where) ? said : `${where} (${name}): ${said}`);
  }
  return {
    name,
    models: evaluator.models?.(value) ?? [],
    evaluate: async (answer) => {
      const judge = () => evaluator.evaluate({ ...answer, directory }, value);
      const { response_text } = answer;
      const judged = await (isOurs ? judgedInTime(name, response_text, judge) : judge());
      return evaluationOf(name, judged);
    },
  };
}

/** Options of one judge or several, with the paths of certificates resolved from the suite's folder. */
function modelsBeside(options: unknown, directory: string): unknown {
  const own = tlsBesideFile(objectOr(options), directory);
  if (!Array.isArray(own.judges)) return own;
  return { ...own, judges: own.judges.map((each) => tlsBesideFile(objectOr(each), directory)) };
}

/**
 * Converts an evaluator's return value to an evaluation: an evaluation itself, a boolean, a score from 0
 * to 1, or an object with `passed`, `score` or both.
 *
 * @throws {Error} any other value.
 */
function evaluationOf(evaluator: string, judged: EvaluatorReturn): Evaluation {
  if (typeof judged === "boolean") return verdict(evaluator, judged, "");
  const given = typeof judged === "number" ? { score: judged } : judged;
  if (typeof given === "object" && given !== null) {
    if ("hit_rate" in given && "targets" in given) return given as Evaluation;
    const { score, passed = score === 1, detail = "", ...more } = given as Judgement;
    const fits = typeof passed === "boolean" && (score === undefined || score >= 0 && score <= 1);
    if (fits && (score !== undefined || "passed" in given)) {
      const rate = score ?? (passed ? 1 : 0);
      const judged = verdict(evaluator, passed, String(detail));
      return { ...judged, ...more, created_hits: rate, hit_rate: rate };
    }
  }
  throw new Error(
    `${evaluator} returned ${
      JSON.stringify(judged) ?? String(judged)
    }; expected true, false, a score ` +
      "from 0 to 1, or {passed, score, detail}",
  );
}

/** The options of an evaluator that does not declare any: everything is accepted. */
const ANY_OPTIONS: OptionsForm = { safeParse: (data) => ({ success: true, data }) };

async function find(
  name: string,
  where: string,
  directory: string,
  known: Record<string, Evaluator<unknown, EvaluatorReturn> | (() => Promise<Evaluator>)>,
): Promise<Evaluator<unknown, EvaluatorReturn>> {
  if (Object.hasOwn(known, name)) {
    const found = known[name];
    return typeof found === "function" ? await found() : found;
  }
  if (!/^\.{1,2}\/|^\//.test(name)) {
    const hint = didYouMean(name, Object.keys(known)) ||
      `; known: ${Object.keys(known).join(", ")}`;
    throw new InputError(`${where}: no evaluator "${name}"${hint}`);
  }
  const path = isAbsolute(name) ? name : resolve(directory, name);
  if (!existsSync(path)) throw new InputError(`${where}: ${noSuchFile(path)}`);
  let found:
    | Partial<Evaluator<unknown, EvaluatorReturn>>
    | Evaluator<unknown, EvaluatorReturn>["evaluate"]
    | undefined;
  try {
    found = (await import(pathToFileURL(path).href)).default;
  } catch (error) {
    throw new InputError(`${where}: ${path}: cannot be loaded: ${messageOf(error)}`);
  }
  const module = typeof found === "function" ? { evaluate: found } : found;
  const { evaluate, options = ANY_OPTIONS } = module ?? {};
  if (typeof evaluate !== "function" || typeof options.safeParse !== "function") {
    throw new InputError(
      `${where}: ${path}: its default export is not an evaluator; expected a function of the answer, or ` +
        "{name, options, evaluate}",
    );
  }
  return { name, ...module, evaluate: evaluate.bind(module), options };
}
