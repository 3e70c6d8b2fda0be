/** Several models, or adapters of one model, under the same load: which request is for which model. */
import { InputError } from "../errors.ts";
import type { PromptSource } from "./prompts/prompts.ts";

/** A model and the weight of its share of the requests. */
export interface WeightedModel {
  name: string;
  weight: number;
}

/**
 * Reads models: a single name is taken as it is; each of several is `NAME=WEIGHT`, or `NAME` for a
 * weight of 1.
 *
 * @throws {InputError} a model without a name, or one that is listed twice.
 */
export function weightedModels(given: string | readonly string[] | undefined): WeightedModel[] {
  const texts = given === undefined ? [] : typeof given === "string" ? [given] : given;
  if (texts.length === 1) return [{ name: texts[0], weight: 1 }];
  const models = texts.map((text) => {
    const [, name, number] = /^(.+)=([\d.]+)$/.exec(text) ?? [null, text, "1"];
    const weight = Number(number);
    if (!(weight > 0)) {
      throw new InputError(`--model: "${text}"; expected NAME=WEIGHT with a weight above 0`);
    }
    return { name, weight };
  });
  const twice = models.find(({ name }, i) => models.findIndex((other) => other.name === name) < i);
  if (twice) {
    throw new InputError(`--model: "${twice.name}" is given twice; one with its weight will do`);
  }
  return models;
}

/**
 * Assigns a model to each prompt, by weight and evenly spread: any run of consecutive prompts has
 * each model's share to within one request (smooth weighted round-robin, as in nginx). A
 * conversation keeps its model.
 */
export function withModels(
  source: PromptSource,
  models: readonly WeightedModel[],
): PromptSource {
  if (models.length < 2) return source;
  const whole = models.reduce((sum, { weight }) => sum + weight, 0);
  const due = models.map(() => 0);
  return {
    ...source,
    next: () => {
      const prompt = source.next();
      if (prompt === null) return null;
      models.forEach(({ weight }, i) => due[i] += weight);
      const chosen = due.indexOf(Math.max(...due));
      due[chosen] -= whole;
      return { ...prompt, parameters: { ...prompt.parameters, model: models[chosen].name } };
    },
  };
}

/** The name of several models where a run needs a single one. */
export function modelsText(names: readonly string[]): string {
  return names.join(" + ");
}
