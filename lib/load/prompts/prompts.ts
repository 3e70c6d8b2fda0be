/** Sources of a load's questions. */
import { blockTexts, syntheticPrompts } from "./synthetic.ts";
import { isBranching, turnsAfter } from "./session.ts";
import { type DatasetRow, isMadeUp, requestsOf, type RowRequest } from "../datasets/row.ts";
import type { LoadPrompt, LoadQuestion } from "./session.ts";
import { isOwn, WHOLE } from "../share.ts";
import type { LoadShare } from "../share.ts";
import type { SyntheticLoad } from "./synthetic.ts";

/** A source of questions, each of which comes once unless `repeats` is set. */
export interface PromptSource {
  /** Describes the prompts in results. */
  readonly name: string;
  /** Whether questions repeat, so that a prefix cache may answer for the model. */
  readonly repeats: boolean;
  /** Share of the prompt tokens that prompts have in common on purpose; null where unknown. */
  readonly shared: number | null;
  /** Whether a session may have several requests in flight at the same time. */
  readonly branches: boolean;
  /** Returns the next question; null when there are no more. */
  next(): LoadPrompt | null;
}

/** A source that repeats one question. */
export function fixedPrompt(prompt: string, output_tokens: number | null): PromptSource {
  const question = { prompt, output_tokens, later: [] };
  const next = () => question;
  return { name: "one prompt, repeated", repeats: true, shared: null, branches: false, next };
}

/** How the conversations of made-up prompts continue; each call draws another value. */
export interface MadeUpSessions {
  /** Describes them in results; null: single questions. */
  name: string | null;
  turns(): number;
  /** Returns the seconds before each turn after the first. */
  think_s(): number;
  /** Returns the number of tool calls in a turn. */
  tool_calls(): number;
  /** Returns the duration of a tool call, seconds. */
  tool_s(): number;
}

const SINGLE: MadeUpSessions = {
  name: null,
  turns: () => 1,
  think_s: () => 0,
  tool_calls: () => 0,
  tool_s: () => 0,
};

/**
 * A source of made-up prompts, all different, or of conversations of them.
 *
 * @param of describes their text in results.
 * @param share which sessions to produce; all by default.
 */
export function madeUpPrompts(
  load: SyntheticLoad,
  sessions: MadeUpSessions = SINGLE,
  of = "words",
  share: LoadShare = WHOLE,
): PromptSource {
  let session = -1;
  const isMade = () => isOwn(session, share);
  const prompts = syntheticPrompts({ ...load, isMade });
  const { name } = sessions;
  return {
    name: `made-up prompts${of === "words" ? "" : ` of ${of}`}${name === null ? "" : `, ${name}`}`,
    repeats: false,
    // a later turn contains the earlier ones
    shared: name === null ? load.prefix_share ?? 0 : null,
    branches: false,
    next: () => {
      const asked = (): LoadQuestion => {
        const { prompt, output_tokens } = prompts.next().value;
        return { prompt, output_tokens };
      };
      for (;;) {
        session++;
        const first = asked();
        const waits: { wait_s: number; tool: boolean }[] = [];
        for (let turn = 0, turns = sessions.turns(); turn < turns; turn++) {
          if (turn > 0) waits.push({ wait_s: sessions.think_s(), tool: false });
          for (let calls = sessions.tool_calls(); calls > 0; calls--) {
            waits.push({ wait_s: sessions.tool_s(), tool: true });
          }
        }
        const later = waits.map((wait) => {
          const said = asked(); // drawn now, so that prompts keep their order whenever they are sent
          return { ...wait, ask: () => said };
        });
        if (isMade()) return { ...first, later: turnsAfter(later) };
      }
    },
  };
}

/** How the rows of a dataset are used. */
export interface DatasetUse {
  /** Describes the prompts in results. */
  name: string;
  /** Seed of the words in made-up prompts. */
  words: number;
  /** Whether to start again after the last row. */
  recycle: boolean;
  /** How many made-up prompts come first, with the lengths of the first rows. */
  warmup: number;
  /** Tokens of answers where the dataset does not give them. */
  output_tokens: number | null;
  /** Returns the seconds before a turn where the dataset does not give them; 0 by default. */
  think_s?: () => number;
  /** How many times faster than recorded the waits are; 1 by default. */
  speed?: number;
  /** The words to make prompts from. */
  vocabulary?: readonly string[];
  /** Tokens that the server adds to each prompt; made-up prompts are shorter by as many. 0 by default. */
  template_tokens?: number;
  /** Which rows to use; all by default. */
  share?: LoadShare | undefined;
}

/** A source of a dataset's questions: its prompts, or made-up ones with its lengths and blocks. */
export function datasetPrompts(rows: readonly DatasetRow[], use: DatasetUse): PromptSource {
  const { name, words, recycle, warmup, vocabulary, template_tokens = 0 } = use;
  const { think_s = () => 0, speed = 1, share = WHOLE } = use;
  let at = -warmup;
  const madeUp = blockTexts(words, vocabulary);
  const ofLength = (length: number) =>
    madeUp([], 1, Math.max(4, Math.max(4, length) - template_tokens));
  const lengthAsked = ({ output_tokens, body }: RowRequest) => {
    const own = body.max_tokens ?? body.max_completion_tokens ?? body.max_output_tokens ?? null;
    return output_tokens ?? (own === null ? use.output_tokens : null);
  };
  /**
   * Returns a request's text. Made-up words are drawn now, so that they do not depend on when and
   * where they are sent.
   */
  const wordsOf = (request: RowRequest): () => Pick<LoadQuestion, "prompt" | "messages"> => {
    const { prompt, messages, blocks } = request;
    if (messages !== null) return () => ({ messages });
    if (prompt !== null) return () => ({ prompt });
    if (!isMadeUp(request)) return () => ({});
    const length = lengthOf(request);
    const made = blocks === null
      ? ofLength(length)
      : madeUp(blocks.ids, blocks.tokens, Math.max(1, length - template_tokens));
    return () => ({ prompt: made() });
  };
  const asks = (request: RowRequest): () => LoadQuestion => {
    const { payload, body } = request;
    const said = wordsOf(request);
    return () => ({
      ...said(),
      ...(payload === null ? {} : { payload }),
      output_tokens: lengthAsked(request),
      ...(Object.keys(body).length > 0 ? { parameters: body } : {}),
    });
  };
  const warmsUp = (row: DatasetRow): () => LoadPrompt => {
    const made = ofLength(lengthOf(row));
    return () => ({ prompt: made(), output_tokens: lengthAsked(row), later: [] });
  };
  const begins = (row: DatasetRow): () => LoadPrompt => {
    const first = asks(row);
    const later = row.later.map(({ after, history, answers, agent, ...request }) => ({
      after: after.map(({ step, wait_s }) => ({
        step,
        wait_s: wait_s === null ? think_s() : wait_s / speed,
      })),
      history,
      ...(answers === undefined ? {} : { answers }),
      ...(agent === undefined ? {} : { agent }),
      ask: asks(request),
    }));
    const { session } = row;
    return () => ({ ...first(), later, ...(session === null ? {} : { session }) });
  };
  return {
    name,
    repeats: recycle,
    shared: sharedBy(rows),
    branches: rows.some(({ later }) => isBranching(later)),
    next: () => {
      while (at < rows.length || recycle) {
        const place = at < 0 ? at + warmup : at; // shards divide the warm-up separately
        const row = rows[place % rows.length];
        const prompt = at < 0 ? warmsUp(row) : begins(row); // for all shards: no two prompts are alike
        at++;
        if (isOwn(place, share)) return prompt();
      }
      return null;
    },
  };
}

function lengthOf({ input_tokens, prompt }: RowRequest): number {
  return input_tokens ?? prompt?.split(/\s+/).length ?? 0;
}

/** Share of the tokens that a cache of blocks would hold when they come; null where the rows do not say. */
function sharedBy(rows: readonly DatasetRow[]): number | null {
  const requests = requestsOf(rows);
  if (!requests.every(isMadeUp)) return null;
  // a turn with a history contains earlier ones
  if (rows.some(({ later }) => later.some(({ history }) => history !== null))) return null;
  const seen = new Set<number>();
  let [known, all] = [0, 0];
  for (const { blocks, input_tokens } of requests) {
    all += input_tokens ?? 0;
    const ids = blocks?.ids ?? [];
    const fresh = ids.findIndex((id) => !seen.has(id));
    const shared = (fresh < 0 ? ids.length : fresh) * (blocks?.tokens ?? 0);
    known += Math.min(shared, input_tokens ?? 0);
    for (const id of ids) seen.add(id);
  }
  return all > 0 ? known / all : 0;
}
