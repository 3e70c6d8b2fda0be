/**
 * Agents' conversations in the form of SGLang's benchmark (its datasets agentic and agentic-trace):
 * one object whose `conversations` are lists of turns `{messages, prompt_tokens}`. The messages of
 * a turn are only its new ones; the answers between them come from the endpoint.
 */
import { UNKNOWN_REQUEST, UNKNOWN_ROW } from "./row.ts";
import type { DatasetForm, DatasetRow, RowStep } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

/** The form of SGLang's agents. */
export const sglangForm: DatasetForm = {
  name: "sglang",
  has: (_names, { conversations }) =>
    Array.isArray(conversations) && Array.isArray(conversations[0]),
  begin: (note) => (fields) => {
    fields.value("metadata"); // says how the file was made
    return (fields.list("conversations") ?? []).flatMap((turns, i): DatasetRow[] => {
      const place = `conversations[${i}]`;
      if (!Array.isArray(turns)) throw fields.complaint(`${place}: expected a list of turns`);
      const said = turns.flatMap((turn, j) =>
        messagesOf(fields.within(turn, `${place}[${j}]`), note)
      );
      const [messages, ...others] = said;
      if (messages === undefined) return [];
      const later = others.map((messages, step): RowStep => ({
        ...UNKNOWN_REQUEST,
        messages,
        after: [{ step, wait_s: null }],
        history: step,
      }));
      return [{ ...UNKNOWN_ROW, messages, later }];
    });
  },
};

/** The messages of a turn, in a list; empty where it has none. */
function messagesOf(turn: RowFields, note: (text: string) => void): unknown[][] {
  turn.value("prompt_tokens"); // the server counts them again
  const messages = turn.value("messages") ?? [];
  if (!Array.isArray(messages)) throw turn.complaint("messages: expected a list of them");
  for (const name of turn.unread()) note(`"${name}" of a turn is not used`);
  if (messages.length > 0) return [messages];
  note("a turn without messages is left out");
  return [];
}
