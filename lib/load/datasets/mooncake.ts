/**
 * Traces of lengths in JSON lines: Mooncake's, Alibaba's Bailian (Qwen), and dyno's own.
 *
 * Mooncake (github.com/kvcache-ai/Mooncake, FAST25 release): `timestamp` in ms, `input_length`,
 * `output_length`, and `hash_ids` of blocks of 512 tokens. AIPerf adds `session_id`, `text_input`,
 * and `extra` fields of the body, and makes `timestamp` optional.
 * Bailian (github.com/alibaba-edu/qwen-bailian-usagetraces-anon): `timestamp` in s, blocks of 16
 * tokens, `chat_id`, and the `parent_chat_id` of the turn before, -1 for none.
 * dyno: `timestamp_s` in s or `timestamp` in ms; `prompt`, `input_length` or both.
 */
import { type DatasetForm, type DatasetRow, UNKNOWN_ROW } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

const MOONCAKE_BLOCK = 512;
const BAILIAN_BLOCK = 16;

const timed = (names: ReadonlySet<string>) => names.has("timestamp") || names.has("timestamp_s");

/** The form of Alibaba's Bailian traces. */
export const bailianForm: DatasetForm = {
  name: "bailian",
  has: (names) => timed(names) && names.has("chat_id") && names.has("input_length"),
  begin() {
    const roots = new Map<string, string>();
    return (fields) => {
      const chat = fields.name("chat_id");
      const parent = fields.name("parent_chat_id");
      if (chat === null) {
        throw fields.complaint(`no "chat_id"; expected one, as in the rows before`);
      }
      const session = parent === null || parent === "-1" ? chat : roots.get(parent) ?? parent;
      roots.set(chat, session);
      fields.value("turn"); // follows from the parents
      const t_s = fields.time("timestamp", "seconds");
      if (t_s === null) throw fields.complaint(`no "timestamp"; expected a number of seconds`);
      return { ...lengthsOf(fields, BAILIAN_BLOCK), t_s, session };
    };
  },
};

/** The form of Mooncake's traces. */
export const mooncakeForm: DatasetForm = {
  name: "mooncake",
  has: (names) => names.has("hash_ids") && (timed(names) || names.has("input_length")),
  begin: () => readTimed,
};

/** The form of dyno's own traces. */
export const ownTraceForm: DatasetForm = {
  name: "dyno",
  has: (names) => {
    const has = (name: string) => names.has(name);
    return ["input_length", "text_input"].some(has)
      ? timed(names) || !["prompt", "messages", "turns", "input"].some(has)
      : timed(names) &&
        !["messages", "turns", "input", "model", "max_tokens", "payload"].some(has);
  },
  begin: () => readTimed,
};

function readTimed(fields: RowFields): DatasetRow {
  return {
    ...lengthsOf(fields, MOONCAKE_BLOCK),
    t_s: timeOf(fields),
    prompt: fields.text("prompt") ?? fields.text("text_input"),
    session: fields.name("session") ?? fields.name("session_id"),
    body: fields.object("extra") ?? {},
  };
}

/** Returns a row's time; null where it has none. @throws {InputError} it has two times. */
export function timeOf(fields: RowFields): number | null {
  const seconds = fields.time("timestamp_s", "seconds");
  const milliseconds = fields.time("timestamp", "milliseconds");
  if (seconds !== null && milliseconds !== null) {
    throw fields.complaint('both of "timestamp_s" (s) and "timestamp" (ms); expected one of them');
  }
  return seconds ?? (milliseconds === null ? null : milliseconds / 1000);
}

function lengthsOf(fields: RowFields, block_tokens: number): DatasetRow {
  const input_tokens = fields.count("input_length");
  const ids = fields.counts("hash_ids");
  const most = input_tokens === null ? 0 : Math.ceil(input_tokens / block_tokens);
  if (ids !== null && input_tokens !== null && input_tokens > 0 && ids.length > most) {
    throw fields.complaint(
      `hash_ids: ${ids.length} blocks of ${block_tokens} tokens for ${input_tokens} tokens; ` +
        `expected ${most} at most`,
    );
  }
  return {
    ...UNKNOWN_ROW,
    input_tokens,
    output_tokens: fields.count("output_length"),
    blocks: ids === null || ids.length === 0 ? null : { ids, tokens: block_tokens },
  };
}
