/** What lies in a bucket below a prefix, and which uploads nobody has finished. */
import { RefusedError, type Storage } from "./storage.ts";
import { elementsIn, elementText } from "./xml.ts";

export interface ListedObject {
  size_bytes: number;
  /** Without its quotes; the MD5 of an object that came in one piece, as a rule. */
  etag: string;
}

/**
 * All objects below a prefix by key; null where the key may write but not list.
 *
 * @throws {InputError} the key or the bucket is not right.
 */
export async function listObjects(
  storage: Storage,
  prefix: string,
  signal: AbortSignal,
): Promise<Map<string, ListedObject> | null> {
  const found = new Map<string, ListedObject>();
  for (let from: string | null = null;;) {
    const query: Record<string, string> = { "list-type": "2", prefix, "encoding-type": "url" };
    if (from !== null) query["continuation-token"] = from;
    try {
      const { text } = await storage.request({ method: "GET", key: null, query }, signal);
      for (const entry of elementsIn(text, "Contents")) {
        found.set(keyOf(entry, text), {
          size_bytes: Number(elementText(entry, "Size")),
          etag: (elementText(entry, "ETag") ?? "").replaceAll('"', ""),
        });
      }
      from = elementText(text, "IsTruncated") === "true"
        ? elementText(text, "NextContinuationToken")
        : null;
      if (from === null) return found;
    } catch (error) {
      if (error instanceof RefusedError && error.code === "AccessDenied") return null;
      throw error;
    }
  }
}

/**
 * The numbers of the multi-part uploads of a key that were begun and neither finished nor given up.
 *
 * @throws {InputError} the key may not ask for them.
 * @throws {StorageError} the storage cannot tell.
 */
export async function openUploads(
  storage: Storage,
  key: string,
  signal: AbortSignal,
): Promise<string[]> {
  const query = { uploads: "", prefix: key, "encoding-type": "url" };
  const { text } = await storage.request({ method: "GET", key: null, query }, signal);
  return elementsIn(text, "Upload").filter((entry) => keyOf(entry, text) === key)
    .flatMap((entry) => elementText(entry, "UploadId") ?? []);
}

function keyOf(entry: string, list: string): string {
  const key = elementText(entry, "Key") ?? "";
  const coded = elementText(list, "EncodingType") === "url";
  return coded ? decodeURIComponent(key.replaceAll("+", " ")) : key;
}
