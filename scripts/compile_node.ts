/**
 * Builds dyno as a single executable of Node, for cases in which deno compile's runtime is not
 * available: one file with the libraries, libdyno, the launcher, the simulator, koffi and every
 * file that is read at run time.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { sha256 } from "../lib/native/cache.ts";
import { KOFFI_FILE } from "../lib/native/ffi_node.ts";
import { platformName } from "../lib/native/prebuilt.ts";
import { CONTENTS } from "../lib/single_file.ts";
import { bundle, copyAssets, layOut, licences } from "./bundle.ts";
import { buildRelease } from "./build_native.ts";
import { commit, KOFFI, ROOT } from "./package.ts";

/** Node from the npm registry, used if the machine's is too old or of another kind. */
const NODE = "24.21.0";
const OLDEST = [22, 13]; // from this version node:sqlite needs no flag
const POSTJECT = "1.0.0-alpha.6";

/** The marker for postject's data; a Node that supports this contains the text. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/**
 * The program. main.ts changes to the folder it was called from, which an executable never needs.
 */
const ENTRY = `import process from "node:process";
import { main } from "./lib/cli/main.ts";
const warn = process.emitWarning;
process.emitWarning = (text: string, ...rest: unknown[]) => {
  if (!/SQLite/.test(String(text))) Reflect.apply(warn, process, [text, ...rest]);
};
main(process.argv.slice(2)).then((code) => process.exitCode = code);
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** The machine's Node if it is new enough and can contain a program; else null. */
function hostNode(): string | null {
  try {
    const ask = "process.versions.node + ' ' + process.execPath";
    const stdio: ("ignore" | "pipe")[] = ["ignore", "pipe", "ignore"];
    const told = execFileSync("node", ["-p", ask], { encoding: "utf8", stdio }).trim();
    const [, major, minor, path] = /^(\d+)\.(\d+)\.\S+ (.*)$/.exec(told)!;
    const isNew = Number(major) > OLDEST[0] ||
      Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1];
    return isNew && readFileSync(path).includes(FUSE) ? path : null;
  } catch {
    return null; // there is no Node on PATH
  }
}

/** Copies a Node to `output`, and strips its symbols if binutils are installed. */
function copyNode(from: string, output: string): void {
  mkdirSync(dirname(output), { recursive: true });
  rmSync(output, { force: true });
  copyFileSync(from, output);
  chmodSync(output, 0o755);
  try {
    execFileSync("strip", [output], { stdio: "ignore" });
  } catch {
    say("strip (Debian: binutils) is not here: the file is some 18 MB larger");
  }
}

/** Puts the files that are read at run time into `folder`, laid out as in a package. */
async function layOutFiles(folder: string, work: string): Promise<void> {
  const platform = platformName();
  const prebuilt = await buildRelease(join(ROOT, "native"), join(folder, "native/prebuilt"));
  const koffi = `node_modules/@koromix/koffi-${platform}/${platform.replace("-", "_")}/koffi.node`;
  const bytes = readFileSync(join(work, koffi));
  writeFileSync(join(prebuilt, KOFFI_FILE), bytes);
  writeFileSync(join(prebuilt, `${KOFFI_FILE}.sha256`), `${sha256(bytes)}\n`);
  for (const name of ["experiments", "lib/server/dashboard"]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  copyAssets(work, folder);
  writeFileSync(join(folder, "build.json"), JSON.stringify({ git_sha: commit() }) + "\n");
}

/** All files in a folder, by their relative paths. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/**
 * Builds the executable for this machine; `work` is a folder for intermediate files.
 *
 * @throws {Error} the output of a tool that failed.
 */
export async function compileWithNode(output: string, work: string): Promise<void> {
  const host = hostNode();
  const npmNode = `node-${platformName()}`;
  layOut(work, {
    koffi: KOFFI,
    [`@koromix/koffi-${platformName()}`]: KOFFI,
    postject: POSTJECT,
    ...(host === null ? { [npmNode]: NODE } : {}),
  });
  const node = host ?? join(work, "node_modules", npmNode, "bin/node");
  say(host === null ? `Node ${NODE} of the npm registry` : `this machine's Node, ${host}`);
  writeFileSync(join(work, "single.ts"), ENTRY);
  const form = ["--format=cjs", "--outdir=out", "--log-override:empty-import-meta=silent"];
  const inputs = bundle(work, ["single=single.ts"], form);

  const files = join(work, "files");
  await layOutFiles(files, work);
  const paths = filesIn(files);
  const hashes = paths.map((path) => [path, sha256(readFileSync(join(files, path)))]);
  writeFileSync(join(work, CONTENTS), JSON.stringify(Object.fromEntries(hashes)));
  const blob = join(work, "single.blob");
  const config = {
    main: join(work, "out/single.js"),
    output: blob,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    assets: {
      ...Object.fromEntries(paths.map((path) => [path, join(files, path)])),
      [CONTENTS]: join(work, CONTENTS),
    },
  };
  writeFileSync(join(work, "single.json"), JSON.stringify(config));
  execFileSync(node, ["--experimental-sea-config", join(work, "single.json")], { stdio: "pipe" });
  copyNode(node, output);
  const postject = join(work, "node_modules/postject/dist/cli.js");
  const injected = [output, "NODE_SEA_BLOB", blob, "--sentinel-fuse", FUSE];
  execFileSync(node, [postject, ...injected], { stdio: "pipe" });
  const own = ["koffi", ...(host === null ? [npmNode] : [])];
  const foreign = own.map((name) => `node_modules/${name}/package.json`);
  writeFileSync(`${output}.third_party.txt`, licences(work, [...inputs, ...foreign]));
  say(`${output}: ${statSync(output).size} bytes`);
}
