/** ifeval: how many verifiable instructions the answer follows. The 25 kinds from Zhou et al. 2023. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { didYouMean } from "../../text/nearest.ts";
import { type Arguments, KINDS } from "./ifeval_kinds.ts";
import { hits } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  /** Kinds of instructions by their published names, e.g. "length_constraints:number_words". */
  instruction_id_list: z.array(z.string()).min(1, "expected at least one instruction"),
  /** The arguments of each, as in the published file; null and missing values count as no argument. */
  kwargs: z.array(z.record(z.string(), z.unknown())),
  /** "loose" also tries the answer without its first line, its last line and asterisks. */
  mode: z.enum(["strict", "loose"]).default("strict"),
}).refine(({ instruction_id_list, kwargs }) => instruction_id_list.length === kwargs.length, {
  path: ["kwargs"],
  message: "expected one for each instruction",
});

type Options = z.infer<typeof options>;

/** The answer unchanged, or in the eight variants of the published loose mode. */
function forms(answer: string, mode: Options["mode"]): string[] {
  if (mode === "strict") return [answer];
  const lines = answer.split("\n");
  const cut = [lines, lines.slice(1), lines.slice(0, -1), lines.slice(1, -1)]
    .map((part, i) => i === 0 ? answer : part.join("\n").trim());
  return [...cut, ...cut.map((form) => form.replaceAll("*", ""))];
}

/** An argument that is null or 0 in a published file counts as not given. */
function given(kwargs: Record<string, unknown>): Arguments {
  return Object.fromEntries(Object.entries(kwargs).filter(([, value]) => Boolean(value)));
}

/** Passes when all are followed; the score is the share that is followed. */
export const ifeval: Evaluator<Options> = {
  name: "ifeval",
  options: options as z.ZodType<Options>,
  prepare({ instruction_id_list, kwargs }) {
    instruction_id_list.forEach((id, i) => {
      if (!Object.hasOwn(KINDS, id)) {
        const known = Object.keys(KINDS);
        const hint = didYouMean(id, known) || `; known: ${known.join(", ")}`;
        throw new InputError(`instruction_id_list[${i}]: no instruction "${id}"${hint}`);
      }
      for (const [name, type] of Object.entries(KINDS[id].needs)) {
        const value = given(kwargs[i])[name];
        const fits = type === "texts"
          ? Array.isArray(value) && value.every((text) => typeof text === "string")
          : type === "relation"
          ? value === "at least" || value === "less than"
          : type === "number"
          ? typeof value === "number"
          : typeof value === "string";
        if (fits) continue;
        const wanted = type === "relation" ? '"at least" or "less than"' : `a ${type}`;
        throw new InputError(
          `kwargs[${i}].${name}: expected ${wanted.replace("a texts", "a list of texts")}`,
        );
      }
    });
    return Promise.resolve();
  },
  async evaluate({ response_text }, { instruction_id_list, kwargs, mode }) {
    const read = forms(response_text, mode).filter((form) => form.trim() !== "");
    // all checks start before the first await, so that the time limit covers them
    const followed = await Promise.all(
      instruction_id_list.map((id, i) =>
        Promise.all(read.map((form) => KINDS[id].follows(form, given(kwargs[i]))))
      ),
    );
    const missed = instruction_id_list.filter((_, i) => !followed[i].includes(true));
    const all = instruction_id_list.length;
    const detail = `${all - missed.length} of ${all}` +
      (missed.length > 0 ? `; missed ${missed.join(", ")}` : "");
    return hits("ifeval", all - missed.length, all, 1, detail);
  },
};
