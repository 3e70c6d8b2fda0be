/** The file of integration scenarios: models, packages, and the tasks to run with them. */
import { z } from "zod";
import { InputError } from "../errors.ts";
import { providerNames } from "../endpoint/providers.ts";
import {
  checkJson,
  type JsonFile,
  positionOf,
  readJsonFile,
  showPath,
} from "../settings/json_file.ts";
import { didYouMean } from "../text/nearest.ts";
import { endpointSettings } from "../settings/endpoint.ts";
import { mockPart } from "../settings/mock.ts";
import { asGiven, fileForms, schemaField, seconds } from "../settings/setting.ts";

const { endpoint, provider, api_key_env } = endpointSettings.shape;
const place = { endpoint, provider, api_key_env };
const names = z.array(z.string().min(1)).min(1);

const scenarioSchema = z.strictObject({
  /** The scenario's name. */
  name: z.string().regex(/^\w[\w-]{0,63}$/, "expected up to 64 letters, digits, _ and -"),
  /**
   * Each model is asked for all packages, one model at a time. Default: the first model in the
   * file.
   */
  models: names.optional(),
  /** Default: all packages in the file. */
  packages: names.optional(),
  /** Whether a callback about the end must arrive. */
  webhook: z.boolean().default(false),
  /** The lowest mean score at which the scenario passes. */
  min_hit_rate: z.number().min(0).max(1).optional(),
});

/** A file of `dyno integration`. */
export const integrationSchema = z.strictObject({
  $schema: schemaField,
  /** A suite, by its name on the server; its tests are the packages. */
  suite: z.string().min(1),
  /** For all models without their own. If missing, the mock endpoint is started. */
  ...place,
  /** The models that are asked. */
  models: z.array(z.strictObject({ model: z.string().min(1), ...place })).min(1),
  /** Ids of the suite's tests. */
  packages: names,
  /** Further fields of each task, such as workers. */
  task: z.record(z.string(), z.unknown()).default({}),
  /** The most time for a task, including waiting, seconds. */
  timeout_s: seconds({ above: true, named: true }).default(600)
    .describe("how long a task may take, waiting included"),
  /** The scenarios, submitted one at a time. */
  scenarios: z.array(scenarioSchema).min(1),
  /** Settings of the mock endpoint. */
  mock: asGiven(mockPart).prefault({}),
}).register(fileForms, { name: "integration", title: "scenarios of dyno integration" });

export type IntegrationConfig = z.infer<typeof integrationSchema>;
export type IntegrationModel = IntegrationConfig["models"][number];

/** One task of a scenario. */
export interface ScenarioStep {
  /** For example baseline_gpt4o_mini_1pkg. */
  name: string;
  scenario: string;
  model: IntegrationModel;
  packages: string[];
  webhook: boolean;
  /** Null if there is no minimum. */
  min_hit_rate: number | null;
}

/** @throws {InputError} says what is wrong, with file, line and column. */
export async function loadIntegration(path: string): Promise<IntegrationConfig> {
  const file = await readJsonFile(path);
  const config = checkJson(file, integrationSchema);
  const models = config.models.map(({ model }) => model);
  checkProvider(file, [], config.provider);
  config.models.forEach(({ provider }, i) => checkProvider(file, ["models", i], provider));
  config.scenarios.forEach((scenario, i) => {
    refuseUnknown(file, ["scenarios", i, "models"], scenario.models ?? [], models);
    refuseUnknown(file, ["scenarios", i, "packages"], scenario.packages ?? [], config.packages);
  });
  return config;
}

/** @throws {InputError} there is no such preset. */
function checkProvider(file: JsonFile, path: (string | number)[], name: string | undefined): void {
  if (name === undefined || providerNames.includes(name)) return;
  const place = [...path, "provider"];
  throw new InputError(
    `${file.path}:${positionOf(file, place)}: ${showPath(place)}: "${name}" is not known` +
      `${didYouMean(name, providerNames) || ";"} known: ${providerNames.join(", ")}`,
  );
}

/**
 * The tasks of the scenarios, in order.
 *
 * @param chosen names of scenarios; null for all.
 * @throws {InputError} no scenario has a chosen name.
 */
export function stepsOf(
  config: IntegrationConfig,
  chosen: readonly string[] | null,
): ScenarioStep[] {
  const known = config.scenarios.map(({ name }) => name);
  const unknown = chosen?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`--scenario: "${unknown}" is not there; expected ${known.join(", ")}`);
  }
  return config.scenarios.filter(({ name }) => chosen === null || chosen.includes(name))
    .flatMap(({ name: scenario, models, packages = config.packages, ...rest }) =>
      (models ?? [config.models[0].model]).map((model) => ({
        name: `${scenario}_${slugOf(model)}_${packages.length}pkg`,
        scenario,
        model: config.models.find((each) => each.model === model)!,
        packages,
        webhook: rest.webhook,
        min_hit_rate: rest.min_hit_rate ?? null,
      }))
    );
}

/** The endpoint for a model's requests; null for the mock endpoint. */
export function endpointOf(config: IntegrationConfig, model: IntegrationModel) {
  const { endpoint, provider, api_key_env } = model.endpoint ?? model.provider ? model : config;
  return endpoint ?? provider ? { endpoint, provider, api_key_env } : null;
}

/** A name for ids: `gpt-4o-mini` becomes gpt4o_mini. */
function slugOf(model: string): string {
  return model.toLowerCase().replace(/([a-z])-(?=\d)/g, "$1").replace(/[^a-z0-9]+/g, "_");
}

function refuseUnknown(
  file: JsonFile,
  path: (string | number)[],
  given: readonly string[],
  known: readonly string[],
): void {
  const wrong = given.findIndex((name) => !known.includes(name));
  if (wrong < 0) return;
  throw new InputError(
    `${file.path}:${positionOf(file, [...path, wrong])}: "${given[wrong]}" is not one of the ` +
      `file's ${path.at(-1)}: ${known.join(", ")}`,
  );
}
