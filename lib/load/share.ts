/** A load that several processes send together: which part of it is each one's. */

/**
 * What of a load is one shard's: of all arrivals, prompts and requests, numbered from 0, those whose
 * number leaves `index` when it is divided by `count`. Together the shards send what one process would.
 */
export interface LoadShare {
  /** From 0. */
  index: number;
  /** How many shards there are. */
  count: number;
}

/** A load that one process sends. */
export const WHOLE: LoadShare = { index: 0, count: 1 };

/** Whether the n-th, from 0, is a shard's. */
export function isOwn(n: number, { index, count }: LoadShare): boolean {
  return n % count === index;
}

/** The number in the whole load of a shard's n-th, from 0. */
export function numberOf(n: number, { index, count }: LoadShare = WHOLE): number {
  return index + n * count;
}

/** How many of so many are a shard's: what is left over goes to the first ones, one each. */
export function shareOf(total: number, { index, count }: LoadShare): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

/** Those of some values that are a shard's, in their order. */
export function* ownOf<Value>(
  values: Iterator<Value, unknown>,
  share: LoadShare,
): Generator<Value> {
  for (let n = 0, next = values.next(); !next.done; n++, next = values.next()) {
    if (isOwn(n, share)) yield next.value;
  }
}
