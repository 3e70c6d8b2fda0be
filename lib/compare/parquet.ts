/** Tables as Parquet. */
import type { BasicType } from "hyparquet-writer";
import type { Row, RowColumn, RowTable } from "./export_rows.ts";

const TYPES: Record<RowColumn["type"], BasicType> = {
  text: "STRING",
  number: "DOUBLE",
  count: "INT64",
  flag: "BOOLEAN",
};

/** The bytes of a Parquet file, compressed with Snappy; null stays null. */
export async function parquetOf({ columns, rows }: RowTable): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer"); // only when it is asked for
  const columnData = columns.map(({ name, type }) => ({
    name,
    type: TYPES[type],
    data: rows.map((row) => valueOf(row[name], type)),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: "dyno" }));
}

function valueOf(value: Row[string], type: RowColumn["type"]): Row[string] | bigint {
  if (typeof value === "string") return value.toWellFormed();
  // a count of another program may be no whole number
  return type === "count" && typeof value === "number" ? BigInt(Math.round(value)) : value;
}
