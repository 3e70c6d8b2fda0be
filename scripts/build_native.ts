/**
 * Builds libdyno for a release, for this machine's platform:
 *   native/prebuilt/PLATFORM/libdyno.so and its .sha256    for packages
 *   native/prebuilt/PLATFORM/embedded.json                 for compiled binaries
 * None of it is committed. Usage: deno run -A scripts/build_native.ts [OUTPUT_FOLDER]
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildLibrary, findSources } from "../lib/native/build.ts";
import { sha256 } from "../lib/native/cache.ts";
import { type EmbeddedLibrary, platformName } from "../lib/native/library.ts";

async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

/** Builds into `output`/PLATFORM and gives that folder. */
export async function buildRelease(native: string, output: string): Promise<string> {
  const sources = await findSources(native);
  if (typeof sources === "string") throw new Error(sources);
  const folder = join(output, platformName());
  await mkdir(folder, { recursive: true });
  const bytes = await buildLibrary(sources, folder);
  const embedded: EmbeddedLibrary = {
    platform: platformName(),
    sha256: sha256(bytes),
    gzip_base64: gzipSync(bytes, { level: 9 }).toString("base64"),
  };
  await writeWhole(join(folder, "libdyno.so"), bytes);
  await writeWhole(join(folder, "libdyno.so.sha256"), `${embedded.sha256}\n`);
  await writeWhole(join(folder, "embedded.json"), JSON.stringify(embedded));
  return folder;
}

if (import.meta.main) {
  const native = fileURLToPath(new URL("../native/", import.meta.url));
  const folder = await buildRelease(native, process.argv[2] ?? join(native, "prebuilt"));
  process.stderr.write(`libdyno for ${platformName()}: ${folder}\n`);
}
