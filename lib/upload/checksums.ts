/** Checksums of what is uploaded. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** Both checksums are hexadecimal. */
export interface Checksums {
  sha256: string;
  /** Storages use it as the ETag of an object that was uploaded in one piece. */
  md5: string;
}

export function checksumsOf(bytes: Uint8Array): Checksums {
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    md5: createHash("md5").update(bytes).digest("hex"),
  };
}

/**
 * Checksums of a file of any size; reads it once.
 *
 * @throws the system's error, or CancelledError's reason.
 */
export async function fileChecksums(path: string, signal: AbortSignal): Promise<Checksums> {
  const sha256 = createHash("sha256"), md5 = createHash("md5");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    sha256.update(chunk);
    md5.update(chunk);
  }
  return { sha256: sha256.digest("hex"), md5: md5.digest("hex") };
}
