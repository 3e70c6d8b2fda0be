/** A running session: which of its requests were answered, and which are due. */
import { messagesOf } from "./prompts/session.ts";
import type { LaterStep, LoadPrompt, LoadQuestion } from "./prompts/session.ts";

/** A request that is due. */
export interface DueStep {
  /** Its number in the session, from 1; the first request is 0. */
  step: number;
  /** What it asks, with its history. */
  prompt: LoadPrompt;
  /** When to send it, CLOCK_MONOTONIC nanoseconds; 0: together with the first. */
  t_ns: number;
}

/** One session of a load. */
export class SessionRun {
  /** Its number among the sessions of the load. */
  readonly conversation: number;
  /** Requests that were submitted and have not ended. */
  open = 0;
  readonly #first: LoadPrompt;
  /** The answered requests: when they ended, and what later requests need from them. */
  readonly #answered = new Map<
    number,
    { t_ns: number; messages: readonly unknown[]; text: string }
  >();
  readonly #begun = new Set<number>();
  /** Steps whose messages or answers later requests need. */
  readonly #needed: ReadonlySet<number>;

  constructor(first: LoadPrompt, conversation: number) {
    this.#first = first;
    this.conversation = conversation;
    this.#needed = new Set(
      first.later.flatMap(({ history, answers = [] }) => [
        ...(history === null ? [] : [history]),
        ...answers.map(({ step }) => step),
      ]),
    );
  }

  /** The sub-agent of a step; undefined for the main agent. */
  agentOf(step: number): string | undefined {
    return this.#first.later[step - 1]?.agent;
  }

  /** Whether the text of the answer must be kept. */
  needs(step: number): boolean {
    return this.#needed.has(step);
  }

  /** Whether every request of the session was submitted. */
  get handedOver(): boolean {
    return this.#begun.size === this.#first.later.length;
  }

  /** Returns the requests to send together with the first. */
  withFirst(): DueStep[] {
    return this.#due(({ after }) => after.length === 0);
  }

  /**
   * Records an answer, and returns the requests that are due because of it.
   *
   * @param asked the question, with its history.
   * @param text the live answer.
   * @param t_ns when the answer ended.
   */
  answered(step: number, asked: LoadQuestion, text: string, t_ns: number): DueStep[] {
    const messages = this.needs(step) ? messagesOf(asked) : [];
    this.#answered.set(step, { t_ns, messages, text });
    return this.#due(({ after }) =>
      after.some((each) => each.step === step) &&
      after.every((each) => this.#answered.has(each.step))
    );
  }

  #due(isDue: (later: LaterStep) => boolean): DueStep[] {
    return this.#first.later.flatMap((later, i) => {
      if (this.#begun.has(i + 1) || !isDue(later)) return [];
      this.#begun.add(i + 1);
      const times = later.after.map((each) =>
        this.#answered.get(each.step)!.t_ns + each.wait_s * 1e9
      );
      return [{ step: i + 1, prompt: this.#promptOf(later), t_ns: Math.max(0, ...times) }];
    });
  }

  #promptOf({ ask, history, answers = [] }: LaterStep): LoadPrompt {
    const own = ask();
    const { model } = this.#first.parameters ?? {};
    const before = history === null ? undefined : this.#answered.get(history);
    const messages = before === undefined ? own.messages : [
      ...before.messages,
      { role: "assistant", content: before.text },
      ...messagesOf(own),
    ];
    const told = answers.length === 0 ? messages : messages?.map((message, at) => {
      const step = answers.find((each) => each.message === at)?.step;
      const text = step === undefined ? "" : this.#answered.get(step)?.text ?? "";
      return text === "" ? message : { ...message as object, content: text };
    });
    return {
      ...own,
      ...(told === undefined ? {} : { prompt: undefined, messages: told }),
      ...(model === undefined ? {} : { parameters: { model, ...own.parameters } }),
      ...(this.#first.session === undefined ? {} : { session: this.#first.session }),
      later: [],
    };
  }
}
