/** dyno run: a suite or an experiment file against an endpoint. */
import { InputError } from "../../errors.ts";
import { experimentOf, looksLikeExperiment } from "../../settings/experiment.ts";
import { loadSuite, suiteOf } from "../../settings/load_suite.ts";
import { readJsonFile } from "../../settings/json_file.ts";
import { loadMockScript, MockEndpoint } from "../../mock/server.ts";
import { checkedTags } from "../../run/tags.ts";
import { callbackFlags, withCallbacks } from "../ui/callback_flags.ts";
import { codingFlags, holdsProblems, runProblems } from "./coding.ts";
import { endpointFlags, headersOf } from "../ui/endpoint_flags.ts";
import { flagHelp, list, number, parseFlags, runId, text, toggle, workers } from "../ui/flags.ts";
import { observe, observeFlags } from "../ui/observe.ts";
import { budgetFlags, budgetOf } from "../ui/budget_flags.ts";
import { pricesOf } from "../runs/prices.ts";
import { runSuites } from "./suite_runs.ts";
import type { Experiment } from "../../settings/experiment.ts";
import type { LoadedSuite } from "../../settings/load_suite.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Values } from "../ui/flags.ts";

const flags = {
  ...endpointFlags,
  "model": list("NAME", "the model; several, by commas or repeated, run one after the other"),
  "timeout": number("S", "seconds for one attempt (600)", { min: 0.001 }),
  "retry-attempts": number("N", "attempts after the first (3)", { whole: true }),
  "retry-delay": number("S", "base of the exponential backoff with full jitter (1)"),
  "no-stream": toggle("ask for whole answers; there is no ttft then"),
  "workers": workers("tests in flight (4); auto finds the number by measuring"),
  "sequential": toggle("one test at a time; the same as --workers 1"),
  "category": list("NAME", "only these categories; any letter case, * and ? as wildcards"),
  "tests": list("ID", "only these tests"),
  "limit": number("N", "only the first N of the chosen tests", { min: 1, whole: true }),
  "sample-rate": number(
    "HZ",
    "hardware samples per second (100, or 10 without libdyno); 0 for none",
  ),
  "out": text("DIR", "the folder of runs (runs)"),
  "tag": list("TAG", "a tag on each run, to find it again; several by commas or repeated"),
  "run-id": runId("the id of the new run (one of its own)"),
  "resume": list("RUN", "go on with a run: its id or its folder; does what is missing"),
  "json": toggle("one JSON object on standard output at the end"),
  ...budgetFlags,
  ...codingFlags,
  ...observeFlags,
  ...callbackFlags,
};

/** Flags that coding problems do not take. */
const SUITE_ONLY = ["category", "tests"] as const;

export const command: Command = {
  flags,
  help: [
    "dyno run SUITE|EXPERIMENT|PROBLEMS [--endpoint URL | --provider NAME] [--model NAME] [flags]",
    "",
    "Runs a suite's tests against an OpenAI-compatible endpoint, judges the answers, and writes a run",
    "directory with a report. Exit code: 0 every test was answered, 1 some were not, 2 wrong input,",
    "130 interrupted (saved; go on with --resume). A wrong answer is a score, not a failure.",
    "",
    "PROBLEMS are coding problems in HumanEval's or MBPP's form (.jsonl or .jsonl.gz): answers run in a",
    "sandbox against their tests, zero-shot, iteratively (failures are fed back), or both compared.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno run experiments/suites/quickstart.json --endpoint http://127.0.0.1:8000/v1 --model my-model",
    "  dyno run suite.json --provider groq --model llama-3.1-8b-instant --workers auto",
    "  dyno run HumanEval.jsonl.gz --mode comparative --range 0-20 --endpoint URL --model NAME",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length !== 1) {
      throw new InputError(
        `dyno run takes one suite or experiment file, ${positional.length} given; see dyno run --help`,
      );
    }
    if (values.tag && values.resume) {
      throw new InputError("--tag: a run that goes on keeps its tags; dyno runs tag changes them");
    }
    return await withCallbacks(
      values,
      values.out ?? "runs",
      context,
      (told) => runFile(positional[0], values, told),
    );
  },
};

async function runFile(
  path: string,
  values: Values<typeof flags>,
  context: CommandContext,
): Promise<number> {
  if (holdsProblems(path)) return await runCoding(path, values, context);
  const coding = Object.keys(codingFlags).find((name) => name in values);
  if (coding) throw new InputError(`--${coding}: for coding problems, in a .jsonl file`);
  const file = await readJsonFile(path);
  if ((file.value as { kind?: unknown } | null)?.kind === "load") {
    throw new InputError(`${path}: is a load experiment; run it with dyno load ${path}`);
  }
  if (!looksLikeExperiment(file)) return await start(values, suiteOf(file), null, context);
  const experiment = experimentOf(file);
  return await runExperiment(experiment, await loadSuite(experiment.suite), values, context);
}

async function runCoding(
  path: string,
  values: Values<typeof flags>,
  context: CommandContext,
): Promise<number> {
  const wrong = SUITE_ONLY.find((name) => values[name] !== undefined);
  if (wrong) throw new InputError(`--${wrong}: not for coding problems; choose them with --range`);
  await using observed = await observe(values, context.terminal);
  return await runProblems({
    path,
    values,
    api: {
      endpoint: values.endpoint,
      provider: values.provider,
      headers: headersOf(values.header ?? []),
      api_key_env: values["api-key-env"],
      timeout: values.timeout,
      retry_attempts: values["retry-attempts"],
      retry_delay: values["retry-delay"],
      stream: values["no-stream"] ? false : undefined,
    },
    models: values.model ?? [],
    workers: values.sequential ? 1 : values.workers,
    limit: values.limit,
    out: values.out ?? "runs",
    run_id: values["run-id"],
    resume: values.resume ?? [],
    tags: checkedTags(values.tag ?? [], "--tag"),
    sample_rate_hz: values["sample-rate"],
    onDirectory: observed.onDirectory,
    json: values.json ?? false,
  }, context);
}

/** Runs an experiment, on the mock endpoint if it asks for that. Flags override its settings. */
async function runExperiment(
  experiment: Experiment,
  suite: LoadedSuite,
  values: Values<typeof flags>,
  context: CommandContext,
): Promise<number> {
  if (!experiment.mock || values.endpoint || values.provider) {
    return await start(values, suite, experiment, context);
  }
  const { script, ...behaviour } = experiment.mock;
  await using mock = await MockEndpoint.start({
    script: script === undefined ? undefined : await loadMockScript(script),
    behaviour,
  });
  const onMock = { ...experiment, endpoint: `${mock.url}/v1`, provider: undefined };
  return await start(values, suite, onMock, context, "mock");
}

async function start(
  values: Values<typeof flags>,
  suite: LoadedSuite,
  experiment: Experiment | null,
  context: CommandContext,
  agent?: string,
): Promise<number> {
  const models = values.model ?? experiment?.model ?? [];
  await using observed = await observe(values, context.terminal);
  return await runSuites({
    suite,
    agent,
    api: {
      endpoint: values.endpoint ?? (values.provider ? undefined : experiment?.endpoint),
      provider: values.provider ?? experiment?.provider,
      headers: { ...experiment?.headers, ...headersOf(values.header ?? []) },
      api_key_env: values["api-key-env"] ?? experiment?.api_key_env,
      timeout: values.timeout ?? experiment?.timeout,
      retry_attempts: values["retry-attempts"] ?? experiment?.retry_attempts,
      retry_delay: values["retry-delay"] ?? experiment?.retry_delay,
      stream: values["no-stream"] ? false : experiment?.stream,
    },
    models: typeof models === "string" ? [models] : models,
    selection: {
      tests: values.tests ?? experiment?.tests,
      categories: values.category ?? experiment?.categories,
      limit: values.limit ?? experiment?.limit,
    },
    workers: values.sequential ? 1 : values.workers ?? experiment?.workers,
    out: values.out ?? "runs",
    run_id: values["run-id"],
    resume: values.resume ?? [],
    tags: checkedTags(values.tag ?? [], "--tag"),
    sample_rate_hz: values["sample-rate"] ?? experiment?.sample_rate_hz,
    alerts: experiment?.alerts,
    onDirectory: observed.onDirectory,
    budget: budgetOf(values),
    prices: await pricesOf(values.prices),
    json: values.json ?? false,
  }, context);
}
