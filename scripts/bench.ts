/** Runs a benchmark by its name. */
import process from "node:process";

const benches: Record<string, () => Promise<unknown>> = {
  load: () => import("./bench/load.ts"),
  sampler: () => import("./bench/sampler.ts"),
  sweep: () => import("./bench/sweep.ts"),
  runs: () => import("./bench/runs.ts"),
  metrics: () => import("./bench/metrics.ts"),
  serve: () => import("./bench/serve.ts"),
  forms: () => import("./bench/forms.ts"),
};

const [name] = process.argv.slice(2);
if (Object.hasOwn(benches, name ?? "")) {
  await benches[name]();
} else {
  process.stderr.write(
    `bench: "${name ?? ""}" is not known; there is ${Object.keys(benches).join(", ")}\n`,
  );
  process.exitCode = 2;
}
