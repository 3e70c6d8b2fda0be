/** dyno runs gate: decides pass, regression or underpowered, with an exit code for CI. */
import { InputError } from "../../errors.ts";
import { PAIRED_METRICS } from "../../compare/compare.ts";
import { LOAD_METRIC_NAMES } from "../../compare/compare_load.ts";
import { readGateSide, runGate } from "../../compare/gate_sides.ts";
import { gateAnnotations, gateJUnit, gateMarkdown } from "../../compare/gate_report.ts";
import { isLimitMetric, LIMIT_NAMES } from "../../compare/gate_limits.ts";
import { quantileLimit } from "../../load/statement.ts";
import { parseDuration } from "../../text/duration.ts";
import { didYouMean } from "../../text/nearest.ts";
import { type GateResult, parseTolerance, type Tolerance } from "../../compare/gate.ts";
import { isHigherBetter, isShare } from "../../measures/describe.ts";
import { writeFileAtomic } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, list, otherwise, parseFlags, text, toggle, type Values } from "../ui/flags.ts";
import { wrapText } from "../../text/width.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { folderFlag, jsonFlag, withRuns } from "./query.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const flags = {
  ...folderFlag,
  "baseline": text(
    "RUN|FILE",
    "what to compare with: a run, or a file of runs export --format json",
  ),
  "candidate": otherwise("latest", text("RUN", "the run to judge")),
  "metric": list(
    "NAME",
    "what must not get worse (pass_rate; of loads ttft_p50_ms, output_tokens_per_s)",
  ),
  "max-drop": text(
    "AMOUNT",
    "how far rates and scores may fall: 5pp, 5%, 0.05 (5pp; of throughput 10%)",
  ),
  "max-rise": text(
    "AMOUNT",
    "how far latencies, tokens, costs may rise: 10%, or in their unit (10%)",
  ),
  "min": list("NAME=VALUE", "a lower limit on the candidate's value, e.g. pass_rate=0.85"),
  "max": list("NAME=VALUE", "an upper limit, e.g. ttft_p99=500ms or total_cost_usd=2"),
  ...pricesFlag,
  "junit": text("FILE", "writes JUnit XML"),
  "github": toggle("prints annotations for GitHub Actions"),
  "markdown": text("FILE", "writes a summary, e.g. to $GITHUB_STEP_SUMMARY"),
  ...jsonFlag,
};

export const command: Command = {
  flags,
  help: [
    "dyno runs gate --baseline RUN|FILE [--candidate RUN] [flags]",
    "",
    "Judges a run. regression (exit 3): it is worse than the baseline by more than is allowed, and",
    "significantly worse (5 %). pass (exit 0): the 95 % interval of the difference excludes anything",
    "worse than allowed. underpowered (exit 4): there are too few problems to tell; the number needed",
    "is printed. --min and --max limit the candidate alone, and need no baseline; a value that is",
    "unknown does not pass.",
    "",
    ...flagHelp(flags),
    "",
    ...[
      `metrics of suites: ${PAIRED_METRICS.join(", ")}`,
      `metrics of loads: ${LOAD_METRIC_NAMES}`,
      `limits: ${LIMIT_NAMES}`,
    ].flatMap((list) => wrapText(list, 94)).map((line) => `  ${line}`),
    "",
    "  dyno runs gate --baseline baseline.json --candidate latest --max-drop 5pp --junit gate.xml",
    "  dyno runs gate --candidate latest --min pass_rate=0.85 --max latency_p99_ms=20000",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length > 0) {
      throw new InputError(
        `dyno runs gate: "${positional[0]}" is not expected; give --baseline RUN --candidate RUN`,
      );
    }
    const limits = [...limitsOf("min", values.min), ...limitsOf("max", values.max)];
    if (values.baseline === undefined && limits.length === 0) {
      throw new InputError(
        "dyno runs gate needs --baseline RUN|FILE, or limits by --min and --max",
      );
    }
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs, terminal, async (index) => {
      const candidate = await readGateSide(index, values.candidate, prices);
      const baseline = values.baseline === undefined
        ? null
        : await readGateSide(index, values.baseline, prices);
      for (const side of [baseline, candidate]) {
        side?.warnings.forEach((line) => terminal.warn(line));
      }
      const defaults = (name: string) => toleranceOf(name, values);
      const metrics = values.metric?.map((name) => ({ name, tolerance: defaults(name) }));
      const result = runGate(baseline, candidate, { metrics, defaults, limits });
      report(result, values, terminal);
      return codeOf(result);
    });
  },
};

function codeOf({ verdict }: GateResult): number {
  if (verdict === "pass") return EXIT.good;
  return verdict === "regression" ? EXIT.regression : EXIT.underpowered;
}

/** How much worse each metric may get, from the flags. */
function toleranceOf(metric: string, values: Values<typeof flags>): Tolerance {
  const flag = isHigherBetter(metric) ? "max-drop" : "max-rise";
  const given = values[flag];
  if (given === undefined) {
    return isShare(metric) ? { amount: 0.05, relative: false } : { amount: 0.1, relative: true };
  }
  if (given.trim().endsWith("pp") && !isShare(metric)) {
    throw new InputError(
      `--${flag}: percentage points do not fit ${metric}; give 10%, or a number`,
    );
  }
  const tolerance = parseTolerance(flag, given);
  if (isShare(metric) && !tolerance.relative && tolerance.amount > 1) {
    throw new InputError(
      `--${flag}: "${given}" is more than ${metric} can change, which is from 0 to 1; expected e.g. ` +
        `${Number(given) <= 100 ? given.trim() : 5}pp (percentage points)`,
    );
  }
  return tolerance;
}

function limitsOf(bound: "min" | "max", given: readonly string[] = []) {
  return given.map((text) => {
    if (bound === "min" && /[<≤]/.test(text)) {
      throw new InputError(`--min: "${text}" is an upper limit; give it with --max`);
    }
    const quantile = quantileLimit(text);
    const [name, plain, ...rest] = text.split("=");
    const metric = quantile?.name ?? name;
    if (!isLimitMetric(metric)) {
      const hint = didYouMean(metric, LIMIT_NAMES.split(/[,;]? /));
      throw new InputError(`--${bound}: "${metric}" is none of ${LIMIT_NAMES}${hint}`);
    }
    if (quantile !== null) {
      const limit = parseDuration(quantile.limit, "ms");
      if (limit !== null) return { metric, bound, limit };
    }
    const limit = Number(plain);
    if (!plain?.trim() || !Number.isFinite(limit) || rest.length > 0) {
      throw new InputError(`--${bound}: "${text}" is not valid; expected NAME=NUMBER`);
    }
    if (isShare(metric) && (limit < 0 || limit > 1)) {
      const share = limit > 1 && limit <= 100 ? limit / 100 : 0.85;
      throw new InputError(
        `--${bound}: "${text}": ${metric} is from 0 to 1; expected e.g. ${metric}=${share}`,
      );
    }
    return { metric, bound, limit };
  });
}

function report(result: GateResult, values: Values<typeof flags>, terminal: Terminal): void {
  if (values.junit) writeFileAtomic(values.junit, gateJUnit(result));
  if (values.markdown) writeFileAtomic(values.markdown, gateMarkdown(result));
  if (values.github) {
    for (const line of gateAnnotations(result)) {
      values.json ? terminal.say(line) : terminal.out(line);
    }
  }
  if (values.json) return terminal.json(result);
  const { paint } = terminal;
  const colours = { pass: paint.good, regression: paint.bad, underpowered: paint.warn };
  for (const { verdict, message } of result.checks) {
    terminal.say(`${colours[verdict](verdict.padEnd(12))} ${message}`);
  }
  for (const [title, ids] of Object.entries(result.flips)) {
    if (ids.length === 0) continue;
    const more = ids.length > 20 ? `, … ${ids.length - 20} more` : "";
    terminal.say(`${title} (${ids.length}): ${ids.slice(0, 20).join(", ")}${more}`);
  }
  terminal.out(result.verdict);
}
