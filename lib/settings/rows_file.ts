/** Reads files of rows in every format, including YAML. */
import { type FileRow, readTable, rowsOfList } from "../formats/tables.ts";
import { asObject } from "../json_fields.ts";
import { isYaml, readJsonFile } from "./json_file.ts";

/**
 * The rows of a file, as {@linkcode readTable} returns them; from YAML, those of a list, or of a suite's
 * `tests`.
 *
 * @throws {InputError} it cannot be read, or has no rows.
 */
export async function readRows(path: string): Promise<FileRow[]> {
  if (!isYaml(path)) return await readTable(path);
  const { value } = await readJsonFile(path);
  return rowsOfList(path, value) ?? [{ fields: asObject(value) ?? {}, where: () => path }];
}
