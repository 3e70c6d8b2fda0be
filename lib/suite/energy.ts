/** The energy of a run, from the samples on disk: per device, per token, per solved test, per request. */
import { energiesOver, energyDevices, idlePower, shareEnergy } from "../hardware/energy.ts";
import { readSamples } from "../hardware/samples.ts";
import { type Series, seriesFrom } from "../hardware/series.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { ResultItem } from "./results.ts";
import type { DeviceEnergy, RunEnergy } from "./results.ts";

const NS_PER_S = 1e9;
const MOST_RECORDS = 50_000;

/**
 * Computes a run's energy and sets every item's `energy_j`: its share of the devices' energy, in
 * proportion to the tokens that it produced at each moment (see {@linkcode shareEnergy}). Null without an
 * energy source.
 */
export function energyOfRun(directory: RunDirectory, items: ResultItem[]): RunEnergy | null {
  const any = readSamples(directory.path, 2).some((each) => energyDevices(seriesFrom(each)).length);
  if (!any) return null;
  const devices = new Map<string, DeviceEnergy & { span_s: number }>();
  for (const samples of readSamples(directory.path, MOST_RECORDS)) {
    const series = seriesFrom(samples);
    const own = items.filter((item) => isWithin(item, series));
    if (own.length > 0) addSession(devices, series, own);
  }
  if (devices.size === 0) return null;
  const known = items.filter((item) => item.success && item.completion_tokens !== null);
  const tokens = known.reduce((sum, item) => sum + item.completion_tokens!, 0);
  const solved = items.filter((item) => item.passed).length;
  const all = [...devices.values()].map(({ span_s: _, ...device }) => device);
  const total_j = all.reduce((sum, device) => sum + device.energy_j, 0);
  return {
    devices: all,
    total_j,
    j_per_token: tokens > 0 ? total_j / tokens : null,
    tokens_per_j: tokens > 0 && total_j > 0 ? tokens / total_j : null,
    j_per_solved_test: solved > 0 ? total_j / solved : null,
  };
}

function isWithin({ t_sent_ns, e2e_ms }: ResultItem, series: Series): boolean {
  return t_sent_ns !== null && e2e_ms !== null && series.length > 1 &&
    t_sent_ns >= series.t_ns(0) && t_sent_ns + e2e_ms * 1e6 <= series.t_ns(series.length - 1);
}

/** Adds the energy that a session's requests used. */
function addSession(
  devices: Map<string, DeviceEnergy & { span_s: number }>,
  series: Series,
  items: ResultItem[],
): void {
  const users = items.map((item) => ({
    start_ns: item.t_sent_ns!,
    end_ns: item.t_sent_ns! + item.e2e_ms! * 1e6,
    tokens: item.completion_tokens ?? 0,
  }));
  const from_ns = users.reduce((first, user) => Math.min(first, user.start_ns), Infinity);
  const to_ns = users.reduce((last, user) => Math.max(last, user.end_ns), 0);
  const idle = from_ns - series.t_ns(0) >= NS_PER_S
    ? idlePower(series, series.t_ns(0), from_ns)
    : {};
  for (const energy of energiesOver(series, from_ns, to_ns)) {
    const shares = shareEnergy(series, energy.device, users);
    items.forEach((item, i) => item.energy_j = (item.energy_j ?? 0) + shares[i]);
    const before = devices.get(energy.device);
    const span_s = (to_ns - from_ns) / NS_PER_S + (before?.span_s ?? 0);
    const energy_j = energy.energy_j + (before?.energy_j ?? 0);
    const idle_w = before?.idle_w ?? idle[energy.device] ?? null;
    devices.set(energy.device, {
      ...energy,
      energy_j,
      error_j: energy.error_j + (before?.error_j ?? 0),
      power_w: energy_j / span_s,
      idle_w,
      above_idle_j: idle_w === null ? null : Math.max(0, energy_j - idle_w * span_s),
      span_s,
    });
  }
}
