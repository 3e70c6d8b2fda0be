// deno-lint-ignore-file no-console -- a program for people to read
/**
 * What does some work cost this host? Samples CPU, memory and energy while a function runs.
 *
 *   deno run -A examples/sample.ts
 */
import { energiesOver, nowNs, startSampler } from "../lib/mod.ts";

function work(): number {
  let sum = 0;
  for (let i = 0; i < 3e8; i++) sum += Math.sqrt(i);
  return sum;
}

await using sampler = await startSampler({ directory: null, rate_hz: 50 });
const from = nowNs();
work();
const to = nowNs();
await sampler.afterTick(to);

const { cpu_usage_percent } = sampler.metricsOver(from, to);
console.log(`${((to - from) / 1e9).toFixed(2)} s, CPU ${cpu_usage_percent?.toFixed(0) ?? "–"} %`);
for (const { device, energy_j, error_j } of energiesOver(sampler.series, from, to)) {
  console.log(`${device}: ${energy_j.toFixed(1)} ± ${error_j.toFixed(1)} J`);
}
for (const line of sampler.unavailable()) console.log(line);
