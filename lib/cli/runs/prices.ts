/** The price table that a command is given, or the one that comes with dyno. */
import { builtinPrices, type PriceTable, readPrices } from "../../run/prices.ts";
import { text } from "../ui/flags.ts";

export const pricesFlag = {
  "prices": text("FILE", "a price table to use instead of experiments/prices.json"),
};

/** @throws {InputError} the file is not a price table. */
export async function pricesOf(path: string | undefined): Promise<PriceTable> {
  return path === undefined ? builtinPrices() : await readPrices(path);
}
