/** Where the questions of a load come from. */
import { blockTexts, syntheticPrompts } from "./synthetic.ts";
import { isBranching, turnsAfter } from "./session.ts";
import { type DatasetRow, isMadeUp, requestsOf, type RowRequest } from "../datasets/row.ts";
import type { LoadPrompt, LoadQuestion } from "./session.ts";
import { isOwn, WHOLE } from "../share.ts";
import type { LoadShare } from "../share.ts";
import type { SyntheticLoad } from "./synthetic.ts";

/** Gives questions, each once unless it says so. */
export interface PromptSource {
  /** In words, for results. */
  readonly name: string;
  /** Whether questions come again: a prefix cache may then answer for the model. */
  readonly repeats: boolean;
  /** Share of the prompt tokens that prompts have in common on purpose; null where they do not say. */
  readonly shared: number | null;
  /** Whether a session may have several requests under way at the same time. */
  readonly branches: boolean;
  /** Null when there is none left. */
  next(): LoadPrompt | null;
}

/** One question, asked again and again. */
export function fixedPrompt(prompt: string, output_tokens: number | null): PromptSource {
  const question = { prompt, output_tokens, later: [] };
  const next = () => question;
  return { name: "one prompt, repeated", repeats: true, shared: null, branches: false, next };
}

/** How the conversations of made-up prompts continue; each call draws another value. */
export interface MadeUpSessions {
  /** In words, for results; null: single questions. */
  name: string | null;
  turns(): number;
  /** Seconds before each turn after the first. */
  think_s(): number;
  /** Tools called in a turn. */
  tool_calls(): number;
  /** Seconds that a tool takes. */
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
 * Made-up prompts, each different, or conversations of them.
 *
 * @param of what their text is, for results.
 * @param share which of the sessions; all by default.
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
    // a later turn holds the earlier ones
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
          const said = asked(); // now: prompts keep their order, whenever they are sent
          return { ...wait, ask: () => said };
        });
        if (isMade()) return { ...first, later: turnsAfter(later) };
      }
    },
  };
}

/** How the rows of a dataset are asked. */
export interface DatasetUse {
  /** In words, for results. */
  name: string;
  /** Of the words of what is made up. */
  words: number;
  /** Begin again where they are used up. */
  recycle: boolean;
  /** This many made-up ones come first, as long as those of the first rows. */
  warmup: number;
  /** Tokens of answers of which the dataset does not say. */
  output_tokens: number | null;
  /** Seconds before a turn of which it gives no time; 0 by default. */
  think_s?: () => number;
  /** Times as fast as the waits that it gives; 1 by default. */
  speed?: number;
  /** What is made up is of these words. */
  vocabulary?: readonly string[];
  /** Tokens that the server puts around each prompt: what is made up is shorter by that. 0 by default. */
  template_tokens?: number;
  /** Which of the rows; all by default. */
  share?: LoadShare | undefined;
}

/** The questions of a dataset: its own prompts, or made-up ones of the lengths and blocks that it tells. */
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
  /** Its words; made-up ones are drawn now, so that they are the same whenever and wherever it is sent. */
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
        const place = at < 0 ? at + warmup : at; // those of the warm-up are dealt out by themselves
        const row = rows[place % rows.length];
        const prompt = at < 0 ? warmsUp(row) : begins(row); // of other shards too: theirs is no other's
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

/** Share of the tokens that a cache of blocks knows by then; null where the rows do not say. */
function sharedBy(rows: readonly DatasetRow[]): number | null {
  const requests = requestsOf(rows);
  if (!requests.every(isMadeUp)) return null;
  // with what was said before, a turn holds earlier ones
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
