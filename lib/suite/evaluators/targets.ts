/** targets: how many items of a list are in the answer; hit_rate = created_hits / targets. */
import { z } from "zod";
import { boundedSearch, patternFault, patternText } from "./bounded_search.ts";
import { expects, folded, someText } from "./text.ts";
import { hits, quoted } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

/** An item that the answer should contain: a text, one of several texts, or a match of a pattern. */
const namedTarget = z.strictObject({
  name: someText,
  contains: someText.optional(),
  any: z.array(someText).min(1, "expected at least one text").optional(),
  pattern: patternText.optional(),
}).superRefine((target, context) => {
  const ways = [target.contains, target.any, target.pattern].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    context.addIssue({ code: "custom", message: "give one of contains, any and pattern" });
  }
  const fault = target.pattern === undefined
    ? null
    : patternFault({ pattern: target.pattern, flags: "" });
  if (fault) context.addIssue({ code: "custom", path: ["pattern"], message: fault });
});

const target = z.union(
  [someText, namedTarget],
  expects("a text, or {name} with one of contains, any and pattern"),
);

const options = z.strictObject({
  targets: z.array(target, expects("a list of targets")).min(1, "expected at least one target"),
  case_sensitive: z.boolean().default(false),
  /** The hit rate that a test needs to pass. */
  pass_at: z.number().gt(0).max(1).default(1),
}).superRefine(({ targets }, context) => {
  const names = targets.map(nameOf);
  names.forEach((name, i) => {
    if (names.indexOf(name) === i) return;
    const message = `"${name}" is a target already; each counts once`;
    context.addIssue({ code: "custom", path: ["targets", i], message });
  });
});

type Target = z.infer<typeof target>;

function nameOf(target: Target): string {
  return typeof target === "string" ? target : target.name;
}

function isHit(target: Target, answer: string, case_sensitive: boolean): boolean {
  if (typeof target !== "string" && target.pattern !== undefined) {
    const flags = case_sensitive ? "" : "i";
    return boundedSearch({ pattern: target.pattern, flags }, answer) !== null;
  }
  const texts = typeof target === "string" ? [target] : target.any ?? [target.contains!];
  const plain = folded(answer, case_sensitive);
  return texts.some((text) => plain.includes(folded(text, case_sensitive)));
}

/** Scores the share of targets in the answer. Like `contains`, it finds them inside words too. */
export const targets: Evaluator<z.infer<typeof options>> = {
  name: "targets",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { targets, case_sensitive, pass_at }) {
    const answer = response_text.trim();
    const missed = answer === ""
      ? targets
      : targets.filter((target) => !isHit(target, answer, case_sensitive));
    const found = targets.length - missed.length;
    const names = missed.map((target) => quoted(nameOf(target))).join(", ");
    const detail = `${found} of ${targets.length}${names && `; missed ${names}`}`;
    return hits("targets", found, targets.length, pass_at, detail);
  },
};
