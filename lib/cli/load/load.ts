/**
 * dyno load: puts load on an endpoint and measures it, with a client that shows its own overhead.
 */
import { InputError } from "../../errors.ts";
import { boundKeys, checkKeyOfFile } from "../../endpoint/key_origins.ts";
import { loadSettingsSchema } from "../../settings/load.ts";
import { placedInFile } from "../../settings/placed_error.ts";
import { readLoadExperiment } from "../../settings/load_experiment.ts";
import { CAPACITY_SHARE } from "../../load/capacity_objectives.ts";
import { atLevels, parseLevels } from "../../load/levels.ts";
import { parseUntil } from "../../load/repeats.ts";
import { checkedTags } from "../../run/tags.ts";
import { REPORT_TOOLS } from "../../load/report_as.ts";
import { manifestOf, spreadFlags, spreadOf } from "./spread.ts";
import { callbackFlags, withCallbacks } from "../ui/callback_flags.ts";
import { EXIT } from "../ui/command.ts";
import { budgetFlags, budgetOf, warningBudget } from "../ui/budget_flags.ts";
import {
  choice,
  flagHelp,
  list,
  nameOf,
  number,
  outFlag,
  parseFlags,
  runId,
  text,
  toggle,
} from "../ui/flags.ts";
import { pricesOf } from "../runs/prices.ts";
import { flagsOf, settingsIn } from "../ui/setting_flags.ts";
import { keyFlag } from "../ui/flags.ts";
import { observe, observeFlags } from "../ui/observe.ts";
import type { LoadShown } from "./load_runs.ts";
import type { LoadExperiment } from "../../settings/load_experiment.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Flag, Flags, Values } from "../ui/flags.ts";

/** The most runs of a load that does not reach the precision of --until. */
const MOST_ROUNDS = 20;

const settingFlags = flagsOf(loadSettingsSchema);

/** A flag that takes one level or several: there is a load for each. */
function levels({ kind, placeholder, help, short }: Flag<unknown>, whole: boolean): Flag<number[]> {
  return { kind, placeholder, help, short, parse: (given) => parseLevels(given, whole) };
}

const flags = {
  ...settingFlags,
  "concurrency": levels(settingFlags.concurrency, true),
  "rate": levels(settingFlags.rate, false),
  "repeat": number("N", "runs of each load, with the intervals between them (1)", {
    min: 1,
    max: 1000,
    whole: true,
  }),
  "until": text(
    "FIGURE:PERCENT%",
    `runs of each load until a figure is so exact, as ttft_p99:5%; at most --repeat (${MOST_ROUNDS})`,
  ),
  "gpus": number("N", "GPUs that serve the endpoint, for tokens/s a GPU", { min: 1, whole: true }),
  "find-capacity": choice(["rate", "concurrency"], "search the highest that meets every --slo"),
  "capacity-share": number(
    "SHARE",
    `of requests that must meet objectives such as ttft:500 (${CAPACITY_SHARE}); p99(ttft)<500ms says ` +
      "its own: 0.99",
    { min: 0.01, max: 1 },
  ),
  "report-as": choice(REPORT_TOOLS, "the same requests by another tool's definitions"),
  "require-trusted": toggle("exit code 1 unless the verdict is trusted"),
  ...spreadFlags,
  ...budgetFlags,
  "out": outFlag,
  "tag": list("TAG", "a tag on each run, to find it again; several by commas or repeated"),
  "run-id": runId("the id of the run (made for it)"),
  "resume": text(
    "RUN",
    "sums up a load that was cut off: its id, latest, or its folder; sends nothing",
  ),
  "no-live": toggle("one line of progress in place of the live view"),
  "json": toggle("one JSON object on standard output at the end"),
  ...keyFlag,
  ...observeFlags,
  ...callbackFlags,
};

/** The flags allowed with --resume: the other settings come from the journal. */
const WITH_RESUME: ReadonlySet<string> = new Set([
  "resume",
  "out",
  "json",
  "report-as",
  "require-trusted",
]);

export const command: Command = {
  flags,
  help: [
    "dyno load [EXPERIMENT] [--endpoint URL | --provider NAME] --concurrency N | --rate R [flags]",
    "",
    "Sends load to an endpoint (OpenAI's chat, completions, responses and embeddings, Anthropic's messages,",
    "Gemini's generateContent, Bedrock's Converse, /rerank, /score, KServe's, TGI's and llama.cpp's own, audio",
    "and images, or by --request-template any JSON) and measures it. The verdict says whether this client",
    "could be trusted to.",
    "Exit code: 0 good, 1 every request failed (or --require-trusted was not met), 2 wrong input, 130",
    "interrupted (what was measured is summed up and saved; of a load that was killed, --resume does",
    "that).",
    "",
    "With --shards N, N processes send the load together: each its part of the places, arrivals and",
    "prompts, from one start. Their records become one run, with the figures of each shard. --executor",
    "slurm runs them as tasks of an array job over a folder that all nodes share, --executor kubernetes",
    "as pods of an Indexed Job with a shared volume.",
    "",
    ...flagHelp(flags),
    "",
    "The words of the output: dyno help metrics, dyno help slo, dyno help verdict.",
    "",
    "  dyno load --endpoint http://127.0.0.1:8000/v1 --concurrency 16 --duration 60",
    "  dyno load --endpoint http://127.0.0.1:8000/v1 --rate 4 --duration 120 --slo ttft:500 --slo tpot:50",
    "  dyno load --endpoint http://127.0.0.1:8000/v1 --find-capacity rate --slo 'p99(ttft)<500ms'",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    if (argv[0] === "exec") {
      return await (await import("./load_exec.ts")).loadExec(argv.slice(1), context);
    }
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length > 1) {
      throw new InputError(`dyno load takes one experiment file, ${positional.length} given`);
    }
    const shown = {
      out: values.out,
      json: values.json ?? false,
      requireTrusted: values["require-trusted"] ?? false,
      reportAs: values["report-as"] ?? null,
    };
    if (values.resume !== undefined) {
      checkResume(values, positional);
      const { finishLoad } = await import("./load_runs.ts");
      return await finishLoad(values.resume, shown, context);
    }
    try {
      return await measure(values, positional, shown, context);
    } catch (error) {
      throw positional.length > 0 ? await placedInFile(error, positional[0], values) : error;
    }
  },
};

/** @throws {InputError} other flags or arguments were given. */
function checkResume(values: Values<typeof flags>, positional: readonly string[]): void {
  const more = Object.keys(values).filter((key) => !WITH_RESUME.has(key))
    .map((key) => `--${nameOf(key, (flags as Flags)[key])}`);
  const idle = [...positional, ...more];
  if (idle.length === 0) return;
  throw new InputError(
    `--resume: sums up what was measured and sends nothing, so leave out ${idle.join(", ")}`,
  );
}

/** @throws {InputError} settings are wrong, or an endpoint cannot be reached. */
async function measure(
  values: Values<typeof flags>,
  positional: readonly string[],
  shown: LoadShown,
  context: CommandContext,
): Promise<number> {
  const { concurrency, rate, ...others } = values;
  const settings = {
    ...settingsIn(loadSettingsSchema, others),
    ...(concurrency?.length === 1 ? { concurrency: concurrency[0] } : {}),
    ...(rate?.length === 1 ? { rate: rate[0] } : {}),
  };
  const whole: LoadExperiment = positional.length === 1
    ? await readLoadExperiment(positional[0], settings)
    : { name: "load", runs: [{ settings, varied: {} }] };
  const experiment = atLevels(whole, {
    ...(concurrency && concurrency.length > 1 ? { concurrency } : {}),
    ...(rate && rate.length > 1 ? { rate } : {}),
  });
  const until = values.until ?? experiment.until;
  const rounds = values.repeat ?? experiment.repeat ?? (until === undefined ? 1 : MOST_ROUNDS);
  const keys = boundKeys(values["key-env"]);
  for (const run of positional.length === 1 ? experiment.runs : []) {
    checkKeyOfFile(positional[0], run.settings, keys, settings);
  }
  await using observed = await observe(values, context.terminal);
  const request = {
    ...shown,
    experiment,
    rounds,
    until: until === undefined ? null : parseUntil(until),
    gpus: values.gpus ?? null,
    onDirectory: observed.onDirectory,
    tags: checkedTags(values.tag ?? [], "--tag"),
    run_id: values["run-id"],
    one_line: values["no-live"] ?? false,
    spread: await spreadOf(values),
    prices: await pricesOf(values.prices),
  };
  const searched = values["find-capacity"];
  if (
    request.run_id !== undefined &&
    (searched !== undefined || experiment.runs.length * rounds > 1)
  ) {
    throw new InputError(`--run-id ${request.run_id}: for one run, but there are several`);
  }
  if (searched === undefined && values["capacity-share"] !== undefined) {
    throw new InputError("--capacity-share: only with --find-capacity");
  }
  if (searched !== undefined && rounds > 1) {
    throw new InputError(
      "--find-capacity: measures a level again where it must; not with --repeat or --until",
    );
  }
  if (values.print) {
    const manifest = await manifestOf(values, request.out, request.run_id ?? "RUN");
    manifest.trimEnd().split("\n").forEach((line) => context.terminal.out(line));
    return EXIT.good;
  }
  return await withCallbacks(values, request.out, context, async (told) => {
    const whole = { ...request, budget: warningBudget(budgetOf(values), told) };
    if (searched === undefined) return (await import("./load_runs.ts")).showLoads(whole, told);
    const { searchCapacity } = await import("./capacity_search.ts");
    return searchCapacity({
      ...whole,
      searched,
      share: values["capacity-share"],
    }, told);
  });
}
