/**
 * Builds the parts of native/ that a release contains, for a platform:
 * Usage: deno run -A scripts/build_native.ts [PLATFORM] [FOLDER]     (this machine's, dist/prebuilt)
 */
import { spawnSync } from "node:child_process";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  buildLibrary,
  buildProgram,
  findSources,
  type NativePart,
  type NativeSources,
} from "../lib/native/build.ts";
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

/** What was built, so that the package and both kinds of one file compile the same sources once. */
const BUILT = fileURLToPath(new URL("../dist/built", import.meta.url));

/** What `build` returns, or what it returned earlier for the same sources, flags and compiler. */
async function builtOnce(
  { part, key }: NativeSources,
  cc: string,
  build: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const { stdout } = spawnSync(cc, ["--version"], { encoding: "utf8" });
  if (!stdout) return await build(); // it says what is missing
  const compiler = sha256([cc, stdout, ...STATIC].join("\n")).slice(0, 16);
  const path = join(BUILT, `${part.name}-${key}-${compiler}`);
  try {
    const bytes = await readFile(path);
    if (`${sha256(bytes)}\n` === await readFile(`${path}.sha256`, "utf8")) return bytes;
  } catch { /* it is not built yet */ }
  const bytes = await build();
  await mkdir(BUILT, { recursive: true });
  await keep(path, bytes);
  return bytes;
}

async function keep(path: string, bytes: Uint8Array): Promise<void> {
  for (
    const [name, content] of [[path, bytes], [`${path}.sha256`, `${sha256(bytes)}\n`]] as const
  ) {
    const temporary = `${name}.${crypto.randomUUID()}`;
    await writeFile(temporary, content, { mode: 0o755 });
    await rename(temporary, name);
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
  const sources = await sourcesIn(native);
  const bytes = await builtOnce(sources, cc, () => buildLibrary(sources, folder, cc));
  await keep(join(folder, "libdyno.so"), bytes);
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
    const build = () => buildProgram(sources, folder, cc, STATIC);
    await keep(join(folder, name), await builtOnce(sources, cc, build));
  }
  return folder;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const [platform = platformName(), output = join(root, "dist/prebuilt")] = process.argv.slice(2);
  const folder = await buildRelease(join(root, "native"), output, platform);
  process.stderr.write(`native parts for ${platform}: ${folder}\n`);
}
