/** What an export is made of. */

/** A file of an export. */
export interface ExportedFile {
  /** Below the folder that the export is written to; every part of it is a safe file name. */
  path: string;
  /** Its content. */
  text: string;
}
