/** Stable ids: an item's id is a hash of its definition. */
import { createHash } from "node:crypto";
import { isJsonObject } from "../json_fields.ts";

/** JSON with object keys in sorted order, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner) =>
      isJsonObject(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}

/** The first 16 hex digits of the SHA-256 of a value's canonical JSON. */
export function itemId(what: unknown): string {
  return createHash("sha256").update(canonicalJson(what)).digest("hex").slice(0, 16);
}
