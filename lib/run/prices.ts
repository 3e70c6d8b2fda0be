/** Token prices: a dated table by model. An unknown price is null, never 0. */
import { z } from "zod";
import builtin from "../../experiments/prices.json" with { type: "json" };
import { checkJson, readJsonFile } from "../settings/json_file.ts";
import { fileForms, nonEmpty, schemaField } from "../settings/setting.ts";
import type { OutputOf } from "../settings/setting.ts";

const dollars = z.number().min(0);

const ratesShape = {
  /** Price of prompt tokens. */
  input: dollars,
  /** Price of output tokens. */
  output: dollars,
  /** Price of prompt tokens read from the provider's cache; default: that of other prompt tokens. */
  cache_read: dollars.nullable().optional(),
  /** Price of prompt tokens written to the provider's cache; default: that of other prompt tokens. */
  cache_write: dollars.nullable().optional(),
};

const tierSchema = z.strictObject({
  above_prompt_tokens: z.int().min(1).describe(
    "the tier is for prompts of more tokens than this, cached ones included",
  ),
  ...ratesShape,
});

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
  ...ratesShape,
  /**
   * Other prices for requests with long prompts. The highest tier that a request's prompt exceeds
   * sets the price of all its tokens.
   */
  tiers: z.array(tierSchema).min(1).optional(),
  /** The day on which the price was looked up, YYYY-MM-DD. */
  date: z.iso.date(),
  /** The page that the price is from. */
  source: z.url(),
});

/** The form of a price table file. */
export const priceTableSchema = z.strictObject({
  $schema: schemaField,
  /** The unit of the prices. */
  unit: z.literal("USD per million tokens"),
  /** One row for each model. */
  prices: z.array(priceSchema),
}).register(fileForms, { name: "prices", title: "a price table of dyno" });

/**
 * A model's price, USD per million tokens. `model` and `also` are complete names in which `*`
 * stands for any text. Letter case is ignored, and so is a provider before a slash
 * (`openai/gpt-4o`).
 */
export interface Price extends OutputOf<typeof priceSchema> {}

/** A price table; if several rows match a model, the first one is used. */
export class PriceTable {
  /** Its source, for people. */
  readonly name: string;
  /** All prices, in order. */
  readonly prices: readonly Price[];
  readonly #rows: readonly { globs: string[][]; price: Price }[];

  /** Makes a table of prices. @param name where they are from, for people. */
  constructor(name: string, prices: readonly Price[]) {
    this.name = name;
    this.prices = prices;
    this.#rows = prices.map((price) => ({
      price,
      globs: [price.model, ...(price.also ? [price.also] : [])].map(partsOf),
    }));
  }

  /** Returns the price of a model; null where the table has none. */
  priceOf(model: string): Price | null {
    const name = model.toLowerCase();
    const short = name.slice(name.lastIndexOf("/") + 1);
    const fits = ({ globs }: { globs: string[][] }) =>
      globs.some((parts) => matches(parts, name) || matches(parts, short));
    return this.#rows.find(fits)?.price ?? null;
  }
}

/** Returns the table that comes with dyno, experiments/prices.json. */
export function builtinPrices(): PriceTable {
  return new PriceTable("experiments/prices.json", priceTableSchema.parse(builtin).prices);
}

/**
 * Reads a price table.
 *
 * @throws {InputError} the file is missing or not a price table, with line and fault.
 */
export async function readPrices(path: string): Promise<PriceTable> {
  return new PriceTable(path, checkJson(await readJsonFile(path), priceTableSchema).prices);
}

/** The texts between the stars of a name. */
function partsOf(glob: string): string[] {
  return glob.toLowerCase().split("*");
}

/** Whether the parts appear in the text in order, from its start to its end, in linear time. */
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
