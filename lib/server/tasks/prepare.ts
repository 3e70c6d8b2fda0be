/** From a task to the command of dyno that carries it out; everything that may be refused is here. */
import process from "node:process";
import { join } from "node:path";
import { batchFolder } from "../../schedule/folder.ts";
import { InputError, messageOf } from "../../errors.ts";
import { loadBatch } from "../../settings/batch.ts";
import { holdsProblems, misplaced } from "../../settings/coding.ts";
import { experimentOf, looksLikeExperiment } from "../../settings/experiment.ts";
import { parseJson, readJsonFile } from "../../settings/json_file.ts";
import { loadProblems } from "../../coding/problems/load_problems.ts";
import { openSuite, suiteIn } from "../../suite/open_suite.ts";
import { planLoad } from "../../load/plan_load.ts";
import { keyOriginsText, keyUseOf, mayGo } from "../../endpoint/key_origins.ts";
import { provider as presetOf } from "../../endpoint/providers.ts";
import { isSecretHeader } from "../../endpoint/secret_names.ts";
import { keyUseOfModel } from "../../schedule/apis.ts";
import { DEFAULT_SIM, sweepConfigOf } from "../../sweep/config.ts";
import { withWholePaths } from "../../sweep/job.ts";
import { argumentText } from "../../sweep/exact_json.ts";
import { plannedCount } from "../../sweep/plan.ts";
import { treeOf } from "../../sweep/run_sweep.ts";
import type { BatchFolder } from "../../schedule/folder.ts";
import type { Experiment } from "../../settings/experiment.ts";
import type { LoadedSuite } from "../../settings/load_suite.ts";
import type { SweepConfig } from "../../sweep/sweep.ts";
import type { EndpointGuard } from "../../endpoint/address.ts";
import type { KeyOrigin, KeyUse } from "../../endpoint/key_origins.ts";
import type { AllowedPaths } from "./allowed_paths.ts";
import type { BatchTask, LoadTask, SuiteTask, SweepTask, TaskRequest } from "./request.ts";

/** Names under which dyno's own simulator runs. */
const OWN_SIMULATOR = [DEFAULT_SIM, "agent_sched_sim"];

/** Its flags that name files and folders, as it reads them: a dash is an underscore. */
const SIM_FILES = ["__config", "__out_dir"];

/** Of a sweep. */
const MOST_RUNS = 100_000;
/** Of a load. */
const MOST_REQUESTS = 10_000_000;
const MOST_IN_FLIGHT = 100_000;

/** What of a load's settings says how large it is. */
type LoadSize = Pick<LoadTask, "requests" | "concurrency" | "rate" | "duration_s">;

/** What an operator allows tasks to do. */
export interface TaskPolicy {
  paths: AllowedPaths;
  /** Programs that a suite or a sweep names may be run. */
  allow_commands: boolean;
  /** Variables that may hold a task's API key, and where each may go. */
  keys: readonly KeyOrigin[];
  /** What tasks may ask; null where only programs of this host reach the server. */
  endpoints: EndpointGuard | null;
  /** Where sweeps go. */
  sweeps: string;
  /** Where batches keep their state. */
  batches: string;
}

/** What is wrong with a task, and where in its body. */
export class TaskRefused extends Error {
  override readonly name = "TaskRefused";
  readonly path: (string | number)[];
  /** It asks for what this server gives nobody, rather than in a wrong form. */
  readonly forbidden: boolean;
  constructor(path: (string | number)[], message: string, { forbidden = false } = {}) {
    super(message);
    this.path = path;
    this.forbidden = forbidden;
  }
}

/** How a task is carried out: a file that is written first, and arguments behind the program's name. */
export interface Prepared {
  /** Written to `file` in the task's folder. */
  content: unknown | null;
  /** The arguments; `file` is the path of the written one. */
  args(file: string): string[];
  /** The folder of a sweep; null for another kind. */
  exp_dir: string | null;
  /** The folder of a batch; null for another kind. */
  batch_dir?: BatchFolder | null;
  /** Whether it asks the mock endpoint of its own process. */
  mock?: boolean;
  /** Whether a run that was cut off can go on; a load is measured anew. */
  resumable: boolean;
}

/**
 * Checks a task against what is on disk and what is allowed.
 *
 * @throws {TaskRefused} with the place in the body.
 */
export async function prepareTask(
  request: TaskRequest,
  task_id: string,
  policy: TaskPolicy,
): Promise<Prepared> {
  if (request.kind === "batch") return await prepareBatch(request, policy);
  if (request.kind === "sweep") return await prepareSweep(request, task_id, policy);
  checkEndpoint(request);
  return request.kind === "suite"
    ? await prepareSuite(request, policy)
    : await prepareLoad(request, policy);
}

async function prepareSuite(task: SuiteTask, { paths, ...policy }: TaskPolicy): Promise<Prepared> {
  const path = at(["suite"], () => paths.resolve(task.suite));
  const { kind: _kind, suite: _suite, callback_url: _url, ...own } = task;
  if (holdsProblems(path)) return await suiteRun({ name: "problems", ...own, suite: path }, policy);
  const file = await atAsync(["suite"], () => readJsonFile(path));
  if (!looksLikeExperiment(file)) {
    const { test_suite_id: name } = (await atAsync(["suite"], () => suiteIn(file))).suite;
    return await suiteRun({ name, ...own, suite: path }, policy);
  }
  const experiment = at(["suite"], () => experimentOf(file));
  if ((task.endpoint ?? task.provider) !== undefined) refuseKeyOfFile(experiment);
  const { mock, endpoint, provider, ...rest } = experiment;
  const own_endpoint = task.endpoint ?? task.provider;
  const where = own_endpoint === undefined ? { mock, endpoint, provider } : {};
  if (Array.isArray(own.model ?? rest.model)) {
    throw new TaskRefused(["model"], "the experiment has several models: expected one");
  }
  return await suiteRun({ ...rest, ...where, ...own }, policy);
}

/** The run of an experiment, once what it asks of is there and allowed. */
async function suiteRun(
  experiment: Experiment,
  policy: Omit<TaskPolicy, "paths">,
): Promise<Prepared> {
  const { keys, endpoints } = policy;
  const { suite, mock } = experiment;
  if (!mock) {
    checkKey(["api_key_env"], experiment, keys);
    await checkReach(["endpoint"], experiment, endpoints);
  }
  const wrong = misplaced(suite, experiment);
  if (wrong) throw new TaskRefused([wrong.name], wrong.why);
  if (holdsProblems(suite)) await atAsync(["suite"], () => loadProblems(suite));
  else await checkEvaluators(await atAsync(["suite"], () => openSuite(suite)), policy);
  return {
    content: experiment,
    args: (file) => ["run", file],
    mock: mock !== undefined,
    exp_dir: null,
    resumable: true,
  };
}

async function prepareLoad(
  task: LoadTask,
  { paths, keys, endpoints }: TaskPolicy,
): Promise<Prepared> {
  const { callback_url: _url, name = "load", ...own } = task;
  const settings = { ...own };
  for (const field of ["prompts", "trace"] as const) {
    const given = settings[field];
    if (given !== undefined) settings[field] = at([field], () => paths.resolve(given));
  }
  const { kind: _kind, ...planned } = settings;
  checkKey(["api_key_env"], planned, keys);
  checkSize(planned);
  await checkReach(["endpoint"], planned, endpoints);
  await atAsync([], () => planLoad(planned));
  return {
    content: { name, ...settings },
    args: (file) => ["load", file],
    exp_dir: null,
    resumable: false,
  };
}

async function prepareSweep(
  task: SweepTask,
  task_id: string,
  { paths, allow_commands, sweeps }: TaskPolicy,
): Promise<Prepared> {
  const given = task.config;
  const file = typeof given === "string"
    ? await atAsync(["config"], () => readJsonFile(paths.resolve(given)))
    : parseJson("config", JSON.stringify(given, null, 2));
  const config = at(["config"], () => sweepConfigOf(file));
  if (!allow_commands) refuseCommands(config);
  const runs = plannedCount(config);
  if (runs > MOST_RUNS) {
    throw new TaskRefused(["config", "matrix"], `${runs} runs; a task may have up to ${MOST_RUNS}`);
  }
  const out_root = join(sweeps, task_id);
  const { jobs, timeout_s, fail_fast } = task;
  return {
    // the task's own file lies elsewhere; what is sent in whole is seen from the server's folder
    content: withWholePaths(
      JSON.parse(file.text),
      typeof given === "string" ? config.directory : process.cwd(),
    ),
    args: (path) => [
      "sweep",
      `--config=${path}`,
      `--out-root=${out_root}`,
      "--resume",
      ...(jobs === undefined ? [] : [`--jobs=${jobs}`]),
      ...(timeout_s === undefined ? [] : [`--timeout=${timeout_s}`]),
      ...(fail_fast ? ["--fail-fast"] : []),
    ],
    exp_dir: treeOf({ ...config, out_root }).path,
    resumable: true,
  };
}

/** The batch goes on where it was, so that a slot of it is run once, by whichever task. */
async function prepareBatch(
  task: BatchTask,
  { paths, batches, keys, endpoints }: TaskPolicy,
): Promise<Prepared> {
  const path = at(["batch"], () => paths.resolve(task.batch));
  const { name, models } = await atAsync(["batch"], () => loadBatch(path));
  for (const use of models.map(keyUseOfModel)) {
    checkKey(["batch"], use, keys);
    await checkReach(["batch"], use, endpoints);
  }
  return {
    content: null,
    args: () => ["batch", "run", path, "--once", `--batches=${batches}`],
    exp_dir: null,
    batch_dir: batchFolder(batches, name),
    resumable: true,
  };
}

/** What of a sweep would run a program of the client's choice, or read and write where it likes. */
function refuseCommands(config: SweepConfig): void {
  const refuse = (field: string, what: string) => {
    throw new TaskRefused(
      ["config", field],
      `${what}, which this server does not allow; it would with --allow-commands`,
    );
  };
  if (config.kind !== null) refuse("kind", "a sweep of dyno's own jobs chooses their flags");
  if (config.command !== null) refuse("command", "the sweep runs a program of its own");
  if (!OWN_SIMULATOR.includes(config.sim_binary)) {
    refuse("sim_binary", "the sweep runs a program of its own");
  }
  for (const part of ["common_args", "matrix"] as const) {
    if (Object.hasOwn(config[part], "config")) refuse(part, "config is a file of the simulator's");
  }
  const given = [
    ...config.ablations.flatMap(({ flags }) => flags),
    // behind a switch, a value is a flag of its own
    ...Object.values(config.common_args).map(argumentText),
    ...Object.values(config.matrix).flat().map(argumentText),
  ];
  const file = given.find((flag) => SIM_FILES.includes(flag.split("=")[0].replaceAll("-", "_")));
  if (file !== undefined) refuse("matrix", `${file} names a file or a folder`);
}

/** Where a task sends its requests. */
function checkEndpoint(
  { endpoint, provider, headers = {} }: SuiteTask | LoadTask,
): void {
  if (endpoint !== undefined) {
    if (provider !== undefined) {
      throw new TaskRefused(["provider"], "expected endpoint or provider, not both");
    }
    const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
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

/** @throws {TaskRefused} the key is not one for tasks, or not for that place. */
function checkKey(path: (string | number)[], use: KeyUse, keys: readonly KeyOrigin[]): void {
  const found = at(path, () => keyUseOf(use));
  if (found === null || mayGo(found, keys)) return;
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

/** @throws {TaskRefused} a load beyond what a task may ask for. */
function checkSize({ requests = 0, concurrency = 0, rate = 0, duration_s = 0 }: LoadSize): void {
  const seconds = typeof duration_s === "number" ? duration_s : 0;
  const asked: [field: string, value: number, most: number][] = [
    ["requests", requests, MOST_REQUESTS],
    ["concurrency", concurrency, MOST_IN_FLIGHT],
    ["rate", rate * seconds, MOST_REQUESTS],
  ];
  for (const [field, value, most] of asked) {
    if (value <= most) continue;
    const what = field === "concurrency" ? "in flight" : "requests";
    throw new TaskRefused([field], `${value} ${what}; a task may have up to ${most}`);
  }
}

/**
 * Checks where requests would go. A name that nobody knows now may be known later; each connection of
 * the task is checked again.
 *
 * @throws {TaskRefused} an address that this server's tasks do not ask.
 */
async function checkReach(
  path: (string | number)[],
  { endpoint, provider }: KeyUse,
  guard: EndpointGuard | null,
): Promise<void> {
  const url = endpoint ?? at(path, () => provider && presetOf(provider).base_url);
  if (guard === null || !url || !URL.canParse(url)) return;
  try {
    await guard.addresses(new URL(url));
  } catch (error) {
    if ((error as { code?: string }).code !== undefined) return;
    throw new TaskRefused(path, messageOf(error));
  }
}

/** The key that a file names is for the endpoint that the file names. */
function refuseKeyOfFile(experiment: object): void {
  const key = ["api_key_env", "headers"].find((name) => name in experiment);
  if (key === undefined) return;
  throw new TaskRefused(
    ["endpoint"],
    `the experiment has ${key}, which is not sent to another endpoint than its own`,
  );
}

/** A suite's evaluators run nothing that this server does not allow, and ask no model with a key of its. */
async function checkEvaluators(
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
  if (typeof evaluator !== "object" || evaluator === null) return [];
  const own = evaluator as Record<string, unknown>;
  const inner = [own.evaluators, own.judges].flatMap((list) => Array.isArray(list) ? list : []);
  return [own, ...inner.flatMap(partsOf)];
}

/** Gives an error of the user's the place in the body where it belongs. */
function at<T>(path: (string | number)[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refused(path, error);
  }
}

async function atAsync<T>(path: (string | number)[], read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: (string | number)[], error: unknown): unknown {
  return error instanceof InputError ? new TaskRefused(path, messageOf(error)) : error;
}
