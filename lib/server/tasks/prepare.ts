/** Turns a task into the dyno command that executes it. */
import process from "node:process";
import { join } from "node:path";
import { batchFolder } from "../../schedule/folder.ts";
import { loadBatch } from "../../settings/batch.ts";
import { holdsProblems, misplaced } from "../../settings/coding.ts";
import { experimentOf, looksLikeExperiment } from "../../settings/experiment.ts";
import { parseJson, readJsonFile } from "../../settings/json_file.ts";
import { loadProblems } from "../../coding/problems/load_problems.ts";
import { openSuite, suiteIn } from "../../suite/open_suite.ts";
import { planLoad } from "../../load/plan_load.ts";
import { keyUseOfModel } from "../../schedule/apis.ts";
import { sweepConfigOf } from "../../sweep/config.ts";
import { withFiles } from "../../settings/beside_file.ts";
import { withWholePaths } from "../../sweep/job.ts";
import { plannedCount } from "../../sweep/plan.ts";
import { treeOf } from "../../sweep/run_sweep.ts";
import {
  at,
  atAsync,
  checkEndpoint,
  checkEvaluators,
  checkKey,
  checkReach,
  checkRuns,
  checkSize,
  checkStages,
  checkWorkers,
  refuseCommands,
  refuseKeyOfFile,
  TaskRefused,
} from "./policy.ts";
import type { BatchFolder } from "../../schedule/folder.ts";
import type { Experiment } from "../../settings/experiment.ts";
import type { TaskPolicy } from "./policy.ts";
import type { BatchTask, LoadTask, SuiteTask, SweepTask, TaskRequest } from "./request.ts";

/** How to execute a task: a file to write first, and the arguments of the command. */
export interface Prepared {
  /** Written to `file` in the task's folder. */
  content: unknown | null;
  /** The arguments; `file` is the path of the written file. */
  args(file: string): string[];
  /** The folder of a sweep; null for other kinds. */
  exp_dir: string | null;
  /** The folder of a batch; null for other kinds. */
  batch_dir?: BatchFolder | null;
  /** Whether it uses the mock endpoint of this process. */
  mock?: boolean;
  /** Whether an interrupted run can be continued; a load is measured again. */
  resumable: boolean;
}

/**
 * Checks a task against the files on disk and what is allowed.
 *
 * @throws {TaskRefused} names the place in the body.
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

/** The command for an experiment, after checking that its files exist and are allowed. */
async function suiteRun(
  experiment: Experiment,
  policy: Omit<TaskPolicy, "paths">,
): Promise<Prepared> {
  const { keys, endpoints } = policy;
  const { suite, mock } = experiment;
  checkWorkers(experiment);
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
  const settings = withFiles(own, (path, field) => at([field], () => paths.resolve(path)));
  const { kind: _kind, ...planned } = settings;
  checkKey(["api_key_env"], planned, keys);
  checkSize(planned);
  await checkReach(["endpoint"], planned, endpoints);
  const { stages } = await atAsync([], () => planLoad(planned));
  checkStages(stages);
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
  checkRuns(plannedCount(config));
  const out_root = join(sweeps, task_id);
  const { jobs, timeout_s, fail_fast } = task;
  return {
    // the task's own file is elsewhere; paths in an inline experiment are relative to the server's
    // folder
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

/** The batch continues where it was, so a slot is run once, by whichever task comes first. */
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
