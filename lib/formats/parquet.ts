/** Tables as Parquet. */
import type { BasicType } from "hyparquet-writer";

/** A column, with the type of its values if known. */
export interface RowColumn {
  name: string;
  type: "text" | "number" | "count" | "flag";
}

/** A row by the names of its columns; null is unknown. */
export type Row = Record<string, string | number | boolean | null>;

/** Rows and their columns. Very many rows are made one by one, each time they are gone through. */
export interface RowTable<Rows extends Iterable<Row> = Iterable<Row>> {
  columns: readonly RowColumn[];
  rows: Rows;
}

const TYPES: Record<RowColumn["type"], BasicType> = {
  text: "STRING",
  number: "DOUBLE",
  count: "INT64",
  flag: "BOOLEAN",
};

/** The bytes of a Parquet file, compressed with Snappy; null stays null. */
export async function parquetOf({ columns, rows }: RowTable): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer"); // loaded only when needed
  const columnData = columns.map(({ name, type }) => ({
    name,
    type: TYPES[type],
    data: [] as ReturnType<typeof valueOf>[],
  }));
  for (const row of rows) {
    columns.forEach(({ name, type }, i) => columnData[i].data.push(valueOf(row[name], type)));
  }
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: "dyno" }));
}

function valueOf(value: Row[string], type: RowColumn["type"]): Row[string] | bigint {
  if (typeof value === "string") return value.toWellFormed();
  // another program's count may not be an integer
  return type === "count" && typeof value === "number" ? BigInt(Math.round(value)) : value;
}
