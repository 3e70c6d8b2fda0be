/** Divides a load between several processes. */

/**
 * A shard's part of a load. All arrivals, prompts and requests are numbered from 0; the shard's are
 * those whose number modulo `count` is `index`. Together the shards send what one process would.
 */
export interface LoadShare {
  /** From 0. */
  index: number;
  /** How many shards there are. */
  count: number;
}

/** A load that is not divided. */
export const WHOLE: LoadShare = { index: 0, count: 1 };

/** Whether number n, from 0, belongs to the shard. */
export function isOwn(n: number, { index, count }: LoadShare): boolean {
  return n % count === index;
}

/** Returns the number in the whole load of a shard's own n-th item, from 0. */
export function numberOf(n: number, { index, count }: LoadShare = WHOLE): number {
  return index + n * count;
}

/**
 * Returns how many of `total` items belong to the shard; the first shards get one more each if it
 * does not divide evenly.
 */
export function shareOf(total: number, { index, count }: LoadShare): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

/** Yields the values that belong to the shard, in order. */
export function* ownOf<Value>(
  values: Iterator<Value, unknown>,
  share: LoadShare,
): Generator<Value> {
  for (let n = 0, next = values.next(); !next.done; n++, next = values.next()) {
    if (isOwn(n, share)) yield next.value;
  }
}
