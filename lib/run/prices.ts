/** What tokens cost: a dated table, by model. An unknown price is null, never 0. */
import { z } from "zod";
import builtin from "../../experiments/prices.json" with { type: "json" };
import { checkJson, readJsonFile } from "../settings/json_file.ts";
import { fileForms, nonEmpty, schemaField } from "../settings/setting.ts";
import type { OutputOf } from "../settings/setting.ts";

const dollars = z.number().min(0);

/**
 * The form of a price.
 *
 * @internal
 */
export const priceSchema = z.strictObject({
  /** The model's name. */
  model: nonEmpty,
  /** Another name of the same model. */
  also: nonEmpty.optional(),
  /** Of prompt tokens. */
  input: dollars,
  /** Of output tokens. */
  output: dollars,
  /** Of prompt tokens that the provider's cache had; without it, as other prompt tokens. */
  cache_read: dollars.nullable().optional(),
  /** Of prompt tokens that went into the provider's cache; without it, as other prompt tokens. */
  cache_write: dollars.nullable().optional(),
  /** The day on which it was looked up, YYYY-MM-DD. */
  date: z.iso.date(),
  /** The page that it was read from. */
  source: z.url(),
});

/** A price table's file. */
export const priceTableSchema = z.strictObject({
  $schema: schemaField,
  /** What the prices are in. */
  unit: z.literal("USD per million tokens"),
  /** One row for each model. */
  prices: z.array(priceSchema),
}).register(fileForms, { name: "prices", title: "a price table of dyno" });

/**
 * A model's price, USD per million tokens. `model` and `also` are whole names in which `*` stands for
 * any letters; letter case does not count, nor does a provider before a slash (`openai/gpt-4o`).
 */
export interface Price extends OutputOf<typeof priceSchema> {}

/** Prices; where several fit a model, the first does. */
export class PriceTable {
  /** Where it came from, for a person. */
  readonly name: string;
  /** All prices, in their order. */
  readonly prices: readonly Price[];
  readonly #rows: readonly { globs: string[][]; price: Price }[];

  /** `name` says where the prices came from. */
  constructor(name: string, prices: readonly Price[]) {
    this.name = name;
    this.prices = prices;
    this.#rows = prices.map((price) => ({
      price,
      globs: [price.model, ...(price.also ? [price.also] : [])].map(partsOf),
    }));
  }

  /** The price of a model; null where the table has none. */
  priceOf(model: string): Price | null {
    const name = model.toLowerCase();
    const short = name.slice(name.lastIndexOf("/") + 1);
    const fits = ({ globs }: { globs: string[][] }) =>
      globs.some((parts) => matches(parts, name) || matches(parts, short));
    return this.#rows.find(fits)?.price ?? null;
  }
}

/** The table that comes with dyno, experiments/prices.json. */
export function builtinPrices(): PriceTable {
  return new PriceTable("experiments/prices.json", priceTableSchema.parse(builtin).prices);
}

/** @throws {InputError} the file is missing, or is not a price table: file, line and fault. */
export async function readPrices(path: string): Promise<PriceTable> {
  return new PriceTable(path, checkJson(await readJsonFile(path), priceTableSchema).prices);
}

/** What stands between the stars of a name. */
function partsOf(glob: string): string[] {
  return glob.toLowerCase().split("*");
}

/** Whether the parts are in the text, in order, from its start to its end. Linear, as no pattern is. */
function matches([first, ...parts]: string[], text: string): boolean {
  const last = parts.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
