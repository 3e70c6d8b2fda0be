/**
 * reasoning_score: a fixed rubric for how an answer argues. It counts forms of argument, so the same
 * answer always gets the same score; it cannot tell whether the argument is true.
 *
 * Criteria, each in 0..1:
 * - steps: sentences or list items that go on from one another (first, then, 1., "step 2"), full at 4
 * - justification: sentences with a because, since, therefore, so that; full at a third of them
 * - grounding: share of the prompt's own content words that the answer takes up, full at a half
 * - checking: sentences that verify, weigh an objection or name a limit; full at 2
 * - conclusion: 1 when the last fifth states one
 * - substance: distinct content words, full at 40; repeated sentences take off
 *
 * The score is the weighted mean for the type of reasoning, multiplied by the share of substance when
 * that is below a half: keywords without content score low. An empty answer scores 0, a refusal at most
 * 0.1.
 */
import { z } from "zod";
import { hits } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

type Criterion = "steps" | "justification" | "grounding" | "checking" | "conclusion" | "substance";
type Weights = Record<Criterion, number>;

/** Weights by type of reasoning; each row sums to 1. */
const WEIGHTS: Record<string, Weights> = {
  general: weights(0.15, 0.25, 0.2, 0.1, 0.15, 0.15),
  chain_of_thought: weights(0.35, 0.2, 0.1, 0.1, 0.15, 0.1),
  mathematical: weights(0.3, 0.2, 0.1, 0.2, 0.15, 0.05),
  causal: weights(0.15, 0.3, 0.2, 0.2, 0.1, 0.05),
  comparative: weights(0.1, 0.25, 0.3, 0.15, 0.15, 0.05),
  synthesis: weights(0.1, 0.2, 0.35, 0.1, 0.15, 0.1),
  verification: weights(0.15, 0.2, 0.1, 0.35, 0.15, 0.05),
};

/** Words in a prompt that suggest a type of reasoning; the type with the most such words is detected. */
const CUES: Record<string, RegExp> = {
  chain_of_thought: /step[- ]by[- ]step|think (?:aloud|through)|show your (?:work|reasoning)/gi,
  mathematical:
    /\b(?:calculate|compute|solve|how many|how much|equation|proof|sum|percent)\b|\d\s*[-+*/=]\s*\d/gi,
  causal: /\b(?:why|cause[sd]?|effect|because of|lead to|consequences?)\b/gi,
  comparative:
    /\b(?:compare|versus|vs\.?|differences?|better|worse|pros and cons|trade-?offs?)\b/gi,
  synthesis: /\b(?:synthesi[sz]e|summari[sz]e|combine|documents?|sources|findings)\b/gi,
  verification: /\b(?:verify|check|validate|correct\?|find the (?:error|mistake))\b/gi,
};

const STEP =
  /^(?:\s*(?:\d+[.)]|[-*•]|step \d+)|(?:first|second|third|then|next|after that|finally|now)\b)/i;
const JUSTIFICATION =
  /\b(?:because|since|therefore|thus|hence|so that|as a result|due to|implies|follows that|which means)\b/i;
const CHECKING =
  /\b(?:check|verify|however|but if|unless|on the other hand|assum\w+|except|ruled? out|limitation|confirm\w*|counterexample)\b/i;
const CONCLUSION =
  /\b(?:in conclusion|therefore|thus|so,? the|the answer is|overall|in sum(?:mary)?|to conclude|result is)\b/i;
const REFUSAL = /\b(?:I (?:cannot|can't|can not|am unable|'m unable|won't)|as an AI)\b/i;

const options = z.strictObject({
  reasoning_type: z.enum(Object.keys(WEIGHTS) as [string, ...string[]]).optional(),
  /** The score that a test needs to pass. */
  pass_at: z.number().min(0).max(1).default(0.5),
});

function weights(
  steps: number,
  justification: number,
  grounding: number,
  checking: number,
  conclusion: number,
  substance: number,
): Weights {
  return { steps, justification, grounding, checking, conclusion, substance };
}

/** The type of reasoning that a prompt asks for; "general" when it has no such words. */
export function detectReasoningType(prompt: string): string {
  let best = "general", most = 0;
  for (const [type, cue] of Object.entries(CUES)) {
    const count = prompt.match(cue)?.length ?? 0;
    if (count > most) [best, most] = [type, count];
  }
  return best;
}

/** An answer's points for each criterion. */
function reasoningCriteria(prompt: string, answer: string): Weights {
  const sentences = answer.split(/(?<=[.!?])\s+|\n+/).map((line) => line.trim()).filter(Boolean);
  const words = contentWords(answer);
  const known = new Set(words);
  const asked = new Set(contentWords(prompt));
  const distinct = new Set(sentences.map((line) => line.toLowerCase())).size;
  const share = (pattern: RegExp) => sentences.filter((line) => pattern.test(line)).length;
  const taken = [...asked].filter((word) => known.has(word)).length;
  return {
    steps: full(share(STEP), 4),
    justification: full(share(JUSTIFICATION), Math.max(1, sentences.length / 3)),
    grounding: asked.size === 0 ? 0 : full(taken, asked.size / 2),
    checking: full(share(CHECKING), 2),
    conclusion: CONCLUSION.test(answer.slice(Math.floor(answer.length * 0.8))) ? 1 : 0,
    substance: full(known.size, 40) * (sentences.length ? distinct / sentences.length : 0),
  };
}

/** The rubric's score in 0..1. */
function reasoningScore(criteria: Weights, type: string, answer: string): number {
  const row = WEIGHTS[type] ?? WEIGHTS.general;
  const names = Object.keys(row) as Criterion[];
  const sum = names.reduce((total, name) => total + row[name] * criteria[name], 0);
  const score = sum * full(criteria.substance, 0.5);
  return REFUSAL.test(answer) && contentWords(answer).length < 60 ? Math.min(0.1, score) : score;
}

function full(count: number, at: number): number {
  return Math.min(1, count / at);
}

/** Words of at least four letters, without the rubric's connectives, and numbers. */
function contentWords(text: string): string[] {
  const plain = text.toLowerCase().replace(
    new RegExp(`${JUSTIFICATION.source}|${CHECKING.source}|${CONCLUSION.source}`, "gi"),
    " ",
  );
  return plain.match(/\p{L}{4,}|\d+(?:\.\d+)?/gu) ?? [];
}

export const reasoningScoring: Evaluator<z.infer<typeof options>> = {
  name: "reasoning_score",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ test, prompt_text, response_text, reasoning_text }, { reasoning_type, pass_at }) {
    const named = reasoning_type ?? test.reasoning_type;
    const type = named !== undefined && named in WEIGHTS ? named : detectReasoningType(prompt_text);
    const whole = [reasoning_text ?? "", response_text].join("\n").trim();
    const criteria = reasoningCriteria(prompt_text, whole);
    const score = response_text.trim() === "" ? 0 : reasoningScore(criteria, type, response_text);
    const detail = `${score.toFixed(2)} for ${type} reasoning`;
    return {
      ...hits("reasoning_score", score, 1, pass_at, detail),
      reasoning_score: score,
      reasoning_type: named ?? type,
      criteria,
    };
  },
};
