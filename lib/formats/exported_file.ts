/** What an export is made of. */
import type { ReadRun } from "../run/summary.ts";

/** A file of an export. */
export interface ExportedFile {
  /** Below the folder that the export is written to; every part of it is a safe file name. */
  path: string;
  /** Its content. */
  text: string;
}

/** A run to export; its journal's events where the form has such, in the form's words. */
export interface ExportableRun extends ReadRun {
  /** Of its journal. */
  events?: readonly Record<string, unknown>[];
}
