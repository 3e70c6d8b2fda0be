/** What tasks may request: everything that a server refuses is here. */
import { InputError, messageOf } from "../../errors.ts";
import { keyOriginsText, keyUsesOf, mayGo } from "../../endpoint/key_origins.ts";
import { provider as presetOf } from "../../endpoint/providers.ts";
import { isSecretHeader } from "../../endpoint/secret_names.ts";
import { endpointsOf } from "../../settings/endpoint.ts";
import { DEFAULT_SIM } from "../../sweep/config.ts";
import { argumentText } from "../../sweep/exact_json.ts";
import { isJsonObject } from "../../json_fields.ts";
import type { LoadedSuite } from "../../settings/load_suite.ts";
import type { SweepConfig } from "../../sweep/sweep.ts";
import type { EndpointGuard } from "../../endpoint/ssrf_guard.ts";
import type { KeyOrigin, KeyUse } from "../../endpoint/key_origins.ts";
import type { AllowedPaths } from "./allowed_paths.ts";
import type { LoadStage } from "../../load/stages.ts";
import type { LoadTask, SuiteTask } from "./request.ts";

/** Names of dyno's own simulator. */
const OWN_SIMULATOR = [DEFAULT_SIM, "agent_sched_sim"];

/**
 * Its flags that name files and folders, in the form it compares them: dashes become underscores.
 */
const SIM_FILES = ["__config", "__out_dir"];

/** The most runs of a sweep. */
const MOST_RUNS = 100_000;
/** The most requests of a load. */
const MOST_REQUESTS = 10_000_000;
const MOST_IN_FLIGHT = 100_000;

/** Settings of a load that determine its size. */
const MOST_STAGES = 1000;
const MOST_WORKERS = 10_000;
type LoadSize = Pick<LoadTask, "requests" | "concurrency" | "rate" | "duration_s" | "warmup">;

/** What an operator allows tasks to do. */
export interface TaskPolicy {
  paths: AllowedPaths;
  /** Whether programs that a suite or a sweep names may be run. */
  allow_commands: boolean;
  /** Variables that may hold a task's API key, and where each key may be sent. */
  keys: readonly KeyOrigin[];
  /**
   * The endpoints that tasks may contact; null if only programs on this host can reach the server.
   */
  endpoints: EndpointGuard | null;
  /** The folder of sweeps. */
  sweeps: string;
  /** The folder of batches' state. */
  batches: string;
}

/** What is wrong with a task, and where in its body. */
export class TaskRefused extends Error {
  override readonly name = "TaskRefused";
  readonly path: (string | number)[];
  /** The request has a valid form, but this server does not allow it. */
  readonly forbidden: boolean;
  constructor(path: (string | number)[], message: string, { forbidden = false } = {}) {
    super(message);
    this.path = path;
    this.forbidden = forbidden;
  }
}

/**
 * Refuses sweeps that would run a program of the client's choice, or read and write files anywhere.
 */
export function refuseCommands(config: SweepConfig): void {
  const refuse = (field: string, what: string) => {
    throw new TaskRefused(
      ["config", field],
      `${what}, which this server does not allow; it would with --allow-commands`,
    );
  };
  if (config.kind !== null) refuse("kind", "a sweep of dyno's own jobs chooses their flags");
  if (config.command !== null) refuse("command", "the sweep runs its own program");
  if (!OWN_SIMULATOR.includes(config.sim_binary)) {
    refuse("sim_binary", "the sweep runs its own program");
  }
  for (const part of ["common_args", "matrix"] as const) {
    if (Object.hasOwn(config[part], "config")) refuse(part, "config is a file of the simulator's");
  }
  const given = [
    ...config.ablations.flatMap(({ flags }) => flags),
    // after a switch, a value becomes a separate flag
    ...Object.values(config.common_args).map(argumentText),
    ...Object.values(config.matrix).flat().map(argumentText),
  ];
  const file = given.find((flag) => SIM_FILES.includes(flag.split("=")[0].replaceAll("-", "_")));
  if (file !== undefined) refuse("matrix", `${file} names a file or a folder`);
}

/** Checks the endpoint that a task names. */
export function checkEndpoint(
  { endpoint, provider, headers = {} }: SuiteTask | LoadTask,
): void {
  for (const each of endpointsOf({ endpoint })) {
    if (provider !== undefined) {
      throw new TaskRefused(["provider"], "expected endpoint or provider, not both");
    }
    const url = URL.canParse(each) ? new URL(each) : null;
    if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) {
      throw new TaskRefused(["endpoint"], "expected an http or https URL without a user's name");
    }
  }
  const secret = Object.keys(headers).find(isSecretHeader);
  if (secret !== undefined) {
    throw new TaskRefused(
      ["headers", secret],
      "a secret would be stored with the task; name its variable in api_key_env",
    );
  }
}

/** @throws {TaskRefused} tasks may not use the key, or not for that host. */
export function checkKey(path: (string | number)[], use: KeyUse, keys: readonly KeyOrigin[]): void {
  const found = at(path, () => keyUsesOf(use)).find((each) => !mayGo(each, keys));
  if (found === undefined) return;
  const { name, origin } = found;
  const known = keys.some((key) => mayGo({ name, origin: key.origin }, keys));
  const why = known
    ? `${name} is not sent to ${origin}`
    : `${name} is not a variable that tasks may use`;
  throw new TaskRefused(
    path,
    `${why}; allowed are ${keyOriginsText(keys).join(", ") || "none"} (the server's --key-env)`,
    { forbidden: known },
  );
}

/** @throws {TaskRefused} the sweep is too large for a task. */
export function checkRuns(runs: number): void {
  if (runs <= MOST_RUNS) return;
  throw new TaskRefused(["config", "matrix"], `${runs} runs; a task may have up to ${MOST_RUNS}`);
}

/** @throws {TaskRefused} the load is too large for a task. */
export function checkSize(
  { requests = 0, concurrency = 0, rate = 0, duration_s = 0, warmup = 0 }: LoadSize,
): void {
  const seconds = typeof duration_s === "number" ? duration_s : 0;
  const asked: [field: string, value: number, most: number][] = [
    ["requests", requests, MOST_REQUESTS],
    ["concurrency", concurrency, MOST_IN_FLIGHT],
    ["rate", rate * seconds, MOST_REQUESTS],
    ["warmup", warmup, MOST_REQUESTS],
  ];
  for (const [field, value, most] of asked) {
    if (value <= most) continue;
    const what = field === "concurrency" ? "in flight" : "requests";
    throw new TaskRefused([field], `${value} ${what}; a task may have up to ${most}`);
  }
}

/** @throws {TaskRefused} the stages together are too large for a task. */
export function checkStages(stages: readonly LoadStage[]): void {
  const requests = stages.reduce((all, { requests, rate, duration_s }) => {
    const mean_per_s = rate === null ? 0 : (rate.from_per_s + rate.to_per_s) / 2;
    return all + (requests ?? mean_per_s * (duration_s ?? 0));
  }, 0);
  const in_flight = Math.max(...stages.map(({ concurrency }) => concurrency ?? 0));
  const asked: [value: number, what: string, most: number][] = [
    [stages.length, "stages", MOST_STAGES],
    [Math.round(requests), "requests", MOST_REQUESTS],
    [in_flight, "in flight", MOST_IN_FLIGHT],
  ];
  for (const [value, what, most] of asked) {
    if (value <= most) continue;
    throw new TaskRefused(["stages"], `${value} ${what}; a task may have up to ${most}`);
  }
}

/** @throws {TaskRefused} there are more workers or epochs than a task may have. */
export function checkWorkers(asked: { workers?: number | "auto"; epochs?: number }): void {
  for (const field of ["workers", "epochs"] as const) {
    const value = asked[field];
    if (typeof value !== "number" || value <= MOST_WORKERS) continue;
    throw new TaskRefused([field], `${value}; a task may have up to ${MOST_WORKERS}`);
  }
}

/**
 * Checks where requests would go. A name that cannot be resolved now may be resolvable later; each
 * connection of the task is checked again.
 *
 * @throws {TaskRefused} this server's tasks may not contact the address.
 */
export async function checkReach(
  path: (string | number)[],
  { endpoint, provider }: KeyUse,
  guard: EndpointGuard | null,
): Promise<void> {
  const own = endpointsOf({ endpoint });
  const urls = own.length > 0
    ? own
    : at(path, () => provider === undefined ? [] : [presetOf(provider).base_url]);
  for (const url of guard === null ? [] : urls.filter((url) => URL.canParse(url))) {
    try {
      await guard!.addresses(new URL(url));
    } catch (error) {
      if ((error as { code?: string }).code !== undefined) continue;
      throw new TaskRefused(path, messageOf(error));
    }
  }
}

/** Refuses a file that names both a key and the endpoint that would receive it. */
export function refuseKeyOfFile(experiment: object): void {
  const key = ["api_key_env", "headers", "cert"].find((name) => name in experiment);
  if (key === undefined) return;
  throw new TaskRefused(
    ["endpoint"],
    `the experiment has ${key}, which is not sent to another endpoint than its own`,
  );
}

/**
 * Refuses evaluators that run programs this server does not allow, or that contact a model with a
 * key that the suite names.
 */
export async function checkEvaluators(
  { suite }: LoadedSuite,
  { allow_commands, keys, endpoints }: Omit<TaskPolicy, "paths">,
): Promise<void> {
  const all = [
    suite.evaluator,
    ...suite.tests.flatMap(({ evaluator, turns = [] }) => [
      evaluator,
      ...turns.map((turn) => turn.evaluator),
    ]),
  ].flatMap(partsOf);
  const runs = suite.tests.some(({ functions }) => functions?.some(({ command }) => command));
  if (!allow_commands && runs) {
    throw new TaskRefused(
      ["suite"],
      "functions of the suite run a program, which this server does not allow; it would with " +
        "--allow-commands",
    );
  }
  if (!allow_commands && all.some(({ name }) => name === "command" || /^[./]/.test(String(name)))) {
    throw new TaskRefused(
      ["suite"],
      "the suite judges answers with a program (evaluator command, or a module), which this server " +
        "does not allow; it would with --allow-commands",
    );
  }
  for (const use of all as KeyUse[]) {
    checkKey(["suite"], use, keys);
    await checkReach(["suite"], use, endpoints);
  }
}

/** An evaluator, the parts of a composition, and the models of a judge. */
function partsOf(evaluator: unknown): Record<string, unknown>[] {
  if (!isJsonObject(evaluator)) return [];
  const inner = [evaluator.evaluators, evaluator.judges].flatMap((list) =>
    Array.isArray(list) ? list : []
  );
  return [evaluator, ...inner.flatMap(partsOf)];
}

/** Adds a place in the body to an input error. */
export function at<T>(path: (string | number)[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refused(path, error);
  }
}

/** {@linkcode at} for asynchronous work. */
export async function atAsync<T>(path: (string | number)[], read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: (string | number)[], error: unknown): unknown {
  return error instanceof InputError ? new TaskRefused(path, messageOf(error)) : error;
}
