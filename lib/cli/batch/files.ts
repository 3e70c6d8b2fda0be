/** Shared by the batch commands: the file, the folder, and times as people read them. */
import { boundKeys, checkKeyOfFile } from "../../endpoint/key_origins.ts";
import { InputError } from "../../errors.ts";
import { keyUseOfModel } from "../../schedule/apis.ts";
import { type Batch, loadBatch } from "../../settings/batch.ts";
import { placedInFile } from "../../settings/placed_error.ts";
import { localText, localTime } from "../../schedule/local_time.ts";
import { otherwise, text, toggle } from "../ui/flags.ts";
import { durationText } from "../../text/duration.ts";
import { shownSize } from "../runs/removal.ts";
import type { Slot } from "../../schedule/slots.ts";
import type { SlotState } from "../../schedule/state.ts";
import type { BatchUpload } from "../../schedule/upload.ts";

export const folderFlags = {
  "batches": otherwise("batches", text("DIR", "the folder of batches")),
  "rehearsal": toggle("the rehearsal of the batch (--speedup), not the batch itself"),
};

/** The only batch file in a command's arguments. @throws {InputError} there is none, or several. */
export async function onlyBatch(command: string, positional: readonly string[]): Promise<Batch> {
  const [path] = positional;
  if (positional.length === 1) {
    return await loadBatch(path).catch(async (error) => {
      throw await placedInFile(error, path);
    });
  }
  throw new InputError(
    `dyno batch ${command} takes one batch file, ${positional.length} given; ` +
      `see dyno batch ${command} --help`,
  );
}

/**
 * Checks that a batch's file does not choose both a key and the host that receives it.
 *
 * @throws {InputError} it does.
 */
export function checkKeys({ path, models }: Batch, given: readonly string[] | undefined): void {
  const keys = boundKeys(given);
  for (const [i, model] of models.entries()) {
    checkKeyOfFile(`${path}: models[${i}]`, keyUseOfModel(model), keys);
  }
}

/** `Mon 2027-03-01 08:51:25` in a time zone. */
export function localMoment(unix_ms: number, timezone: string): string {
  const local_ms = localTime(unix_ms, timezone);
  const day = new Date(local_ms).toLocaleDateString("en", { weekday: "short", timeZone: "UTC" });
  return `${day} ${localText(local_ms)}`;
}

/** `slot 3 of 56`. */
export function slotText({ slot }: Slot, slots: number): string {
  return `slot ${slot} of ${slots}`;
}

/** `on time`, `late by 5 min 2 s`, `missed by 3 h 0 min`. */
export function timelinessText({ timeliness, late_s }: SlotState): string {
  if (timeliness === null) return "waiting";
  return timeliness === "on_time" ? "on time" : `${timeliness} by ${durationText(late_s ?? 0)}`;
}

/** `uploaded to s3://…: 2 runs and the records, 3.1 MB`. */
export function uploadText({ to, runs, sent_bytes, error }: BatchUpload): string {
  return error === null
    ? `uploaded to ${to}: ${runs} runs and the records, ${shownSize(sent_bytes)}`
    : `not uploaded to ${to}: ${error}; tried again after the next slot and by dyno batch retry`;
}
