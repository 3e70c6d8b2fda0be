/** Energy of a load: of the host that sent it, or of its shards' hosts. */
import { energiesOver, type Energy } from "../hardware/energy.ts";
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { shardFolder, shardRunId } from "./shards/plan.ts";
import type { Samples } from "../hardware/samples.ts";
import type { Series } from "../hardware/series.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { ShardFacts } from "../run/request_record.ts";
import type { LoadResults, StageResults } from "./results.ts";

/**
 * Returns the energy of each device over a span of the run's clock, and the hosts whose energy is
 * unknown.
 */
export type EnergyOver = (
  from_ns: number,
  to_ns: number,
) => { devices: Energy[]; unknown: string[] };

/** Energy of the host that a series was sampled on. */
export function hostEnergy(series: Series): EnergyOver {
  return (from_ns, to_ns) => ({ devices: energiesOver(series, from_ns, to_ns), unknown: [] });
}

/**
 * Energy of all hosts of a run's shards, with each device counted once. Each shard on a shared
 * machine samples all of it, so the reading with the smallest error is used. A machine is
 * identified by its boot ID and a GPU by its UUID, as containers have other host names and may see
 * other GPUs.
 */
export function shardEnergy(run: RunDirectory, shards: readonly ShardFacts[]): EnergyOver {
  const sampled = shards.map(({ shard, host, offset_ns }) => {
    const sessions = readSamples(runDirectoryAt(`${shardFolder(run)}/${shardRunId(shard)}`).path);
    return { sessions, offset_ns, name: host ?? shardRunId(shard), boot: bootOf(sessions) };
  });
  const boots = new Map(sampled.flatMap(({ name, boot }) => boot === null ? [] : [[name, boot]]));
  const readings = sampled.map(({ sessions, offset_ns, name, boot }) => ({
    name,
    machine: boot ?? boots.get(name) ?? name,
    offset_ns,
    sessions: sessions.map((samples) => ({ samples, series: seriesFrom(samples) })),
  }));
  return (from_ns, to_ns) => {
    const devices = new Map<string, Energy>();
    const known = new Set<string>();
    for (const { name, machine, offset_ns, sessions } of readings) {
      if (offset_ns === null) continue; // its clock cannot be mapped to the run's
      for (const { samples, series } of sessions) {
        for (const energy of energiesOver(series, from_ns - offset_ns, to_ns - offset_ns)) {
          known.add(machine);
          const key = deviceKey(machine, energy.device, samples);
          const other = devices.get(key);
          if (other && other.error_j <= energy.error_j) continue;
          devices.set(key, { ...energy, device: `${name}: ${energy.device}` });
        }
      }
    }
    const unknown = readings.filter(({ machine }) => !known.has(machine)).map(({ name }) => name);
    return { devices: [...devices.values()], unknown: [...new Set(unknown)] };
  };
}

function bootOf(sessions: readonly Samples[]): string | null {
  return sessions.find(({ description }) => description.boot_id)?.description.boot_id ?? null;
}

function deviceKey(machine: string, device: string, { description }: Samples): string {
  const uuid = description.gpus?.find(({ series }) => series === device)?.uuid;
  return uuid ? uuid : `${machine}\n${device}`;
}

/** Returns the energy of the measured windows; null where no device reports it. */
export function loadEnergy(
  over: EnergyOver | null,
  stages: readonly StageResults[],
  { window }: StageResults,
): LoadResults["energy"] {
  if (over === null) return null;
  const { devices, unknown } = over(window.start_ns, window.end_ns);
  if (devices.length === 0) return null;
  const joules = (each: readonly Energy[]) => each.reduce((sum, { energy_j }) => sum + energy_j, 0);
  // only the windows of stages: energy used between them produced no tokens
  const tokens = stages.reduce(
    (sum, { output_tokens_per_s, window }) =>
      sum + (output_tokens_per_s ?? NaN) * window.duration_s,
    0,
  );
  const paid_j = stages.reduce(
    (sum, { window }) => sum + joules(over(window.start_ns, window.end_ns).devices),
    0,
  );
  return {
    energy_j: joules(devices),
    error_j: devices.reduce((sum, { error_j }) => sum + error_j, 0),
    source: devices.map(({ device, method }) => `${device} (${method})`).join(", "),
    per_token_j: tokens > 0 && unknown.length === 0 ? paid_j / tokens : null,
    ...(unknown.length > 0 ? { unknown } : {}),
  };
}
