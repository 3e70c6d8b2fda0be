/** Lists the objects in a bucket with a prefix, and unfinished uploads. */
import { RefusedError, type Storage, StorageError } from "./storage.ts";
import { elementsIn, elementText } from "./xml.ts";

/** The most pages of a list; a page usually has a thousand objects. */
const MOST_PAGES = 10_000;

export interface ListedObject {
  size_bytes: number;
  /** Without quotes; usually the MD5 of an object that was uploaded in one piece. */
  etag: string;
}

/**
 * All objects with a prefix, by key; null if the access key may write but not list.
 *
 * @throws {InputError} the access key or the bucket is wrong.
 * @throws {StorageError} the list does not end.
 */
export async function listObjects(
  storage: Storage,
  prefix: string,
  signal: AbortSignal,
): Promise<Map<string, ListedObject> | null> {
  const found = new Map<string, ListedObject>();
  let from: string | null = null;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const query: Record<string, string> = { "list-type": "2", prefix, "encoding-type": "url" };
    if (from !== null) query["continuation-token"] = from;
    try {
      const { text } = await storage.request({ method: "GET", key: null, query }, signal);
      const keyOf = keysIn(text);
      for (const entry of elementsIn(text, "Contents")) {
        found.set(keyOf(entry), {
          size_bytes: Number(elementText(entry, "Size")),
          etag: (elementText(entry, "ETag") ?? "").replaceAll('"', ""),
        });
      }
      const next: string | null = elementText(text, "IsTruncated") === "true"
        ? elementText(text, "NextContinuationToken")
        : null;
      if (next === null) return found;
      if (next === from) break;
      from = next;
    } catch (error) {
      if (error instanceof RefusedError && error.code === "AccessDenied") return null;
      throw error;
    }
  }
  throw new StorageError(`${storage.url}: the storage's list of ${prefix} has no end`, 0, "");
}

/**
 * The ids of a key's multi-part uploads that were started and neither finished nor aborted.
 *
 * @throws {InputError} the access key may not list them.
 * @throws {StorageError} the storage does not support this.
 */
export async function openUploads(
  storage: Storage,
  key: string,
  signal: AbortSignal,
): Promise<string[]> {
  const query = { uploads: "", prefix: key, "encoding-type": "url" };
  const { text } = await storage.request({ method: "GET", key: null, query }, signal);
  const keyOf = keysIn(text);
  return elementsIn(text, "Upload").filter((entry) => keyOf(entry) === key)
    .flatMap((entry) => elementText(entry, "UploadId") ?? []);
}

/** Returns the function that reads the key of a list's entry. */
function keysIn(list: string): (entry: string) => string {
  const coded = elementText(list, "EncodingType") === "url";
  return (entry) => {
    const key = elementText(entry, "Key") ?? "";
    try {
      return coded ? decodeURIComponent(key.replaceAll("+", " ")) : key;
    } catch {
      return key; // not encoded, so it is not one of ours
    }
  };
}
