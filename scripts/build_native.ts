/**
 * Builds the parts of native/ that a release contains, for a platform:
 * Usage: deno run -A scripts/build_native.ts [PLATFORM] [FOLDER]     (this machine's, dist/prebuilt)
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildLibrary, buildProgram, findSources, type NativePart } from "../lib/native/build.ts";
import { sha256 } from "../lib/native/cache.ts";
import { platformName } from "../lib/native/prebuilt.ts";
import { PROGRAMS } from "../lib/native/program.ts";

/** Compilers for other platforms (Debian: gcc-aarch64-linux-gnu). */
const CROSS: Record<string, string> = {
  "linux-x64": "x86_64-linux-gnu-gcc",
  "linux-arm64": "aarch64-linux-gnu-gcc",
};

/** Programs are linked statically, so that they run on any Linux. */
const STATIC = ["-static", "-s"];

/** The compiler for a platform; null if dyno has no native part for it. */
function compilerFor(platform: string): string | null {
  return platform === platformName() ? "cc" : CROSS[platform] ?? null;
}

async function sourcesIn(native: string, part?: NativePart) {
  const sources = await findSources(native, part);
  if (typeof sources === "string") throw new Error(sources);
  return sources;
}

async function keep(path: string, bytes: Uint8Array): Promise<void> {
  for (
    const [name, content] of [[path, bytes], [`${path}.sha256`, `${sha256(bytes)}\n`]] as const
  ) {
    await writeFile(`${name}.part`, content, { mode: 0o755 });
    await rename(`${name}.part`, name);
  }
}

/** Builds only libdyno into `output`/PLATFORM and returns that folder. */
export async function releaseLibrary(
  native: string,
  output: string,
  platform: string = platformName(),
): Promise<string> {
  const cc = compilerFor(platform);
  if (cc === null) throw new Error(`libdyno is for Linux on x64 or arm64, not for ${platform}`);
  const folder = join(output, platform);
  await mkdir(folder, { recursive: true });
  await keep(join(folder, "libdyno.so"), await buildLibrary(await sourcesIn(native), folder, cc));
  return folder;
}

/** Builds libdyno and the programs into `output`/PLATFORM and returns that folder. */
export async function buildRelease(
  native: string,
  output: string,
  platform: string = platformName(),
): Promise<string> {
  const folder = await releaseLibrary(native, output, platform);
  const cc = compilerFor(platform)!;
  for (const [name, part] of Object.entries(PROGRAMS)) {
    const sources = await sourcesIn(native, part);
    await keep(join(folder, name), await buildProgram(sources, folder, cc, STATIC));
  }
  return folder;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const [platform = platformName(), output = join(root, "dist/prebuilt")] = process.argv.slice(2);
  const folder = await buildRelease(join(root, "native"), output, platform);
  process.stderr.write(`native parts for ${platform}: ${folder}\n`);
}
