/** contains: the answer holds all, or any, of the expected texts. */
import { z } from "zod";
import { listed, quoted, verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  mode: z.enum(["all", "any"]).default("all"),
  case_sensitive: z.boolean().default(false),
});

export const contains: Evaluator<z.infer<typeof options>> = {
  name: "contains",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, mode, case_sensitive }) {
    const fold = (text: string) => case_sensitive ? text : text.toLowerCase();
    const answer = fold(response_text);
    const texts = listed(expected);
    const missing = texts.filter((text) => !answer.includes(fold(text)));
    const passed = mode === "all" ? missing.length === 0 : missing.length < texts.length;
    const detail = missing.length === 0
      ? "holds every expected text"
      : `without ${missing.map((text) => quoted(text)).join(", ")}`;
    return verdict("contains", passed, detail);
  },
};
