/**
 * Says where libdyno was found, or why not. From the environment: EMBEDDED names the library of a
 * compiled binary, SOURCES and CACHE the folders to look in.
 */
import { readFileSync } from "node:fs";
import { environment } from "../../lib/native/environment.ts";
import { findNative, nativeLibrary, provideEmbedded } from "../../lib/native/library.ts";

const embedded = environment("EMBEDDED");
const sources = environment("SOURCES");
const cache = environment("CACHE");
if (embedded) provideEmbedded(JSON.parse(readFileSync(embedded, "utf8")));
const found = sources && cache
  ? await findNative({ sources, cacheFolders: [cache] })
  : await nativeLibrary();
// deno-lint-ignore no-console
console.log(found.origin, found.library?.path ?? found.reason);
