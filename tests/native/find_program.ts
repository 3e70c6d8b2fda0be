/**
 * Says where libdyno was found, or why not. From the environment: SOURCES and CACHE are the folders to
 * look in; with EXTRACT a prebuilt library is taken as a compiled binary takes it.
 */
import { environment } from "../../lib/environment.ts";
import { findNative, nativeLibrary } from "../../lib/native/library.ts";

const sources = environment("SOURCES");
const cache = environment("CACHE");
const found = sources && cache
  ? await findNative({ sources, cacheFolders: [cache], extract: environment("EXTRACT") === "1" })
  : await nativeLibrary();
// deno-lint-ignore no-console
console.log(found.origin, found.library?.path ?? found.reason);
