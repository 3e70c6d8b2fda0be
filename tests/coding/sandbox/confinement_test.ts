/** What a program sees of the disk: the interpreter's library and packages, nothing that lies beside. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { languageFolders } from "../../../lib/coding/language.ts";
import { findInterpreter } from "../../../lib/coding/sandbox/interpreter.ts";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { available, program } from "./fixture.ts";

const ignore = !available;
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "dyno-confined-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

/** What a program that looks for these paths finds of them. */
async function seen(sandbox: Sandbox, paths: string[]): Promise<string> {
  const code =
    `import os\n\n\ndef f(paths):\n    found = []\n    for path in paths:\n        try:\n` +
    `            found += os.listdir(path) if os.path.isdir(path) else [open(path).read()]\n` +
    `        except OSError:\n            pass\n    return found\n`;
  const test = `def check(candidate):\n    found = candidate(${
    JSON.stringify(paths)
  })\n    assert found == [], found\n`;
  const { passed, detail } = await sandbox.run(program({
    code,
    entry_point: "f",
    test,
    form: "check",
  }));
  return passed ? "" : detail;
}

Deno.test(
  { name: "confinement: a Python whose prefix is a home shows its library alone", ignore },
  async () => {
    using home = folder();
    const said = execFileSync("python3", [
      "-c",
      "import sys,os,sysconfig;print(os.path.realpath(sys._base_executable));print(sysconfig.get_paths()['stdlib'])",
    ]).toString().trim().split("\n");
    const [binary, library] = said;
    // a prefix as ./configure --prefix=$HOME makes one
    const name = library.split("/").at(-1)!;
    mkdirSync(join(home.path, "bin"));
    mkdirSync(join(home.path, "lib"));
    mkdirSync(join(home.path, ".ssh"));
    writeFileSync(join(home.path, ".ssh", "id"), "secret");
    writeFileSync(join(home.path, "lib", "notes"), "secret");
    cpSync(binary, join(home.path, "bin", "python3"));
    symlinkSync(library, join(home.path, "lib", name));
    for (const lib of (await findInterpreter()).folders.filter((path) => /\.so/.test(path))) {
      symlinkSync(lib, join(home.path, "lib", lib.split("/").at(-1)!));
    }
    await using sandbox = await Sandbox.open({
      sandbox: "bubblewrap",
      workers: 1,
      python: join(home.path, "bin", "python3"),
    });
    const paths = [".ssh", ".ssh/id", "lib/notes"].map((path) => join(home.path, path));
    assertEquals(await seen(sandbox, paths), "");
  },
);

Deno.test(
  { name: "confinement: the prefix of this Python is not shown as a whole", ignore },
  async () => {
    const { folders, path } = await findInterpreter();
    const prefix = dirname(dirname(path));
    assertEquals(folders.filter((each) => `${prefix}/`.startsWith(`${each}/`)), []);
  },
);

Deno.test(
  { name: "confinement: what is hidden stays hidden in a folder that is shown", ignore },
  async () => {
    using data = folder();
    mkdirSync(join(data.path, "suites"));
    writeFileSync(join(data.path, "suites", "a"), "secret");
    writeFileSync(join(data.path, "problems.jsonl"), "secret");
    const hidden = [join(data.path, "suites"), join(data.path, "problems.jsonl")];
    await using sandbox = await Sandbox.open({
      sandbox: "bubblewrap",
      workers: 1,
      folders: [data.path],
      hidden,
    });
    const found = await seen(sandbox, hidden);
    assertEquals(/secret/.test(found), false, found);
  },
);

Deno.test({
  name: "confinement: this package's own files are hidden where it lies in a folder that is shown",
  ignore,
}, async () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
  await using sandbox = await Sandbox.open({
    sandbox: "bubblewrap",
    workers: 1,
    folders: [dirname(root)],
  });
  assertEquals(await seen(sandbox, [root, join(root, "experiments")]), "");
});

Deno.test("confinement: another language's program below a home is shown without the home", () => {
  const home = Deno.env.get("HOME");
  using own = folder();
  try {
    Deno.env.set("HOME", own.path);
    mkdirSync(join(own.path, "bin"));
    mkdirSync(join(own.path, "tool", "bin"), { recursive: true });
    for (const path of ["bin/a", "tool/bin/a"]) {
      writeFileSync(join(own.path, path), "#!/bin/sh\n", { mode: 0o755 });
    }
    const shown = (program: string) =>
      languageFolders([{
        problem_id: "p",
        index: 0,
        prompt: "p",
        entry_point: "main",
        canonical_solution: null,
        tests: {
          form: "program",
          language: { name: "a", command: `${join(own.path, program)} {file}`, extension: "a" },
          cases: [],
        },
      }]);
    assertEquals(shown("bin/a"), [join(own.path, "bin/a")]);
    assertEquals(shown("tool/bin/a"), [join(own.path, "tool")]);
  } finally {
    if (home !== undefined) Deno.env.set("HOME", home);
  }
});

Deno.test({
  name: "confinement: sockets that no namespace of the network holds are refused",
  ignore,
  fn: async () => {
    await using sandbox = await Sandbox.open({ sandbox: "bubblewrap", workers: 1 });
    // linux/socket.h: netlink, packet, ALG (the kernel's cryptography), vsock (the host of a virtual machine)
    const code = `import socket\n\n\ndef f(family):\n    try:\n        socket.socket(family, ` +
      `socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_DGRAM).close()\n        return 0\n` +
      `    except OSError as error:\n        return error.errno\n`;
    const test = `def check(candidate):\n` +
      `    refused = [candidate(family) for family in (16, 17, 38, 40)]\n` +
      `    assert refused == [1, 1, 1, 1], refused\n` +
      `    assert [candidate(family) for family in (1, 2)] == [0, 0]\n`;
    const { passed, detail } = await sandbox.run(program({
      code,
      entry_point: "f",
      test,
      form: "check",
    }));
    assertEquals([passed, detail ?? ""], [true, ""]);
  },
});
