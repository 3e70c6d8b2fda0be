/** Seeded random numbers, which make resampled intervals reproducible. */

/**
 * Uniform numbers in [0, 1) from the generator mulberry32 (T. Ettinger, public domain). Period 2^32;
 * suitable for resampling, not for cryptography.
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0; // signed: V8 stores it without an allocation
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Uniform numbers strictly between 0 and 1, so that their logarithm is finite and below 0. Two draws of
 * {@linkcode seededRandom} make one number of 52 bits. With only 32 bits, the smallest number would be
 * 2^-32, and so the longest exponential gap 22 times the mean.
 */
export function openRandom(seed: number): () => number {
  const random = seededRandom(seed);
  return () =>
    (Math.floor(random() * 2 ** 32) * 2 ** 20 + Math.floor(random() * 2 ** 20) + 0.5) /
    2 ** 52;
}

/** Standard normal numbers by the Box–Muller transform, from uniform ones in (0, 1). */
export function standardNormal(random: () => number): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const second = spare;
      spare = null;
      return second;
    }
    const radius = Math.sqrt(-2 * Math.log(random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** The values in random order (Fisher–Yates shuffle). */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
