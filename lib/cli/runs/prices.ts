/** The price table given to a command, or the built-in one. */
import { builtinPrices, type PriceTable, readPrices } from "../../run/prices.ts";
import { text } from "../ui/flags.ts";

export const pricesFlag = {
  "prices": text("FILE", "a price table to use instead of experiments/prices.json"),
};

/** @throws {InputError} the file is not a price table. */
export async function pricesOf(path: string | undefined): Promise<PriceTable> {
  return path === undefined ? builtinPrices() : await readPrices(path);
}
