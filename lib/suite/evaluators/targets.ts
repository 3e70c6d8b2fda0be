/** targets: how many of a list of things the answer has; hit_rate = hits / targets. */
import { z } from "zod";
import { hits, quoted } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const target = z.union([
  z.string().min(1),
  z.strictObject({
    name: z.string().min(1),
    /** Any of these texts is a hit. */
    any: z.array(z.string().min(1)).min(1),
  }),
]);

const options = z.strictObject({
  targets: z.array(target).min(1),
  case_sensitive: z.boolean().default(false),
  /** The hit rate from which the test is passed. */
  pass_at: z.number().gt(0).max(1).default(1),
});

export const targets: Evaluator<z.infer<typeof options>> = {
  name: "targets",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { targets, case_sensitive, pass_at }) {
    const fold = (text: string) => case_sensitive ? text : text.toLowerCase();
    const answer = fold(response_text);
    const missed = targets.filter((target) => {
      const texts = typeof target === "string" ? [target] : target.any;
      return !texts.some((text) => answer.includes(fold(text)));
    }).map((target) => typeof target === "string" ? target : target.name);
    const found = targets.length - missed.length;
    const without = missed.length
      ? `; missed ${missed.map((name) => quoted(name)).join(", ")}`
      : "";
    return hits(
      "targets",
      found,
      targets.length,
      pass_at,
      `${found} of ${targets.length}${without}`,
    );
  },
};
