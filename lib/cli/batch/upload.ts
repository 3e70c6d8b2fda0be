/** Describes the outcome of a batch's upload in one line. */
import { shownSize } from "../runs/removal.ts";
import type { BatchUpload } from "../../schedule/upload.ts";

/** `uploaded to s3://…: 2 runs and the records, 3.1 MB`. */
export function uploadText({ to, runs, sent_bytes, error }: BatchUpload): string {
  return error === null
    ? `uploaded to ${to}: ${runs} runs and the records, ${shownSize(sent_bytes)}`
    : `not uploaded to ${to}: ${error}; tried again after the next slot and by dyno batch retry`;
}
