/** The files of an export. */
import type { ReadRun } from "../run/summary.ts";

/** A file of an export. */
export interface ExportedFile {
  /** Relative to the export's folder; every part of it is a safe file name. */
  path: string;
  /** Its content. */
  text: string;
}

/** A run to export, with its journal's events if the format has events, in the format's terms. */
export interface ExportableRun extends ReadRun {
  /** The events of its journal. */
  events?: readonly Record<string, unknown>[];
}
