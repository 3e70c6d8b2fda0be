/** The settings of a sweep that do not say what is run, but how. */
import { z } from "zod";
import { about, count, nonEmpty, positive, sampleRate, seconds } from "./setting.ts";

/**
 * Of a sweep's file, and of flags that go before it.
 *
 * @internal
 */
export const sweepSettings = z.strictObject({
  /** The folder of sweeps. */
  out_root: nonEmpty.refine((path) => !path.includes("\0"), "holds a NUL character")
    .default("bench_runs").register(about, {
      help: "another folder for experiments",
      placeholder: "PATH",
    }),
  /** Runs at a time. */
  jobs: count.default(1).register(about, { help: "runs at the same time", placeholder: "N" }),
  /** How long a run may take: seconds, or a text such as "10m"; without it, as long as it likes. */
  timeout_s: seconds({ above: true, named: true }).optional().register(about, {
    help: "that a run may take",
  }),
  /** Private memory that each process of a run may take, MB. */
  memory_limit_mb: positive.optional().register(about, {
    help: "private memory that each process of a run may take",
    placeholder: "MB",
  }),
  /** Hardware samples a second beside each run; 0 for none. */
  sample_rate_hz: sampleRate.default(0).register(about, {
    help: "hardware samples a second beside each run; 0: none",
    placeholder: "HZ",
  }),
});
