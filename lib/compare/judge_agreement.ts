/** How well judges agree with people, on a suite whose tests have labels. */
import { type Agreement, cohenKappa, type SortedPair } from "../stats/kappa.ts";
import type { Fold } from "../run/fold.ts";
import type { Vote } from "../run/test_result.ts";

/** A test with a label from people, and its judgement. */
export interface LabelledTest {
  test_id: string;
  /** The people's choice. */
  label: string;
  /** The majority's choice; null when it was not judged. */
  choice: string | null;
  votes: Vote[];
}

/** The labelled tests of a run, by item id; the later judgement of a test counts. */
export const labelledTests: Fold<"run", Map<string, LabelledTest>> = {
  kind: "run",
  begin: () => new Map(),
  take(tests, event) {
    const judged = event.event === "package_finished" ? event.result?.evaluation_result : null;
    if (event.event !== "package_finished" || !judged || !("label" in judged)) return;
    const { label, choice, votes = [] } = judged;
    if (label === undefined) return;
    const { item_id, test_id, problem_id } = event.result!;
    tests.set(item_id, { test_id: problem_id ?? test_id, label, choice: choice ?? null, votes });
  },
};

/** One judge compared with people. */
export interface JudgeAgreement extends Agreement {
  /** The judge's model; "majority" for several judges together. */
  judge: string;
  /** Labelled tests on which it made no choice; they are excluded. */
  without_choice: number;
  /** How often each label occurred together with each choice. */
  table: { label: string; choice: string; tests: number }[];
}

/** Each judge's agreement with the labels, and that of their majority when there are several. */
export function judgeAgreement(tests: Iterable<LabelledTest>): JudgeAgreement[] {
  const all = [...tests];
  const judges = [...new Set(all.flatMap(({ votes }) => votes.map(({ judge }) => judge)))];
  const of = (judge: string, choiceOf: (test: LabelledTest) => string | null): JudgeAgreement => {
    const pairs = all.flatMap((test): SortedPair[] => {
      const choice = choiceOf(test);
      return choice === null ? [] : [{ first: test.label, second: choice, group: test.test_id }];
    });
    return {
      judge,
      without_choice: all.length - pairs.length,
      ...cohenKappa(pairs),
      table: tableOf(pairs),
    };
  };
  const each = judges.map((judge) =>
    of(judge, ({ votes }) => votes.find((vote) => vote.judge === judge)?.choice ?? null)
  );
  return judges.length < 2 ? each : [...each, of("majority", ({ choice }) => choice)];
}

function tableOf(pairs: readonly SortedPair[]): JudgeAgreement["table"] {
  const cells = new Map<string, { label: string; choice: string; tests: number }>();
  for (const { first: label, second: choice } of pairs) {
    const key = JSON.stringify([label, choice]);
    const cell = cells.get(key);
    if (cell) cell.tests++;
    else cells.set(key, { label, choice, tests: 1 });
  }
  return [...cells.values()].sort((a, b) => b.tests - a.tests);
}
