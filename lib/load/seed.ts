/** Seeds as users give them. */
import { InputError } from "../errors.ts";

/** @throws {InputError} the seed is not a whole number from 0 to 2^32 − 1. */
export function checkSeed(seed: number): void {
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return;
  throw new InputError(`seed: ${seed}; expected a whole number from 0 to ${2 ** 32 - 1}`);
}
