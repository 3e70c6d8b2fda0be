/** The compiled binary, as far as it can be tried where its runtime cannot be downloaded. */
import { readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { LIBRARY_FILES, PACKAGE_FILES } from "../../lib/package_files.ts";
import { platformName } from "../../lib/native/prebuilt.ts";
import { PROGRAMS } from "../../lib/native/program.ts";
import { MODULES, STYLES } from "../../lib/server/assets.ts";
import { BUDGET_BYTES, compile, stage, TARGETS } from "../../scripts/compile.ts";
import { temporaryFolder } from "../native/fixtures.ts";
import { finished } from "./script.ts";

const LIB = fileURLToPath(new URL("../../lib", import.meta.url));
const TARGET = Object.keys(TARGETS).find((target) => TARGETS[target] === platformName())!;

Deno.test("only two files of lib open what lies beside them; a binary has all it can use", () => {
  const openers = readdirSync(LIB, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .filter((path) => readFileSync(join(LIB, path), "utf8").includes("import.meta"));
  const forDenoAlone = "coding/sandbox/pyodide.ts"; // it says so before it opens anything
  assertEquals(openers.sort(), [forDenoAlone, "package_files.ts"]);
  assert(PACKAGE_FILES.length > 0 && LIBRARY_FILES.length > 0);
});

Deno.test("what a binary holds", async (t) => {
  using folder = temporaryFolder();
  const staged = join(folder.path, "staged");
  await stage(staged, platformName());

  await t.step("runs from its own files alone, with no compiler", async () => {
    const bin = join(folder.path, "bin");
    Deno.mkdirSync(bin);
    for (const name of ["env", "uname"]) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    const out = join(folder.path, "runs");
    const flags = ["-A", "--cached-only", "--node-modules-dir=manual", "--no-check"];
    const env = { PATH: bin, HOME: folder.path, XDG_CACHE_HOME: join(folder.path, "cache") };
    const config = ["--config", join(staged, "deno.json")];
    const { code, stderr } = await finished(
      ["run", ...flags, ...config, join(staged, "main.ts"), "quickstart", "--out", out],
      env,
    );
    assertEquals(code, 0, stderr);
    const pictures = readdirSync(join(out, "sweeps/smoke/report/assets"));
    assert(pictures.some((name) => name.endsWith(".png")), pictures.join());
  });

  await t.step("the file that is compiled has every asset inside, whole, within its budget", () => {
    const output = join(folder.path, "dyno");
    const runtime = "/bin/true"; // stands for the runtime, to which all else is added
    compile(staged, TARGET, output, { DENORT_BIN: runtime });
    assert(
      statSync(output).size - statSync(runtime).size < BUDGET_BYTES,
      `${statSync(output).size}`,
    );
    const content = (path: string) => readFileSync(path, "latin1"); // a text is searched fast
    const binary = content(output);
    const prebuilt = join(staged, "native/prebuilt", platformName());
    const native = ["libdyno.so", ...Object.keys(PROGRAMS)].flatMap((name) =>
      [name, `${name}.sha256`].map((file) => join(prebuilt, file))
    );
    const packages = LIBRARY_FILES.map((asset) => join(staged, "node_modules", asset));
    const page = [...STYLES.slice(1), ...MODULES, "index.html"]
      .map((name) => join(staged, "lib/server/dashboard", name));
    for (const path of [...native, ...packages, ...page, join(staged, "build.json")]) {
      assert(binary.includes(content(path)), `${path} is not in the binary`);
    }
  });

  await t.step("where the runtime cannot be downloaded, one line says how to give it", () => {
    const nobody = "http://127.0.0.1:9";
    const env = { HTTPS_PROXY: nobody, DENO_DIR: join(folder.path, "empty"), DENORT_BIN: "" };
    const error = assertThrows(() => compile(staged, TARGET, join(folder.path, "none"), env));
    assertMatch(
      error.message,
      /^the compile runtime .* cannot be downloaded here: .* DENORT_BIN; or .* --with node$/,
    );
  });
});

Deno.test("a target that is none is told with those that are", async () => {
  const { code, stderr } = await finished(["run", "-A", "scripts/compile.ts", "sparc"]);
  assertEquals(code, 2);
  assertMatch(stderr, /"sparc" is not a target; there is x86_64/);
});
