/** dyno load: load on an endpoint, measured by a client that shows what it adds itself. */
import { InputError } from "../../errors.ts";
import { readLoadExperiment } from "../../settings/load.ts";
import { checkedTags } from "../../run/tags.ts";
import { REPORT_TOOLS } from "../../load/report_as.ts";
import { callbackFlags, withCallbacks } from "../ui/callback_flags.ts";
import { budgetFlags, budgetOf, warningBudget } from "../ui/budget_flags.ts";
import { endpointFlags, headersOf } from "../ui/endpoint_flags.ts";
import {
  choice,
  flagHelp,
  json,
  list,
  number,
  parseFlags,
  repeated,
  runId,
  text,
  toggle,
} from "../ui/flags.ts";
import { pricesOf } from "../runs/prices.ts";
import { finishLoad, runLoads } from "./load_runs.ts";
import { observe, observeFlags } from "../ui/observe.ts";
import { searchCapacity } from "./capacity_search.ts";
import type { LoadExperiment, LoadSettings } from "../../settings/load.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Values } from "../ui/flags.ts";

const flags = {
  ...endpointFlags,
  "model": text("NAME", "the model; may be left out where the server has one"),
  "concurrency": number("N", "closed loop: N requests in flight; with --rate the most in flight", {
    min: 1,
    whole: true,
  }),
  "rate": number("R", "open loop: R requests a second, whatever the server does", { min: 0.001 }),
  "arrival": choice(["poisson", "constant", "gamma"], "gaps between arrivals (poisson)"),
  "burstiness": number("B", "with gamma: below 1 burstier than poisson, above more regular", {
    min: 0.01,
  }),
  "stages": text("LIST", "e.g. 'rate=2:30s rate=2..8:1m concurrency=16:30s', one after the other"),
  "duration": number("S", "seconds of each load", { min: 0.1 }),
  "requests": number(
    "N",
    "requests of each load (with turns: conversations), or --duration, if that ends first",
    {
      min: 1,
      whole: true,
    },
  ),
  "warmup": number("N", "requests before it, in no figure (0)", { whole: true }),
  "grace": number("S", "seconds that requests in flight may still take at the end (30)"),
  "seed": number("N", "of arrivals and prompts (1)", { whole: true }),
  "input-tokens": text("N", "made-up prompts: 512, 512:128 (mean:deviation) or 100-200 (256)"),
  "output-tokens": text("N", "tokens of each answer, in the same forms (128)"),
  "prefix-share": number("SHARE", "of each prompt, 0 to 1, that is shared with others (0)", {
    max: 1,
  }),
  "prefixes": number("N", "different shared beginnings (1)", { min: 1, whole: true }),
  "turns": number("N", "turns of each conversation (1)", { min: 1, whole: true }),
  "think-time": number("S", "seconds between the turns of a conversation (0)"),
  "prompt": text("TEXT", "one prompt, again and again: measures the prefix cache too"),
  "prompts": text("FILE", "prompts of a .jsonl or .csv file, or of a suite (.json)"),
  "repeat": toggle("go through --prompts again when they are used up"),
  "trace": text("FILE", "replay: Mooncake or own JSON lines, BurstGPT or Azure CSV"),
  "trace-speed": number("X", "times as fast as the trace (1)", { min: 0.001 }),
  "ignore-eos": toggle("ask for exactly the wanted tokens (vLLM, SGLang)"),
  "body": json("JSON", "further fields of every request's body"),
  "tokenizer": toggle("count tokens with o200k_base where the server does not (else: events)"),
  "slo": repeated("METRIC:MS", "an objective such as ttft:500, tpot:50, e2e:5000, gap_p99:100"),
  "find-capacity": choice(["rate", "concurrency"], "the highest that meets every --slo"),
  "capacity-share": number("SHARE", "of requests that must meet them, for --find-capacity (0.95)", {
    min: 0.01,
    max: 1,
  }),
  "stop-error-rate": number("SHARE", "stop once more of the last 100 requests failed", { max: 1 }),
  "stop-on-saturation": toggle("stop once the server falls behind an open loop"),
  "report-as": choice(REPORT_TOOLS, "the same requests by another tool's definitions"),
  "timeout": number("S", "seconds for one request (600)", { min: 0.001 }),
  "no-stream": toggle("ask for whole answers; there is no ttft then"),
  "transport": choice(
    ["wire", "portable"],
    "wire: a native thread; portable: the runtime's sockets",
  ),
  "sample-rate": number("HZ", "hardware samples per second (100, or 10 without libdyno); 0: none", {
    max: 10_000,
  }),
  "require-trusted": toggle("exit code 1 unless the verdict is trusted"),
  ...budgetFlags,
  "out": text("DIR", "the folder of runs (runs)"),
  "tag": list("TAG", "a tag on each run, to find it again; several by commas or repeated"),
  "run-id": runId("the id of the run (one of its own)"),
  "resume": text("RUN", "sums up a load that was cut off: its id or its folder; sends nothing"),
  "json": toggle("one JSON object on standard output at the end"),
  ...observeFlags,
  ...callbackFlags,
};

/** Flags whose setting has another name. */
const RENAMED: Partial<Record<keyof typeof flags, keyof LoadSettings>> = {
  "duration": "duration_s",
  "grace": "grace_s",
  "think-time": "think_time_s",
  "sample-rate": "sample_rate_hz",
};

/** What goes with --resume: all else was settled when the load began. */
const WITH_RESUME: ReadonlySet<string> = new Set([
  "resume",
  "out",
  "json",
  "report-as",
  "require-trusted",
]);

/** Flags that are no settings of a load. */
const NO_SETTING: ReadonlySet<string> = new Set([
  "header",
  "no-stream",
  "find-capacity",
  "capacity-share",
  "report-as",
  "require-trusted",
  "budget-usd",
  "budget-tokens",
  "prices",
  "out",
  "tag",
  "run-id",
  "resume",
  "json",
  ...Object.keys(observeFlags),
  ...Object.keys(callbackFlags),
]);

export const command: Command = {
  flags,
  help: [
    "dyno load [EXPERIMENT] [--endpoint URL | --provider NAME] --concurrency N | --rate R [flags]",
    "",
    "Sends load to an OpenAI-compatible endpoint (chat, completions, responses, embeddings) and measures",
    "it. The verdict says whether this client could be trusted to. Exit code: 0 good, 1 every request",
    "failed (or --require-trusted was not met), 2 wrong input, 130 interrupted (what was measured is",
    "summed up and saved; of a load that was killed, --resume does that).",
    "",
    ...flagHelp(flags),
    "",
    "  dyno load --endpoint http://127.0.0.1:8000/v1 --concurrency 16 --duration 60",
    "  dyno load --endpoint http://127.0.0.1:8000/v1 --rate 4 --duration 120 --slo ttft:500 --slo tpot:50",
    "  dyno load --endpoint http://127.0.0.1:8000/v1 --find-capacity rate --slo ttft:500 --duration 20",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length > 1) {
      throw new InputError(`dyno load takes one experiment file, ${positional.length} given`);
    }
    const shown = {
      out: values.out ?? "runs",
      json: values.json ?? false,
      requireTrusted: values["require-trusted"] ?? false,
      reportAs: values["report-as"] ?? null,
    };
    if (values.resume !== undefined) {
      checkResume(values, positional);
      return await finishLoad(values.resume, shown, context);
    }
    const settings = settingsOf(values);
    const experiment: LoadExperiment = positional.length === 1
      ? await readLoadExperiment(positional[0], settings)
      : { name: "load", runs: [{ settings, varied: {} }] };
    await using observed = await observe(values, context.terminal);
    const request = {
      ...shown,
      experiment,
      onDirectory: observed.onDirectory,
      tags: checkedTags(values.tag ?? [], "--tag"),
      run_id: values["run-id"],
      prices: await pricesOf(values.prices),
    };
    const searched = values["find-capacity"];
    if (request.run_id !== undefined && (searched !== undefined || experiment.runs.length > 1)) {
      throw new InputError(`--run-id ${request.run_id}: for one run, and these are several`);
    }
    if (searched === undefined && values["capacity-share"] !== undefined) {
      throw new InputError("--capacity-share: only with --find-capacity");
    }
    return await withCallbacks(values, request.out, context, (told) => {
      const whole = { ...request, budget: warningBudget(budgetOf(values), told) };
      if (searched === undefined) return runLoads(whole, told);
      return searchCapacity({ ...whole, searched, share: values["capacity-share"] ?? 0.95 }, told);
    });
  },
};

/** @throws {InputError} more is asked for. */
function checkResume(values: Values<typeof flags>, positional: readonly string[]): void {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const more = given.map(([flag]) => `--${flag}`).filter((flag) => !WITH_RESUME.has(flag.slice(2)));
  const idle = [...positional, ...more];
  if (idle.length === 0) return;
  throw new InputError(
    `--resume: sums up what was measured and sends nothing, so leave out ${idle.join(", ")}`,
  );
}

function settingsOf(values: Values<typeof flags>): LoadSettings {
  const settings: Record<string, unknown> = {};
  for (const [flag, value] of Object.entries(values)) {
    if (value === undefined || NO_SETTING.has(flag)) continue;
    settings[RENAMED[flag as keyof typeof flags] ?? flag.replaceAll("-", "_")] = value;
  }
  if (values.header) settings.headers = headersOf(values.header);
  if (values["no-stream"]) settings.stream = false;
  for (const name of ["input_tokens", "output_tokens"]) {
    const text = settings[name];
    if (typeof text === "string" && /^\d+$/.test(text)) settings[name] = Number(text);
  }
  return settings as LoadSettings;
}
