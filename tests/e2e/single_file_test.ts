/** The single executable of Node: built, used where there is nothing else, and put into a container. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { compileWithNode } from "../../scripts/compile_node.ts";
import { ROOT } from "../../scripts/package.ts";
import { librariesOf } from "../../scripts/verify_single.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { finished } from "./script.ts";

/** As the Containerfile has it. */
const FILE = "dist/bin/dyno-node-linux-x64";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

/** Runs buildah with its storage in a folder, to its end. */
function spawnBuildah(folder: string, args: string[]) {
  const storage = ["--root", join(folder, "images"), "--runroot", join(folder, "running")];
  const words = ["--storage-driver", "vfs", ...storage, ...args];
  return spawnSync("buildah", words, { encoding: "utf8" });
}

/** The same, to its good end; gives standard output. */
function buildahIn(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnBuildah(folder, args);
  assertEquals(status, 0, `buildah ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** What stands for the image that the Containerfile begins with: its libraries and its users. */
function makeBase(folder: string, file: string, name: string): void {
  const base = join(folder, "base");
  for (const path of librariesOf(file)) {
    mkdirSync(join(base, dirname(path)), { recursive: true });
    cpSync(path, join(base, path), { dereference: true });
  }
  for (const path of ["etc", "tmp", "home"]) mkdirSync(join(base, path));
  chmodSync(join(base, "tmp"), 0o1777);
  writeFileSync(join(base, "etc/passwd"), "nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n");
  writeFileSync(join(base, "etc/group"), "nonroot:x:65532:\n");
  const made = buildahIn(folder, "from", "scratch");
  buildahIn(folder, "copy", "-q", made, base, "/");
  mkdirSync(join(base, "nonroot"));
  buildahIn(
    folder,
    "copy",
    "-q",
    "--chown",
    "65532:65532",
    made,
    join(base, "nonroot"),
    "/home/nonroot",
  );
  buildahIn(folder, "commit", "-q", made, name);
}

Deno.test({
  name: "one file of Node",
  ignore: Deno.build.os !== "linux",
  fn: async (t) => {
    using folder = temporaryFolder();
    const file = join(folder.path, FILE);
    await compileWithNode(file, join(folder.path, "work"));

    await t.step({
      name: "does all that dyno does, in an empty root without a network",
      ignore: !has("bwrap"),
      fn: async () => {
        const { code, stderr } = await finished(["run", "-A", "scripts/verify_single.ts", file]);
        assertEquals(code, 0, stderr);
        assertEquals(stderr.match(/^works: /gm)?.length, 11, stderr);
      },
    });

    await t.step({
      name: "runs in its container, without root and without a shell",
      ignore: !has("buildah") || process.getuid?.() !== 0,
      fn: () => {
        for (const name of ["Containerfile", "experiments", ".dockerignore"]) {
          cpSync(join(ROOT, name), join(folder.path, name), { recursive: true });
        }
        const text = Deno.readTextFileSync(join(ROOT, "Containerfile"));
        makeBase(folder.path, file, /^FROM (\S+)$/m.exec(text)![1]);
        const isolated = ["--isolation", "chroot"];
        const bud = ["build", "-q", "--pull-never", ...isolated, "-t", "dyno"];
        buildahIn(folder.path, ...bud, "--build-arg", `FILE=${FILE}`, folder.path);
        const { OCIv1: { config } } = JSON.parse(
          buildahIn(folder.path, "inspect", "--type", "image", "dyno"),
        );
        assertEquals([config.User, config.Entrypoint], ["65532:65532", ["/usr/local/bin/dyno"]]);
        const made = buildahIn(folder.path, "from", "--pull-never", "dyno");
        const dyno = (...args: string[]) =>
          buildahIn(folder.path, "run", ...isolated, made, "--", config.Entrypoint[0], ...args);
        const { findings } = JSON.parse(dyno("doctor", "--json"));
        const found = (name: string) => findings.find((one: { name: string }) => one.name === name);
        assertMatch(found("libdyno").detail, /^embedded: \/home\/nonroot\//);
        assertEquals(found("compiler").works, false);
        const [suite] = dyno("quickstart", "--json").split("\n").map((line) => JSON.parse(line));
        assert((suite.runs ?? [suite])[0].aggregate.avg_hit_rate > 0.5);
        const shell = ["run", ...isolated, made, "--", "/bin/sh", "-c", "true"];
        assert(spawnBuildah(folder.path, shell).status !== 0, "there is a shell");
      },
    });
  },
});

Deno.test("--with takes node, and says so of anything else", async () => {
  const { code, stderr } = await finished(["run", "-A", "scripts/compile.ts", "--with", "bun"]);
  assertEquals(code, 2);
  assertMatch(stderr, /--with takes "node" and nothing else; got "bun"/);
});
