/** Numbers in a URL's query. */
import { z } from "zod";

/** A number as `schema` takes it; zod's own reading takes an empty text for 0. */
export function inQuery<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(
    (text) => typeof text === "string" && text.trim() === "" ? NaN : text,
    schema,
  );
}
