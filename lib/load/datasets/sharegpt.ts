/**
 * ShareGPT conversations: `{id, conversations: [{from, value}]}`, as a JSON list or JSON lines. The
 * user's messages are the turns; the answers come from the endpoint, not from the file.
 */
import { saidAfter, UNKNOWN_ROW } from "./row.ts";
import type { DatasetForm, DatasetRow } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

/** Names that dumps of ShareGPT use for the user; all other speakers are the model. */
const USERS: ReadonlySet<unknown> = new Set(["human", "user"]);
const MODELS: ReadonlySet<unknown> = new Set([
  "gpt",
  "chatgpt",
  "assistant",
  "bing",
  "bard",
  "model",
]);

/** The form of ShareGPT and of files like it. */
export const sharegptForm: DatasetForm = {
  name: "sharegpt",
  has: (names) => names.has("conversations"),
  begin(note) {
    return (fields) => rowOf(fields, note);
  },
};

function rowOf(fields: RowFields, note: (text: string) => void): DatasetRow | null {
  const given = fields.value("conversations");
  const isEmpty = Array.isArray(given) && given.length === 0;
  const said = (isEmpty ? [] : fields.list("conversations") ?? [])
    .map((each) => each as Record<string, unknown>);
  fields.value("id");
  const messages: { role: string; content: string }[] = [];
  const turns: string[] = [];
  let answers = 0;
  for (const each of said) {
    const from = each?.from ?? each?.role;
    const value = each?.value ?? each?.content;
    if (typeof value !== "string") {
      throw fields.complaint(`conversations: a message without a text in "value"`);
    }
    if (from === "system" && turns.length === 0) messages.push({ role: "system", content: value });
    else if (USERS.has(from)) turns.push(value);
    else if (!MODELS.has(from)) {
      throw fields.complaint(
        `conversations: "from": ${JSON.stringify(from)}; expected human, gpt or system`,
      );
    } else if (turns.length === 0) note("the model's words before the user's are not sent");
    else answers++;
  }
  if (turns.length === 0) {
    note("left out: the user says nothing in it"); // as its benchmarks do; the cleaned dump has such rows
    return null;
  }
  if (answers > 0) note("recorded answers are not sent: the history holds the endpoint's own");
  const [first, ...later] = turns;
  const row = { ...UNKNOWN_ROW, later: saidAfter(later, UNKNOWN_ROW) };
  if (messages.length === 0) return { ...row, prompt: first };
  return { ...row, messages: [...messages, { role: "user", content: first }] };
}
