/** The settings of coding problems, and of the sandbox in which answers run. */
import { z } from "zod";
import { about, count, nonEmpty, seconds } from "./setting.ts";

/** The default sampling for coding problems; several samples use a higher temperature. */
export const CODING_PARAMETERS = { max_tokens: 2048, temperature: 0 };
/** The temperature for several samples. */
export const SAMPLES_TEMPERATURE = 0.8;

/** The settings that only coding problems have. */
export const codingSettings = z.strictObject({
  /** One answer each, attempts that see earlier failures, or a comparison of both. */
  mode: z.enum(["zero-shot", "iterative", "comparative"]).default("zero-shot").register(about, {
    help: "of coding problems",
  }),
  /** Which problems, by position. */
  range: nonEmpty.optional().register(about, {
    help: "problems by position, such as 0-10 (the end is not included) or 0,3,7-9",
    placeholder: "PLACES",
  }),
  /** Attempts at a problem in iterative mode. */
  max_iterations: count.default(10).register(about, {
    help: "attempts at a problem in iterative mode",
    placeholder: "N",
  }),
  /** Answers to each problem, for pass@k. */
  samples: count.default(1).register(about, {
    help: "answers to each problem, for pass@k",
    placeholder: "K",
  }),
  /** Sampling parameters of every request. */
  parameters: z.record(z.string(), z.unknown()).optional().register(about, {
    help: "sampling parameters",
    placeholder: "JSON",
    otherwise: JSON.stringify(CODING_PARAMETERS),
  }),
  /** A second model that reviews attempts that keep failing. */
  checkpoint_model: nonEmpty.optional().register(about, {
    help: "a second model that reviews what keeps failing",
    placeholder: "NAME",
  }),
  /** The number of attempts between reviews. */
  checkpoint_every: count.default(5).register(about, {
    help: "attempts between reviews",
    placeholder: "N",
  }),
  /** Gives up after this many attempts that are no better than each other. */
  stop_on_plateau: z.int().min(2).optional().register(about, {
    help: "gives a problem up after N attempts no better than each other",
    placeholder: "N",
    otherwise: "goes on to --max-iterations",
  }),
  /** Time limit of a program and its checks: seconds, or a text such as "2m". */
  test_timeout_s: seconds({ min: 0.1, named: true }).default(10).register(about, {
    help: "for a program and its checks",
  }),
  /** Memory limit of a program, MB. */
  test_memory_mb: z.int().min(64).default(1024).register(about, {
    help: "memory of a program",
    placeholder: "MB",
  }),
});

/** The settings of a run of coding problems on this host, which only flags can give. */
export const codingHostSettings = z.strictObject({
  /** The confinement of answers. */
  sandbox: z.enum(["auto", "bubblewrap", "pyodide", "none"]).default("auto").register(about, {
    help: "where answers run: bubblewrap, or pyodide without it; none is unsafe",
  }),
  /** The Python that runs the answers. */
  python: nonEmpty.optional().register(about, {
    help: "the Python that runs them",
    placeholder: "PATH",
    otherwise: "python3",
  }),
  /** A folder in which the summary is also written as `<run_id>.json`. */
  export_dir: nonEmpty.optional().register(about, {
    help: "where the summary is written as <run_id>.json",
    placeholder: "DIR",
    otherwise: "benchmark_results here, or in --out where that is given",
  }),
  /** The command of an MCP memory server in which the run is also stored. */
  memory: nonEmpty.optional().register(about, {
    help: "also store it in this MCP memory server, started as a program",
    placeholder: "COMMAND",
  }),
});

/** Whether a file holds coding problems and not a suite. */
export function holdsProblems(path: string): boolean {
  return /\.jsonl(\.gz)?$|(^|\/)sanitized-mbpp\.json$/.test(path);
}

/** A setting for coding problems that was given for a suite, or the other way round; null when all fit. */
export function misplaced(path: string, given: Readonly<Record<string, unknown>>): {
  name: string;
  why: string;
} | null {
  const problems = holdsProblems(path);
  const wrong = problems ? ["categories", "tests", "epochs"] : [
    ...Object.keys(codingSettings.shape),
    ...Object.keys(codingHostSettings.shape),
  ];
  const name = wrong.find((each) => given[each] !== undefined);
  if (name === undefined) return null;
  const why = problems
    ? `not for coding problems; ${name === "epochs" ? "samples does it" : "choose them with range"}`
    : "for coding problems, in a .jsonl file";
  return { name, why };
}
