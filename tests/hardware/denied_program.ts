/** Samples for a moment with whatever is permitted, and says what came of it. */
import { startSampler } from "../../lib/hardware/sampler.ts";
import { nowNs } from "../../lib/native/clock.ts";

const from_ns = nowNs();
await using sampler = await startSampler({ directory: null, rate_hz: 50 });
for (const end = performance.now() + 300; performance.now() < end;);
await sampler.afterTick(nowNs());
const { cpu_usage_percent, memory_used_gb } = sampler.metricsOver(from_ns, nowNs());
// deno-lint-ignore no-console
console.log(JSON.stringify({
  kind: sampler.description.sampler,
  cpu_usage_percent,
  memory_used_gb,
  unavailable: sampler.unavailable(),
}));
