/** Several models, or adapters of one, under the same load: which request asks which. */
import { InputError } from "../errors.ts";
import type { PromptSource } from "./prompts/prompts.ts";

/** A model and its share of the requests, as a weight. */
export interface WeightedModel {
  name: string;
  weight: number;
}

/**
 * Reads models: one name as it stands; of several each `NAME=WEIGHT`, where no weight is 1.
 *
 * @throws {InputError} one that is there twice, or without a name.
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
 * The same prompts, each with a model: by weight, spread evenly, so that any number of them in a row has
 * each model's share, to within one request (smooth weighted round-robin, as nginx has it). A conversation keeps its own.
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

/** Several models as a run's one is called. */
export function modelsText(names: readonly string[]): string {
  return names.join(" + ");
}
