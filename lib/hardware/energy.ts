/**
 * Energy over a time span, by device: from its energy counter if it has one, else from its power
 * readings. Every figure has an error bound.
 */
import type { Series } from "./series.ts";

const NS_PER_S = 1e9;

/** The energy of one device over a span. */
export interface Energy {
  /** The device's name: `gpu0`, `rapl.package-0`. */
  device: string;
  /** Joules over the span, including idle power. */
  energy_j: number;
  /**
   * Half-width of the error range. A counter that moves in steps is known to one step at each end.
   * For a counter that stopped moving, the error is as large as its last step and what its pace
   * would have added. Integrated power is known to one reading's interval at each end, at the
   * highest power seen. Errors of the sensor itself are not included (5 % is common, see NVML's
   * documentation).
   */
  error_j: number;
  /** Mean power over the span. */
  power_w: number;
  /** Whether it comes from the energy counter, or from a sum over power readings. */
  method: "counter" | "integrated power";
}

/** Mean idle power by device, measured before the run, W. */
export type IdlePower = Readonly<Record<string, number>>;

/**
 * A device's power: its power at the moment if it reports that, else its own mean (over 1 s), else
 * what its driver calls power.
 */
export const POWER_FIELDS = ["power_instant_w", "power_average_w", "power_w"] as const;

/** A device's mean power over a span, from its best reading; null if it has none. */
export function meanPower(
  series: Series,
  device: string,
  from_ns: number,
  to_ns: number,
): number | null {
  const field = powerField(series, device, from_ns, to_ns);
  return field === null ? null : series.mean(field, from_ns, to_ns);
}

function powerField(series: Series, device: string, from_ns: number, to_ns: number): string | null {
  return POWER_FIELDS.map((field) => `${device}.${field}`)
    .find((field) => series.mean(field, from_ns, to_ns) !== null) ?? null;
}

/**
 * The devices whose energy a series contains. A board that is split by MIG is not included: its
 * sensors measure the whole board's energy, whichever part did the work, and its parts have no
 * sensors.
 */
export function energyDevices(series: Series): string[] {
  const fields = /\.(energy_j|power(_instant|_average)?_w)$/;
  const devices = series.names(/^(gpu\d+|rapl\..+)\.[^.]+$/).filter((name) => fields.test(name))
    .map((name) => name.replace(fields, ""))
    .filter((device) => !series.names(/^gpu\d+\.mig/).some((name) => name.startsWith(`${device}.`)))
    // a package includes its cores and uncore, the platform its packages: each joule counts once
    .filter((device) => !/^rapl\.(.*\.)?(core|uncore)/.test(device));
  const packages = devices.some((device) => device.startsWith("rapl.package"));
  return [...new Set(devices)].filter((device) => !packages || !device.startsWith("rapl.psys"));
}

/**
 * The energy of a device over [from_ns, to_ns]; null if samples do not cover the span.
 *
 * counter: E = C(to) − C(from), with C interpolated linearly between the moments at which it moved.
 * power: E = Σ P_i·Δt_i over the intervals that overlap the span.
 */
export function energyOver(
  series: Series,
  device: string,
  from_ns: number,
  to_ns: number,
): Energy | null {
  if (to_ns <= from_ns || !covered(series, from_ns, to_ns)) return null;
  return fromCounter(series, device, from_ns, to_ns) ?? fromPower(series, device, from_ns, to_ns);
}

/** Energies of all devices over a span. */
export function energiesOver(series: Series, from_ns: number, to_ns: number): Energy[] {
  return energyDevices(series).flatMap((device) =>
    energyOver(series, device, from_ns, to_ns) ?? []
  );
}

/** Mean power by device over a span in which the machine had no work. */
export function idlePower(series: Series, from_ns: number, to_ns: number): IdlePower {
  return Object.fromEntries(
    energiesOver(series, from_ns, to_ns).map(({ device, power_w }) => [device, power_w]),
  );
}

/**
 * The energy of a span above idle: E − P_idle·Δt, at least 0; null if idle power was not measured.
 */
export function aboveIdle(energy: Energy, idle: IdlePower, span_s: number): number | null {
  const idle_w = idle[energy.device];
  return idle_w === undefined ? null : Math.max(0, energy.energy_j - idle_w * span_s);
}

/** A request's time and tokens, for dividing a device's energy among requests. */
export interface EnergyUser {
  /** When it was sent: CLOCK_MONOTONIC nanoseconds. */
  start_ns: number;
  /** When its answer was complete: CLOCK_MONOTONIC nanoseconds. */
  end_ns: number;
  /** Output tokens. */
  tokens: number;
}

/**
 * Divides a device's energy among the requests in flight. The span is cut wherever a request starts
 * or ends. Each piece's energy is divided by the requests' token rates (tokens / duration), so a
 * request that produces tokens twice as fast gets twice as much. A piece without a request that
 * produces tokens is assigned to none. This assumes that a request produces evenly over its time,
 * and that all tokens cost the same: prefill is charged to the tokens that follow it.
 *
 * @returns joules for each user, in the same order; the sum is at most the device's energy.
 */
export function shareEnergy(
  series: Series,
  device: string,
  users: readonly EnergyUser[],
): number[] {
  const shares = users.map(() => 0);
  const edges = [...new Set(users.flatMap(({ start_ns, end_ns }) => [start_ns, end_ns]))]
    .sort((a, b) => a - b);
  const rates = users.map(({ start_ns, end_ns, tokens }) =>
    tokens / Math.max(1, end_ns - start_ns)
  );
  const order = users.map((_, i) => i).sort((a, b) => users[a].start_ns - users[b].start_ns);
  let running: number[] = [], next = 0;
  for (let edge = 0; edge + 1 < edges.length; edge++) {
    const from_ns = edges[edge], to_ns = edges[edge + 1];
    running = running.filter((i) => users[i].end_ns > from_ns);
    while (next < order.length && users[order[next]].start_ns <= from_ns) {
      running.push(order[next++]);
    }
    const energy = energyOver(series, device, from_ns, to_ns);
    const sum = running.reduce((total, i) => total + rates[i], 0);
    if (energy === null || sum === 0) continue;
    for (const i of running) shares[i] += energy.energy_j * rates[i] / sum;
  }
  return shares;
}

function covered(series: Series, from_ns: number, to_ns: number): boolean {
  return series.length > 1 && series.t_ns(0) <= from_ns && series.t_ns(series.length - 1) >= to_ns;
}

function fromCounter(
  series: Series,
  device: string,
  from_ns: number,
  to_ns: number,
): Energy | null {
  const name = `${device}.energy_j`;
  const first = stepAt(series, name, from_ns), last = stepAt(series, name, to_ns);
  if (first === null || last === null || last.value < first.value) return null;
  const energy_j = last.value - first.value;
  const power_w = energy_j / ((to_ns - from_ns) / NS_PER_S);
  // after its last change the counter was either not read or did not move: we cannot know which
  const moving_ns = to_ns - from_ns - last.stale_ns;
  if (last.stale_ns > 0 && moving_ns <= 0) return null;
  const unseen_j = energy_j * last.stale_ns / moving_ns;
  return {
    device,
    energy_j,
    error_j: (first.step_j + last.step_j) / 2 + unseen_j,
    power_w,
    method: "counter",
  };
}

/**
 * The value of a stepping counter at a time, interpolated between the samples where it moved, and
 * the size of that step. If it did not move again, the step is its last one, and `stale_ns` is the
 * time since then.
 */
function stepAt(
  series: Series,
  name: string,
  t_ns: number,
): { value: number; step_j: number; stale_ns: number } | null {
  const [, end] = series.overlapping(t_ns, t_ns);
  let after = Math.max(1, Math.min(end, series.length) - 1);
  while (after > 1 && !(series.t_ns(after - 1) < t_ns)) after--;
  let before = after - 1;
  const at = (i: number) => series.value(i, name);
  if (Number.isNaN(at(after)) || Number.isNaN(at(before))) return null;
  // widen to the moves on both sides: in between, the counter only appears constant
  while (before > 0 && at(before - 1) === at(before)) before--;
  while (after + 1 < series.length && at(after) === at(before)) after++;
  if (at(after) === at(before)) {
    let last = before - 1;
    while (last > 0 && Number.isNaN(at(last))) last--;
    const step_j = last < 0 || Number.isNaN(at(last)) ? 0 : at(before) - at(last);
    return { value: at(before), step_j, stale_ns: t_ns - series.t_ns(before) };
  }
  const span_ns = series.t_ns(after) - series.t_ns(before);
  const share = Math.min(1, Math.max(0, (t_ns - series.t_ns(before)) / span_ns));
  const step_j = at(after) - at(before);
  return { value: at(before) + share * step_j, step_j, stale_ns: 0 };
}

function fromPower(series: Series, device: string, from_ns: number, to_ns: number): Energy | null {
  const name = powerField(series, device, from_ns, to_ns);
  if (name === null) return null;
  const power_w = series.mean(name, from_ns, to_ns)!;
  const span_s = (to_ns - from_ns) / NS_PER_S;
  const [first, end] = series.overlapping(from_ns, to_ns);
  const interval_s = (series.t_ns(end - 1) - series.t_ns(first - 1)) / (end - first) / NS_PER_S;
  const error_j = interval_s * (series.max(name, from_ns, to_ns) ?? power_w);
  return { device, energy_j: power_w * span_s, error_j, power_w, method: "integrated power" };
}
