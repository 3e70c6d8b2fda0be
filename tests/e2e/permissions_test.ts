/** The lines of docs/permissions.md, each run with just these and no question asked. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { freePorts } from "../free_ports.ts";
import { temporaryFolder } from "../native/fixtures.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The words of the page's lines, after `deno`. */
function pageLines(): string[] {
  const page = readFileSync(join(ROOT, "docs/permissions.md"), "utf8");
  return page.split("\n").flatMap((line) => /^deno (run .*)$/.exec(line)?.slice(1) ?? []);
}

function start(line: string, port: number, cwd: string) {
  const words = line.replaceAll("127.0.0.1:8000", `127.0.0.1:${port}`)
    .replace("--port 8000", `--port ${port}`).split(" ")
    .map((word) => word === "main.ts" ? join(ROOT, word) : word);
  const [run, ...rest] = words;
  // by a shell that is told where Deno is: to a Deno that it knows, Deno gives all permissions (-A)
  const words_of_run = [run, "--no-prompt", "--no-check", ...rest];
  const child = spawn("/bin/sh", ["-c", 'exec "$DENO_PROGRAM" "$@"', "sh", ...words_of_run], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", DENO_PROGRAM: process.execPath },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const onText = { mock: () => {} };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes) => {
      said += bytes;
      if (said.includes("mock endpoint at")) onText.mock();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ready = new Promise<void>((resolve) => onText.mock = resolve);
  return { pid: child.pid!, ended, ready, said: () => said };
}

Deno.test("lines with narrow permissions work as they stand", async () => {
  using folder = temporaryFolder();
  cpSync(join(ROOT, "experiments"), join(folder.path, "experiments"), { recursive: true });
  const [port] = await freePorts(1);
  const [mockLine, ...lines] = pageLines();
  assertMatch(mockLine, /main\.ts mock/);
  assert(lines.length >= 11 && lines.every((line) => !/ -A | --allow-all/.test(line)));
  const mock = start(mockLine, port, folder.path);
  await Promise.race([mock.ready, mock.ended]);
  try {
    for (const line of lines) {
      const run = start(line, port, folder.path);
      assertEquals(await run.ended, 0, `${line}\n${run.said()}`);
      assert(!/Requires \w+ access|NotCapable/.test(run.said()), `${line}\n${run.said()}`);
    }
  } finally {
    process.kill(mock.pid, "SIGTERM");
    await mock.ended;
  }
  assert(existsSync(join(folder.path, "bench_runs/smoke/report/assets")));
});

Deno.test("deno install -g puts dyno on the PATH", async () => {
  using folder = temporaryFolder();
  const page = readFileSync(join(ROOT, "docs/permissions.md"), "utf8");
  const [, words] = /`deno (install -g [^`]*)`/.exec(page)!;
  const install = new Deno.Command(Deno.execPath(), {
    args: [...words.split(" "), "--root", folder.path].toSorted((a, b) =>
      Number(a === "main.ts") - Number(b === "main.ts")
    ),
    cwd: ROOT,
  });
  const { success, stderr } = await install.output();
  assert(success, new TextDecoder().decode(stderr));
  const dyno = new Deno.Command(join(folder.path, "bin/dyno"), {
    args: ["--version"],
    cwd: folder.path,
    env: { PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}` },
  });
  const { code, stdout } = await dyno.output();
  assertEquals(code, 0);
  assertMatch(new TextDecoder().decode(stdout), /^dyno \d+\.\d+\.\d+/);
});
