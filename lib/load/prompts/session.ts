/** Sessions: requests that follow one another, wait for one another, and branch. */
import type { Question } from "../../endpoint/question.ts";

/** The content of one request of a load. */
export interface LoadQuestion extends Question {
  /** Tokens that the answer should have; null: decided by the model and the parameters. */
  output_tokens: number | null;
}

/** A request of a session after its first. */
export interface LaterStep {
  /**
   * Steps that must be answered first, and the seconds to wait after each: step 0 is the session's
   * first request, n the n-th after it. Empty: sent together with the first.
   */
  after: readonly { step: number; wait_s: number }[];
  /**
   * The step whose messages and live answer come before its own messages; null: it has all its
   * messages.
   */
  history: number | null;
  /** Messages, by index, whose text is replaced by the live answer of a step. */
  answers?: readonly { message: number; step: number }[];
  /** The sub-agent that sends it; left out for the session's main agent. */
  agent?: string;
  /** Whether it sends a tool's result rather than a user's turn. */
  tool?: boolean;
  /** Returns its content, made when it is needed. */
  ask(): LoadQuestion;
}

/** A question of a load, with the later requests of its session. */
export interface LoadPrompt extends LoadQuestion {
  /** Empty for a single question. */
  later: readonly LaterStep[];
  /** The name of its session in the dataset. */
  session?: string;
}

/** Returns the messages of a question. */
export function messagesOf({ prompt, messages }: Question): readonly unknown[] {
  return messages ?? [{ role: "user", content: prompt }];
}

/** Returns the turns of a conversation after the first, each of which replies to the answer before it. */
export function turnsAfter(
  turns: readonly { wait_s: number; tool: boolean; ask: () => LoadQuestion }[],
): LaterStep[] {
  return turns.map(({ wait_s, ...turn }, i) => ({
    ...turn,
    after: [{ step: i, wait_s }],
    history: i,
  }));
}

/** Whether some requests of a session may be in flight at the same time. */
export function isBranching(later: readonly { after: readonly { step: number }[] }[]): boolean {
  return later.some(({ after }, i) => after.length !== 1 || after[0].step !== i);
}
