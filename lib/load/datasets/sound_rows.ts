/** Audio files by path: the manifests that NeMo's speech models are trained and tested with. */
import { mediaPart } from "../../suite/media.ts";
import { messageOf } from "../../errors.ts";
import { UNKNOWN_ROW } from "./row.ts";
import type { DatasetForm } from "./row.ts";

/**
 * The form of NeMo's manifests: `{audio_filepath, duration, text}`, with paths in the manifest's
 * folder or below it.
 */
export const manifestForm: DatasetForm = {
  name: "audio manifest",
  has: (names) => names.has("audio_filepath"),
  begin: (note, { folder }) => (fields) => {
    const path = fields.text("audio_filepath");
    if (path === null) throw fields.complaint("audio_filepath: expected the path of a file");
    for (const name of ["duration", "offset", "text"]) fields.value(name);
    if (fields.value("offset")) throw fields.complaint("offset: parts of a file are not cut out");
    note('"text" is not compared with the answers');
    try {
      const content = [{ type: "text", text: "" }, mediaPart("audio", path, folder)];
      return { ...UNKNOWN_ROW, messages: [{ role: "user", content }] };
    } catch (error) {
      throw fields.complaint(`audio_filepath: ${messageOf(error)}`);
    }
  },
};
