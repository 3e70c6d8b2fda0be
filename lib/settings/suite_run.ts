/** The settings of a suite's run, and its budget. */
import { z } from "zod";
import { endpointsSettings, retrySettings } from "./endpoint.ts";
import { about, count, positive, sampleRate } from "./setting.ts";

/** The budget of a run. */
export const budgetSettings = z.strictObject({
  /** The most US dollars to spend. */
  budget_usd: positive.optional().register(about, {
    help: "stop before this is spent; warns at 80 %",
    placeholder: "USD",
  }),
  /** The most tokens to use, input and output. */
  budget_tokens: count.optional().register(about, {
    help: "stop before this many tokens are used, prompts and answers together",
    placeholder: "N",
  }),
});

/** The settings of a suite's run; some are shared with runs of coding problems. */
export const suiteRunSettings = z.strictObject({
  ...endpointsSettings.shape,
  /** May be left out when the server serves exactly one model; several are run one after another. */
  model: z.union([z.string(), z.array(z.string()).min(1)]).optional().register(about, {
    help: "the model; several, by commas or repeated, run one after the other",
    placeholder: "NAME",
    short: "m",
  }),
  ...retrySettings.shape,
  /** Tests in flight. */
  workers: z.union([count, z.literal("auto")]).default(4).register(about, {
    help: "tests in flight; auto finds the number by measuring",
    placeholder: "N|auto",
    short: "c",
  }),
  /** Only these categories; any letter case, `*` and `?` as wildcards. */
  categories: z.array(z.string()).optional().register(about, {
    help: "only these categories; any letter case, * and ? as wildcards",
    placeholder: "NAME",
    flag: "category",
  }),
  /** Only these tests, by their ids. */
  tests: z.array(z.string()).optional().register(about, {
    help: "only these tests",
    placeholder: "ID",
  }),
  /** Only this many of the chosen tests, from the first. */
  limit: count.optional().register(about, {
    help: "only the first N of the chosen tests",
    placeholder: "N",
  }),
  /** How often each test is asked; the test remains the unit of statistics. */
  epochs: count.default(1).register(about, {
    help: "how often each test is asked; figures are then over tests",
    placeholder: "K",
  }),
  /** Hardware samples per second; 0 for none. */
  sample_rate_hz: sampleRate.optional().register(about, {
    help: "hardware samples per second; 0 for none",
    placeholder: "HZ",
    otherwise: "100, or 10 without libdyno",
  }),
  ...budgetSettings.shape,
});
