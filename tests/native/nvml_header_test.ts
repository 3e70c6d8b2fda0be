/**
 * NVML's ABI from outside: NVIDIA's own nvml.h, fetched as a Go module for this test alone. Where it
 * cannot be had, only what is written down here (with its source) is compared.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { NATIVE_FOLDER, run, runWith, temporaryFolder, TESTS_FOLDER } from "./fixtures.ts";

const MODULE = "github.com/NVIDIA/go-nvml@v0.13.4-1";
const FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"];

/** Path of nvml.h below `folder`; null where there is no Go or no network. */
async function fetchHeader(folder: string): Promise<string | null> {
  try {
    const said = await runWith(
      { GOMODCACHE: folder, GOFLAGS: "-modcacherw", GO111MODULE: "on" },
      "go",
      ...["mod", "download", "-json", MODULE],
    );
    const path = join(JSON.parse(said).Dir, "gen/nvml/nvml.h");
    await Deno.stat(path);
    return path;
  } catch {
    return null;
  }
}

/** Compiles the layout program, which asserts that libdyno's numbers are the header's; what it prints. */
async function numbers(folder: string, ...flags: string[]): Promise<string> {
  const program = join(folder, `layout${flags.length}`);
  const source = join(TESTS_FOLDER, "nvml_layout_program.c");
  await run("cc", ...FLAGS, ...flags, `-I${NATIVE_FOLDER}`, "-o", program, source);
  return await run(program);
}

Deno.test("layouts, ids and codes are those of NVIDIA's header", async (t) => {
  using folder = temporaryFolder();
  const written = await numbers(folder.path);
  assert(written.split("\n").length > 60);
  const header = await fetchHeader(join(folder.path, "go"));
  await t.step({
    name: header
      ? "libdyno's and the fake's"
      : "(skipped: no Go, or its module proxy is out of reach)",
    ignore: header === null,
    fn: async () => {
      const define = `-DNVML_HEADER="${header}"`;
      assertEquals(await numbers(folder.path, define), written);
      // its functions are declared in the header: their parameters are compared as it is compiled
      const library = ["-fPIC", "-shared", "-pthread", "-o", join(folder.path, "fake.so")];
      await run("cc", ...FLAGS, define, ...library, join(TESTS_FOLDER, "fake_nvml.c"));
    },
  });
});
