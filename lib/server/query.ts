/** Numbers in a URL's query. */
import { z } from "zod";

/** A number that `schema` accepts; zod itself would read an empty text as 0. */
export function inQuery<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(
    (text) => typeof text === "string" && text.trim() === "" ? NaN : text,
    schema,
  );
}
