/** Ticks and units of axes. */

/** Steps that are usual on a clock: seconds, minutes and hours. */
const TIME_STEPS_S = [
  ...[1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 10_800, 21_600, 43_200, 86_400],
];

/**
 * The distance between ticks on an axis of `length_s` seconds, so that there are at most `most`.
 */
export function timeStep(length_s: number, most: number): number {
  const least = length_s / most;
  if (least <= 1) return decimalStep(least);
  return TIME_STEPS_S.find((step) => step >= least) ?? 86_400 * Math.ceil(least / 86_400);
}

/** A time on an axis whose ticks are `step_s` apart. */
export function timeLabel(at_s: number, step_s: number): string {
  if (step_s < 60) return `${Number(at_s.toFixed(6))} s`;
  if (step_s < 3600) return `${Math.round(at_s / 60)} min`;
  return `${Math.round(at_s / 3600)} h`;
}

/** Ticks of a logarithmic axis between two positive values: 1, 2 and 5 times each power of ten. */
export function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const digit of [1, 2, 5]) {
      const tick = digit * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** Milliseconds in the unit that is easiest to read. */
export function durationLabel(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toPrecision(3))} s`;
  if (ms < 7_200_000) return `${Number((ms / 60_000).toPrecision(3))} min`;
  return `${Number((ms / 3_600_000).toPrecision(3))} h`;
}

/** The unit for byte rates up to `most_bytes` per second. */
export function rateUnit(most_bytes: number): { name: string; bytes: number } {
  if (most_bytes >= 1e9) return { name: "GB/s", bytes: 1e9 };
  if (most_bytes >= 1e6) return { name: "MB/s", bytes: 1e6 };
  return { name: "kB/s", bytes: 1e3 };
}

/** The smallest number that is at least `value` and is 1, 2 or 5 times a power of ten. */
function decimalStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= value)!;
}
