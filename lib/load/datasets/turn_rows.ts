/**
 * Conversations whose turns are objects, as in AIPerf's multi_turn form: `{session_id, turns:
 * [{text or texts, image or images, delay in ms, output_length, role, extra}]}`. A first turn with
 * the role system is the system message of all turns.
 */
import { messageOf } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../../json_fields.ts";
import { mediaPart } from "../../suite/media.ts";
import { UNKNOWN_REQUEST, UNKNOWN_ROW } from "./row.ts";
import type { DatasetForm, RowRequest, RowStep } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

/** The form of AIPerf's conversations. */
export const turnRowsForm: DatasetForm = {
  name: "turns",
  has: (names, { turns }) => names.has("turns") && Array.isArray(turns) && isJsonObject(turns[0]),
  begin: (note, { folder }) => (fields) => {
    const turns = fields.objects("turns");
    const said = turns.map((turn) => ({ turn, message: messageIn(turn, folder) }));
    const [head, next] = said;
    const system = head?.message.role === "system" && next !== undefined &&
        next.message.role !== "system"
      ? [said.shift()!.message]
      : [];
    const t_ms = said[0]?.turn.time("timestamp", "milliseconds") ?? null;
    said[0]?.turn.value("delay"); // ignored, as no turn comes before it
    const requests = said.map(({ turn, message }, i): RowRequest & { wait_s: number | null } => {
      const delay_ms = turn.time("delay", "milliseconds");
      return {
        ...UNKNOWN_REQUEST,
        messages: i === 0 ? [...system, message] : [message],
        output_tokens: turn.count("output_length"),
        body: turn.object("extra") ?? {},
        wait_s: delay_ms === null ? null : Math.max(0, delay_ms) / 1000,
      };
    });
    for (const { turn } of said) {
      for (const name of turn.unread()) note(`"${name}" of a turn is not used`);
    }
    if (requests.length === 0) throw fields.complaint("turns: none; expected one or more");
    const [{ wait_s: _, ...first }, ...others] = requests;
    return {
      ...UNKNOWN_ROW,
      ...first,
      t_s: t_ms === null ? null : t_ms / 1000,
      later: others.map(({ wait_s, ...request }, i): RowStep => ({
        ...request,
        after: [{ step: i, wait_s }],
        history: i,
      })),
      session: fields.name("session_id") ?? fields.name("session"),
    };
  },
};

/** Fields with a turn's text and media, and fields that mark rows of other forms. */
const OWN = ["text", "texts", "image", "images"];
const OTHERS = [
  "prompt",
  "messages",
  "turns",
  "input",
  "query",
  "text_1",
  "input_length",
  "payload",
];

/** The form of AIPerf's single turns (`single_turn`): one turn a row, with an optional time. */
export const singleTurnForm: DatasetForm = {
  name: "turn",
  has: (names) => OWN.some((name) => names.has(name)) && !OTHERS.some((name) => names.has(name)),
  begin: (_note, { folder }) => (fields) => {
    const t_ms = fields.time("timestamp", "milliseconds");
    fields.value("type");
    return {
      ...UNKNOWN_ROW,
      messages: [messageIn(fields, folder)],
      output_tokens: fields.count("output_length"),
      body: fields.object("extra") ?? {},
      t_s: t_ms === null ? null : t_ms / 1000,
      session: fields.name("session_id"),
    };
  },
};

/** The content of a turn: a text, or parts with text and media. */
function messageIn(turn: RowFields, folder: string): { role: string; content: unknown } {
  const texts = each(turn, "text", "texts");
  const media = [
    ...each(turn, "image", "images").map((image) =>
      /^(https?|data):/.test(image)
        ? { type: "image_url", image_url: { url: image } }
        : fileIn(turn, "image", image, folder)
    ),
    ...each(turn, "audio", "audios").map((sound) => {
      const [format, data] = sound.split(",", 2);
      return data === undefined
        ? fileIn(turn, "audio", sound, folder)
        : { type: "input_audio", input_audio: { data, format } };
    }),
    ...each(turn, "video", "videos").map((url) => ({ type: "video_url", video_url: { url } })),
  ];
  if (texts.length + media.length === 0) {
    throw turn.complaint('no "text"; expected text, texts, image or images');
  }
  const role = turn.text("role") ?? "user";
  if (texts.length === 1 && media.length === 0) return { role, content: texts[0] };
  const parts = texts.map((text) => ({ type: "text", text }));
  return { role, content: [...parts, ...media] };
}

/** A file in the dataset's folder or below it. */
function fileIn(
  turn: RowFields,
  kind: "image" | "audio",
  path: string,
  folder: string,
): JsonObject {
  try {
    return mediaPart(kind, path, folder);
  } catch (error) {
    const form = kind === "image" ? "a URL" : 'FORMAT,BASE64 such as "wav,UklGRg=="';
    throw turn.complaint(
      `${kind}: ${messageOf(error)}; expected ${form}, or a file beside the rows`,
    );
  }
}

/** One text, or several: as texts, or as objects with `contents`. */
function each(turn: RowFields, one: string, several: string): string[] {
  const single = turn.text(one);
  if (single !== null) return [single];
  return (turn.list(several) ?? []).flatMap((value) => {
    const contents = isJsonObject(value) ? value.contents : [value];
    if (Array.isArray(contents) && contents.every((text) => typeof text === "string")) {
      return contents;
    }
    throw turn.complaint(`${several}: expected a list of texts`);
  });
}
