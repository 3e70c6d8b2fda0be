/** dyno run: runs a suite or an experiment file against an endpoint. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import {
  codingHostSettings,
  codingSettings,
  holdsProblems,
  misplaced,
} from "../../settings/coding.ts";
import { boundKeys, checkKeyOfFile } from "../../endpoint/key_origins.ts";
import { type Experiment, experimentOf, looksLikeExperiment } from "../../settings/experiment.ts";
import { linesSuite, openSuite, suiteIn } from "../../suite/open_suite.ts";
import { readJsonFile, roundedLimits } from "../../settings/json_file.ts";
import { checkSettings } from "../../settings/setting.ts";
import { placedInFile } from "../../settings/placed_error.ts";
import { suiteRunSettings } from "../../settings/suite_run.ts";
import { checkedTags } from "../../run/tags.ts";
import { callbackFlags, withCallbacks } from "../ui/callback_flags.ts";
import { flagHelp, list, nameOf, outFlag, parseFlags, runId, text, toggle } from "../ui/flags.ts";
import { flagsOf, settingsIn } from "../ui/setting_flags.ts";
import { keyFlag } from "../ui/flags.ts";
import { observe, observeFlags } from "../ui/observe.ts";
import { budgetOf } from "../ui/budget_flags.ts";
import { pricesFlag, pricesOf } from "../runs/prices.ts";
import type { LoadedSuite } from "../../settings/load_suite.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Flags, Values } from "../ui/flags.ts";

const flags = {
  ...flagsOf(suiteRunSettings),
  "sequential": toggle("one test at a time; the same as --workers 1"),
  "out": outFlag,
  "tag": list("TAG", "a tag for each run; several, separated by commas or repeated"),
  "run-id": runId("the id of the new run (made for it)"),
  "resume": list(
    "RUN",
    "continue a run: its id or the start of it, latest, or its folder; does only what is missing",
  ),
  "retry-failed": list(
    "RUN",
    "continue a run, and run again what has no answer or was not judged",
  ),
  "cache": text(
    "DIR",
    "answers kept in DIR are not asked for again; they have no latency and no cost",
  ),
  "data": text("FILE", "the rows for a suite that takes them, instead of the file it names"),
  "watch": toggle("runs again when the suite or a file that it names changes, until Ctrl-C"),
  "json": toggle("one JSON object on standard output at the end"),
  ...pricesFlag,
  ...flagsOf(codingSettings),
  ...flagsOf(codingHostSettings),
  ...keyFlag,
  ...observeFlags,
  ...callbackFlags,
};

/** A run's settings, from flags and from a file; a flag takes precedence. */
const settings = z.strictObject({
  ...suiteRunSettings.shape,
  ...codingSettings.shape,
  ...codingHostSettings.shape,
});
type Given = z.input<typeof settings>;

export const command: Command = {
  flags,
  help: [
    "dyno run SUITE|EXPERIMENT|PROBLEMS [--endpoint URL | --provider NAME] [--model NAME] [flags]",
    "",
    "Runs a suite's tests against an OpenAI-compatible endpoint, judges the answers, and writes a run",
    "directory with a report. Exit code: 0 every test was answered, 1 some were not, 2 wrong input,",
    "130 interrupted (saved; continue with --resume). A wrong answer is a score, not a failure.",
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
    if (values.resume && values["retry-failed"]) {
      throw new InputError("--retry-failed RUN continues the run: leave out --resume");
    }
    if (values.tag && (values.resume || values["retry-failed"])) {
      throw new InputError(
        "--tag: a run that is continued keeps its tags; dyno runs tag changes them",
      );
    }
    if (values.watch) {
      const other = (["json", "run-id", "resume", "retry-failed"] as const)
        .find((name) => values[name] !== undefined);
      if (other) throw new InputError(`--watch: not with --${other}; each run is a new one`);
      const { runAndWatch } = await import("./watch.ts");
      const files = values.data === undefined ? positional : [...positional, values.data];
      return await runAndWatch(argv.filter((word) => word !== "--watch"), files, context);
    }
    const [path] = positional;
    try {
      return await withCallbacks(
        values,
        values.out,
        context,
        (told) => runFile(path, values, told),
      );
    } catch (error) {
      throw holdsProblems(path) ? error : await placedInFile(error, path, values);
    }
  },
};

async function runFile(
  path: string,
  values: Values<typeof flags>,
  context: CommandContext,
): Promise<number> {
  const given: Given = {
    ...settingsIn(settings, values),
    ...(values.sequential ? { workers: 1 } : {}),
  };
  const fits = (suite: string) => {
    const wrong = misplaced(suite, given);
    if (wrong) {
      throw new InputError(`--${nameOf(wrong.name, (flags as Flags)[wrong.name])}: ${wrong.why}`);
    }
  };
  const lines = holdsProblems(path) ? await linesSuite(path) : null;
  if (lines !== null) {
    fits(`${path}.json`); // settings of suites
    return await start({ suite: lines, given, values }, context);
  }
  if (holdsProblems(path)) {
    if (values.data !== undefined) {
      throw new InputError("--data: coding problems are rows themselves");
    }
    fits(path);
    return await start({ suite: path, given, values }, context);
  }
  const file = await readJsonFile(path);
  for (const line of roundedLimits(file)) context.terminal.say(line);
  if ((file.value as { kind?: unknown } | null)?.kind === "load") {
    throw new InputError(`${path}: is a load experiment; run it with dyno load ${path}`);
  }
  if (!looksLikeExperiment(file)) {
    fits(path);
    return await start({ suite: await suiteIn(file, values.data), given, values }, context);
  }
  const { name: _name, suite, alerts, mock, ...fixed } = experimentOf(file);
  fits(suite);
  const wrong = misplaced(suite, fixed);
  if (wrong) throw new InputError(`${path}: ${wrong.name}: ${wrong.why}`);
  const run = {
    suite: holdsProblems(suite) ? suite : await openSuite(suite, values.data),
    given: {
      ...fixed,
      ...given,
      endpoint: given.endpoint ?? (given.provider ? undefined : fixed.endpoint),
      headers: { ...lowered(fixed.headers), ...given.headers },
    },
    alerts,
    values,
  };
  if (!mock || given.endpoint || given.provider) {
    checkKeyOfFile(path, run.given, boundKeys(values["key-env"]), given);
    return await start(run, context);
  }
  const { script, ...behaviour } = mock;
  const { loadMockScript, MockEndpoint } = await import("../../mock/server.ts");
  await using endpoint = await MockEndpoint.start({
    model: run.given.model, // so that a name is not said to be missing
    script: script === undefined ? undefined : await loadMockScript(script),
    behaviour,
  });
  const place = { endpoint: `${endpoint.url}/v1`, provider: undefined };
  return await start({ ...run, given: { ...run.given, ...place }, agent: "mock" }, context);
}

/** The headers with lower-case names, as flags set them. */
function lowered(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** One invocation: a suite or the path of coding problems, and its settings. */
interface Run {
  suite: LoadedSuite | string;
  given: Given;
  alerts?: Experiment["alerts"];
  agent?: string;
  values: Values<typeof flags>;
}

async function start(
  { suite, given, alerts, agent, values }: Run,
  context: CommandContext,
): Promise<number> {
  const settled = checkSettings(settings, given, "settings");
  const models = settled.model ?? [];
  await using observed = await observe(values, context.terminal);
  const request = {
    api: { ...settled, model: undefined },
    models: typeof models === "string" ? [models] : models,
    workers: settled.workers,
    out: values.out,
    run_id: values["run-id"],
    resume: values.resume ?? values["retry-failed"] ?? [],
    retry_failed: values["retry-failed"] !== undefined,
    cache: values.cache,
    tags: checkedTags(values.tag ?? [], "--tag"),
    sample_rate_hz: settled.sample_rate_hz,
    onDirectory: observed.onDirectory,
    budget: budgetOf(settled),
    prices: await pricesOf(values.prices),
    agent,
    json: values.json ?? false,
  };
  if (typeof suite === "string") {
    if (request.cache !== undefined) {
      throw new InputError("--cache: for suites, not coding problems");
    }
    if (request.retry_failed) {
      throw new InputError("--retry-failed: for suites; coding problems continue with --resume");
    }
    const { runProblems } = await import("./coding.ts");
    return await runProblems({ ...request, path: suite, settings: settled }, context);
  }
  const { runSuites } = await import("./suite_runs.ts");
  const { tests, categories, limit, epochs } = settled;
  const selection = { tests, categories, limit, epochs };
  const keys = boundKeys(values["key-env"]);
  return await runSuites({ ...request, ...selection, suite, keys, alerts }, context);
}
