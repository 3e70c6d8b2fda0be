/**
 * Sessions in several rows, as in AIPerf's Mooncake form: one row a turn, with `session_id` and the
 * `delay` in ms after the answer before it. `input_length` and `text_input` are sent in reply to
 * that answer; `messages`, `payload` and rows with `hash_ids` are complete prompts. Rows with a
 * `timestamp` keep their times.
 */
import { mooncakeForm } from "./mooncake.ts";
import { payloadForm, requestForm } from "./requests.ts";
import {
  type DatasetForm,
  type DatasetRow,
  isEmpty,
  isWithoutTokens,
  type RowStep,
} from "./row.ts";

const KINDS = ["input_length", "text_input", "messages", "payload"];

/** The form of sessions in several rows. */
export const sessionRowsForm: DatasetForm = {
  name: "mooncake",
  has: (names) =>
    names.has("session_id") && KINDS.some((name) => names.has(name)) &&
    !names.has("turns") && !names.has("prompt") && !names.has("body"),
  begin(note, file) {
    const begun = new Map<string, RowStep[]>();
    const readers = {
      payload: payloadForm.begin(note, file),
      messages: requestForm.begin(note, file),
      lengths: mooncakeForm.begin(note, file),
    };
    return (fields) => {
      const kind = fields.value("payload") !== undefined
        ? "payload"
        : fields.value("messages") !== undefined
        ? "messages"
        : "lengths";
      const row = readers[kind](fields) as DatasetRow; // these readers return one row each
      if (row.session === null || isEmpty(row) || isWithoutTokens(row)) return row;
      const steps = begun.get(row.session);
      if (steps === undefined || row.t_s !== null) {
        const later: RowStep[] = [];
        begun.set(row.session, later);
        return { ...row, later };
      }
      const { t_s: _t, session: _s, later: _l, ...request } = row;
      const delay_ms = fields.time("delay", "milliseconds");
      const step = steps.length;
      steps.push({
        ...request,
        after: [{ step, wait_s: delay_ms === null ? null : Math.max(0, delay_ms) / 1000 }],
        history: row.messages ?? row.blocks ?? row.payload ? null : step,
      });
      return null;
    };
  },
};
