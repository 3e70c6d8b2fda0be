import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { dirname, join } from "@std/path";
import { openLibrary } from "../../lib/native/ffi.ts";
import { findNative } from "../../lib/native/library.ts";
import { ABI, SYMBOLS } from "../../lib/native/symbols.ts";
import { releaseLibrary } from "../../scripts/build_native.ts";
import {
  library,
  NATIVE_FOLDER,
  run,
  temporaryFolder,
  TESTS_FOLDER,
  writeTree,
} from "./fixtures.ts";

Deno.env.delete("DYNO_NATIVE");

/** A library in one line a function: quick to build, enough to be found and opened. */
async function smallSources(root: string, abi = ABI, folder = "sources"): Promise<string> {
  const functions = Object.keys(SYMBOLS).map((name) =>
    `__attribute__((visibility("default"))) int ${name}() { return ${abi}; }`
  );
  await writeTree(root, {
    [`${folder}/dyno.h`]: "/* small */\n",
    [`${folder}/one.c`]: functions.join("\n") + "\n",
  });
  return join(root, folder);
}

/** Runs find_program.ts in an environment of its own and returns what it printed. */
async function findProgram(environment: Record<string, string>, permissions = ["-A"]) {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, join(TESTS_FOLDER, "find_program.ts")],
    env: environment,
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** Leaves the first half of a file, in another inode: the old one is mapped into this process. */
async function tear(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  await Deno.remove(path);
  await Deno.writeFile(path, bytes.slice(0, bytes.length / 2));
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name);

Deno.test("the real sources: this version's ABI, over Deno's own bridge", async () => {
  const { call, bridge } = await library();
  assertEquals([call.dyno_abi(), bridge], [ABI, "Deno.dlopen"]);
});

Deno.test("built once, said in one line, kept 0700, then found again", async () => {
  using folder = temporaryFolder();
  const sources = await smallSources(folder.path);
  const cacheFolders = [join(folder.path, "cache", "dyno")];
  const lines: string[] = [];
  const notice = (line: string) => lines.push(line);
  const first = await findNative({ sources, cacheFolders, notice });
  assertEquals([first.origin, first.reason], ["built", null]);
  assertEquals(lines.length, 1);
  assertMatch(lines[0], /^built libdyno from .*sources in [\d.]+ s, kept in .*dyno$/);
  const second = await findNative({ sources, cacheFolders, notice });
  assertEquals([second.origin, second.library!.path], ["cached", first.library!.path]);
  assertEquals(lines.length, 1);
  assertEquals(names(cacheFolders[0]).length, 1, "no temporary file stays");
  assertEquals(Deno.statSync(cacheFolders[0]).mode! & 0o777, 0o700);
  assertEquals(Deno.statSync(first.library!.path).mode! & 0o777, 0o700);
});

Deno.test("the build flags are those of the Makefile", async () => {
  const makefile = await Deno.readTextFile(join(NATIVE_FOLDER, "Makefile"));
  const build = await Deno.readTextFile(new URL("../../lib/native/build.ts", import.meta.url));
  const flags = makefile.match(/^LIBRARY_FLAGS = (.*)$/m)![1].split(" ");
  const used = [...build.match(/FLAGS = \[([^\]]*)\]/)![1].matchAll(/"([^"]+)"/g)];
  assertEquals(used.map(([, flag]) => flag), flags);
});

Deno.test("sources in rooms are found and name each other from native/; programs are left out", async () => {
  using folder = temporaryFolder();
  const sources = await smallSources(folder.path);
  await writeTree(sources, {
    "base/one.h": "int two(void);\n",
    "http/wire/two.c": '#include "base/one.h"\nint two(void) { return 2; }\n',
    "sim/broken.c": "int broken(\n",
    "launch/broken.c": "int broken(\n",
  });
  const found = await findNative({ sources, cacheFolders: [join(folder.path, "cache")] });
  assertEquals([found.origin, found.reason], ["built", null]);
});

Deno.test("another source or another folder is another build", async () => {
  using folder = temporaryFolder();
  const cacheFolders = [join(folder.path, "cache")];
  const sources = await smallSources(folder.path);
  const first = await findNative({ sources, cacheFolders });
  await Deno.writeTextFile(join(sources, "one.c"), "\nint more;\n", { append: true });
  const second = await findNative({ sources, cacheFolders });
  assertEquals([first.origin, second.origin], ["built", "built"]);
  assertNotEquals(first.library!.path, second.library!.path);
});

Deno.test("a torn file in the cache is never opened: it is built again", async () => {
  using folder = temporaryFolder();
  const cacheFolders = [join(folder.path, "cache")];
  const sources = await smallSources(folder.path);
  const { library } = await findNative({ sources, cacheFolders });
  await tear(library!.path);
  const again = await findNative({ sources, cacheFolders });
  assertEquals([again.origin, again.library?.path], ["built", library!.path]);
});

Deno.test("two who build at once both get it", async () => {
  using folder = temporaryFolder();
  const options = {
    sources: await smallSources(folder.path),
    cacheFolders: [join(folder.path, "cache")],
  };
  const found = await Promise.all([findNative(options), findNative(options), findNative(options)]);
  assertEquals(found.map(({ reason }) => reason), [null, null, null]);
  assertEquals(names(options.cacheFolders[0]).length, 1);
});

Deno.test("no compiler: null, and a reason that says what to install", async () => {
  using folder = temporaryFolder();
  const SOURCES = await smallSources(folder.path);
  const CACHE = join(folder.path, "cache");
  const said = await findProgram({ SOURCES, CACHE, PATH: join(folder.path, "nothing") });
  assertMatch(said, /^null no C compiler: install gcc/);
});

Deno.test("sources that do not compile: null, with the compiler's first line", async () => {
  using folder = temporaryFolder();
  await writeTree(folder.path, { "dyno.h": "", "wrong.c": "int wrong(\n" });
  const cacheFolders = [join(folder.path, "c")];
  const { reason } = await findNative({ sources: folder.path, cacheFolders });
  assertMatch(reason!, /cc could not build libdyno: .*wrong\.c/);
  const { reason: none } = await findNative({ sources: join(folder.path, "none"), cacheFolders });
  assertMatch(none!, /no sources of libdyno/);
});

Deno.test("a library of another ABI is refused", async () => {
  using folder = temporaryFolder();
  const sources = await smallSources(folder.path, ABI + 98);
  const { library, reason } = await findNative({ sources, cacheFolders: [folder.path + "/c"] });
  assertEquals(library, null);
  assertMatch(reason!, new RegExp(`ABI ${ABI + 98}; this dyno needs ABI ${ABI}`));
});

Deno.test("a folder that others may write to is passed over", async () => {
  using folder = temporaryFolder();
  const open = join(folder.path, "open"), own = join(folder.path, "own");
  await Deno.mkdir(open);
  await Deno.chmod(open, 0o777);
  const sources = await smallSources(folder.path);
  const { library } = await findNative({ sources, cacheFolders: [open, own] });
  assertEquals(dirname(library!.path), own);
  const { reason } = await findNative({ sources, cacheFolders: [open] });
  assertMatch(reason!, /can be written by others: chmod 700/);
});

/** Mounts a file system that runs no programs; false where that is not allowed. */
async function mountNoexec(path: string): Promise<boolean> {
  try {
    await run("mount", "-t", "tmpfs", "-o", "noexec,size=8m", "none", path);
    return true;
  } catch {
    return false;
  }
}

async function mayMount(): Promise<boolean> {
  using folder = temporaryFolder();
  if (!await mountNoexec(folder.path)) return false;
  await run("umount", folder.path);
  return true;
}

Deno.test({
  name: "a cache folder mounted noexec is passed over for the next",
  ignore: !await mayMount(),
  fn: async () => {
    using folder = temporaryFolder();
    const noexec = join(folder.path, "noexec");
    await Deno.mkdir(noexec);
    assert(await mountNoexec(noexec));
    try {
      const cacheFolders = [join(noexec, "cache"), join(folder.path, "own")];
      const sources = await smallSources(folder.path);
      const lines: string[] = [];
      const notice = (line: string) => lines.push(line);
      const { library } = await findNative({ sources, cacheFolders, notice });
      assertEquals(dirname(library!.path), cacheFolders[1]);
      assertEquals(lines.length, 1, "compiled once for both");
    } finally {
      await run("umount", "-l", noexec);
    }
  },
});

Deno.test("DYNO_NATIVE is taken before all else; a wrong one is an error that names it", async () => {
  using folder = temporaryFolder();
  const SOURCES = await smallSources(folder.path);
  const CACHE = join(folder.path, "cache");
  const { library } = await findNative({ sources: SOURCES, cacheFolders: [CACHE] });
  const good = await findProgram({ SOURCES, CACHE, DYNO_NATIVE: library!.path });
  assertEquals(good.trim(), `DYNO_NATIVE ${library!.path}`);
  const wrong = await findProgram({ SOURCES, CACHE, DYNO_NATIVE: "/nowhere/libdyno.so" });
  assertMatch(wrong, /InputError: DYNO_NATIVE: "\/nowhere\/libdyno\.so" cannot be used/);
});

Deno.test("a release's library is taken without a compiler; a damaged one is not opened", async () => {
  using folder = temporaryFolder();
  const SOURCES = await smallSources(folder.path);
  const CACHE = join(folder.path, "cache");
  const prebuilt = join(await releaseLibrary(SOURCES, join(SOURCES, "prebuilt")), "libdyno.so");
  const environment = { SOURCES, CACHE, PATH: join(folder.path, "nothing") };
  assertEquals((await findProgram(environment)).trim(), `prebuilt ${prebuilt}`);
  await tear(prebuilt);
  assertMatch(await findProgram(environment), /^null .*libdyno\.so is damaged.*; no C compiler/);
  assertMatch(await findProgram({ SOURCES, CACHE }), /^built /);
});

Deno.test("a compiled binary's own library is extracted, checked and opened", async () => {
  using folder = temporaryFolder();
  const SOURCES = await smallSources(folder.path);
  const release = await releaseLibrary(SOURCES, join(SOURCES, "prebuilt"));
  const CACHE = join(folder.path, "cache");
  const environment = { SOURCES, CACHE, EXTRACT: "1", PATH: "/nowhere" };
  assertMatch(await findProgram(environment), /^embedded .*libdyno-embedded-/);
  assertEquals(Deno.statSync(CACHE).mode! & 0o777, 0o700);
  const [kept] = names(CACHE);
  assertEquals(Deno.statSync(join(CACHE, kept)).mode! & 0o777, 0o700);
  await tear(join(CACHE, kept));
  assertMatch(await findProgram(environment), /^embedded .*libdyno-embedded-/);
  await Deno.writeTextFile(join(release, "libdyno.so.sha256"), "0".repeat(64));
  assertMatch(await findProgram(environment), /libdyno\.so is damaged: its hash is another/);
});

Deno.test("where the home folder cannot be written, the library is extracted elsewhere", async () => {
  using folder = temporaryFolder();
  const sources = await smallSources(folder.path);
  await releaseLibrary(sources, join(sources, "prebuilt"));
  const home = join(folder.path, "home");
  await Deno.writeTextFile(home, "not a folder, so that root cannot write there either");
  const cacheFolders = [join(home, ".cache/dyno"), join(folder.path, "other")];
  const found = await findNative({ sources, cacheFolders, extract: true });
  assertEquals([found.origin, dirname(found.library!.path)], ["embedded", cacheFolders[1]]);
  const none = await findNative({ sources, cacheFolders: [join(home, "dyno")], extract: true });
  assertMatch(none.reason ?? "", /the library inside this binary: .*home/);
});

Deno.test("narrow permissions suffice, also where LD_LIBRARY_PATH is set", async () => {
  using folder = temporaryFolder();
  const SOURCES = await smallSources(folder.path);
  const CACHE = join(folder.path, "cache");
  const permissions = [
    `--allow-ffi=${CACHE}`,
    `--allow-read=${SOURCES},${CACHE}`,
    `--allow-write=${CACHE}`,
    "--allow-run=cc",
    "--allow-env=DYNO_NATIVE,XDG_CACHE_HOME,HOME,PATH,SOURCES,CACHE",
  ];
  const environment = { SOURCES, CACHE, LD_LIBRARY_PATH: "/opt/cuda/lib64" };
  assertMatch(await findProgram(environment, permissions), /^built .*libdyno-/);
  const withoutCompiler = permissions.filter((flag) => !flag.startsWith("--allow-run"));
  assertMatch(await findProgram(environment, withoutCompiler), /^cached .*libdyno-/);
  assertMatch(await findProgram(environment, []), /^null .*--allow-read/);
});

Deno.test("without permission for FFI nothing is compiled, and the reason says so", async () => {
  using folder = temporaryFolder();
  const SOURCES = await smallSources(folder.path);
  const CACHE = join(folder.path, "cache");
  for (
    const permissions of [["--allow-all", "--deny-ffi"], [`--allow-all`, `--deny-ffi=${CACHE}`]]
  ) {
    assertMatch(await findProgram({ SOURCES, CACHE }, permissions), /^null .*[Ff][Ff][Ii]/);
  }
  assertRejects(() => Deno.stat(CACHE), Deno.errors.NotFound);
});

Deno.test("openLibrary tells what is wrong with a file", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "text.so");
  await Deno.writeTextFile(path, "no library");
  await assertRejects(() => openLibrary(path), Error, "text.so");
});
