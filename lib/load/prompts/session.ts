/** Sessions: requests that follow one another, wait for one another, and branch. */
import type { Question } from "../../endpoint/question.ts";

/** What one request of a load asks. */
export interface LoadQuestion extends Question {
  /** Tokens that the answer is to have; null leaves that to the model and the parameters. */
  output_tokens: number | null;
}

/** A request of a session after its first. */
export interface LaterStep {
  /**
   * Steps that must be answered first, and the seconds from the end of each: 0 is the session's first
   * request, n the n-th after it. None: it goes together with the first.
   */
  after: readonly { step: number; wait_s: number }[];
  /** The step whose messages and live answer come before its own; null: it has all its messages itself. */
  history: number | null;
  /** Its messages, by their place, whose text becomes the live answer of a step. */
  answers?: readonly { message: number; step: number }[];
  /** The sub-agent that asks it; left out for the session's main one. */
  agent?: string;
  /** Whether it is a tool's result, and no turn of a user's. */
  tool?: boolean;
  /** What it asks, made when it is needed. */
  ask(): LoadQuestion;
}

/** A question of a load, with what its session asks after it. */
export interface LoadPrompt extends LoadQuestion {
  /** Empty for a single question. */
  later: readonly LaterStep[];
  /** The session that it belongs to, as its dataset names it. */
  session?: string;
}

/** What a question's messages are. */
export function messagesOf({ prompt, messages }: Question): readonly unknown[] {
  return messages ?? [{ role: "user", content: prompt }];
}

/** The turns of a conversation after its first: each says something to the answer before it. */
export function turnsAfter(
  turns: readonly { wait_s: number; tool: boolean; ask: () => LoadQuestion }[],
): LaterStep[] {
  return turns.map(({ wait_s, ...turn }, i) => ({
    ...turn,
    after: [{ step: i, wait_s }],
    history: i,
  }));
}

/** Whether some of a session's requests may be under way at the same time. */
export function isBranching(later: readonly { after: readonly { step: number }[] }[]): boolean {
  return later.some(({ after }, i) => after.length !== 1 || after[0].step !== i);
}
