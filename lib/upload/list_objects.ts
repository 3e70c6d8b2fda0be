/** What lies in a bucket below a prefix, and which uploads nobody has finished. */
import { RefusedError, type Storage, StorageError } from "./storage.ts";
import { elementsIn, elementText } from "./xml.ts";

/** Pages of a list, of a thousand objects each as a rule. */
const MOST_PAGES = 10_000;

export interface ListedObject {
  size_bytes: number;
  /** Without its quotes; the MD5 of an object that came in one piece, as a rule. */
  etag: string;
}

/**
 * All objects below a prefix by key; null where the key may write but not list.
 *
 * @throws {InputError} the key or the bucket is not right.
 * @throws {StorageError} the list has no end.
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
  const keyOf = keysIn(text);
  return elementsIn(text, "Upload").filter((entry) => keyOf(entry) === key)
    .flatMap((entry) => elementText(entry, "UploadId") ?? []);
}

/** How an entry of a list has its key. */
function keysIn(list: string): (entry: string) => string {
  const coded = elementText(list, "EncodingType") === "url";
  return (entry) => {
    const key = elementText(entry, "Key") ?? "";
    try {
      return coded ? decodeURIComponent(key.replaceAll("+", " ")) : key;
    } catch {
      return key; // no code: it is none of ours
    }
  };
}
