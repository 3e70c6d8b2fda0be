/** The program that starts programs, under the sanitizers: requests in any pieces, all kinds of ends. */
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { processesWith, Workplace } from "./fixture.ts";
import { until } from "../until.ts";

const SOURCES = fromFileUrl(new URL("../../native/launch/", import.meta.url));
const RUNS = 100;

function request(place: Workplace, id: number, timeout_ms: number, ...command: string[]): string {
  const texts = [place.path, join(place.path, "out"), join(place.path, "err"), ...command];
  return `run ${id} ${timeout_ms} 0 ${texts.length}\n${texts.join("\0")}\0`;
}

Deno.test("requests cut anywhere are obeyed; no process is left; nothing leaks", async () => {
  using place = new Workplace();
  const built = spawnSync("make", ["-s", "sanitize", `BUILD=${place.path}`], {
    cwd: SOURCES,
    encoding: "utf8",
  });
  assertEquals([built.status, built.stderr], [0, ""]);
  const mark = `61.${Math.floor(Math.random() * 1e9)}`;
  const long = "x".repeat(30_000);
  const requests = [
    ...Array.from(
      { length: RUNS },
      (_, i) => request(place, i, 0, "sh", "-c", `exit ${i % 5} # ${i % 7 ? "" : long}`),
    ),
    request(place, 1000, 0, "sleep", mark) + "stop 1000\nstop 5555\n",
    request(place, 1001, 50, "sleep", mark),
    request(place, 1002, 0, "no-such-program"),
    request(place, 1003, 0, "sh", "-c", `setsid sleep ${mark} & sleep ${mark} & exit 3`),
    request(place, 1004, 0, "sleep", mark), // still runs when the input ends
  ].join("");
  const child = spawn(join(place.path, "launch_asan"), [], { stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "", stderr = "";
  child.stdout.on("data", (bytes) => stdout += bytes);
  child.stderr.on("data", (bytes) => stderr += bytes);
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  for (let at = 0, step = 1; at < requests.length; at += step) {
    step = [1, 3, 70, 1000, 70_000][at % 5];
    child.stdin.write(requests.slice(at, at + step));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const ends = () => stdout.split("\n").filter((line) => line.startsWith("ended"));
  await until(() => ends().length === RUNS + 3, "all ends");
  child.stdin.end();
  assertEquals([await closed, stderr], [0, ""]);
  const end = (id: number) => ends().find((line) => line.startsWith(`ended ${id} `))!.split(" ");
  for (let i = 0; i < RUNS; i++) assertEquals(end(i).slice(2, 4), [String(i % 5), "0"]);
  assertEquals([end(1000)[3], end(1000)[7]], ["15", "stopped"]);
  assertEquals([end(1001)[3], end(1001)[7]], ["15", "timeout"]);
  assertEquals(end(1003)[2], "3");
  assertStringIncludes(stdout, "failed 1002 program No such file or directory\n");
  assert(!ends().some((line) => line.startsWith("ended 1004")));
  assertEquals(processesWith(mark), []);
});

Deno.test("--when-told becomes a command once a line comes, and ends without one", () => {
  using place = new Workplace();
  const made = spawnSync("make", ["-s", "sanitize", `BUILD=${place.path}`], { cwd: SOURCES });
  assertEquals(made.status, 0);
  const ends = (input: string, ...command: string[]) => {
    const words = ["--when-told", ...command];
    const { status, stdout } = spawnSync(join(place.path, "launch_asan"), words, { input });
    return [status, String(stdout)];
  };
  // what it has not read of its input is the command's
  assertEquals(ends("go\nrest", "sh", "-c", 'cat; echo "$0"; exit 5', "a b"), [5, "resta b\n"]);
  assertEquals(ends("", "echo", "never"), [1, ""]);
  assertEquals(ends("half a line", "echo", "never"), [1, ""]);
  assertEquals(ends("go\n", "no-such-program"), [127, ""]);
});

Deno.test("--guard ends as its program does, and leaves nothing once its parent is gone", async () => {
  using place = new Workplace();
  const made = spawnSync("make", ["-s", "sanitize", `BUILD=${place.path}`], { cwd: SOURCES });
  assertEquals(made.status, 0);
  const guarded = (...command: string[]) => {
    const child = spawn(join(place.path, "launch_asan"), ["--guard", ...command]);
    let said = "";
    child.stdout.on("data", (bytes) => said += bytes);
    const ended = new Promise<[number | null, string]>((resolve) =>
      child.on("close", (code) => resolve([code, said]))
    );
    return { child, ended };
  };
  assertEquals(await guarded("sh", "-c", "echo said; exit 5").ended, [5, "said\n"]);
  assertEquals(await guarded("sh", "-c", "kill -9 $$").ended, [137, ""]);
  assertEquals(await guarded("no-such-program").ended, [127, ""]);
  const mark = "4242.21";
  const script = `setsid sleep ${mark} & (sleep ${mark} &) ; echo up; trap "" TERM; sleep ${mark}`;
  for (
    const end of [
      (child: ChildProcess) => void child.stdin!.destroy(), // as the kernel does for one that was killed
      (child: ChildProcess) => process.kill(child.pid!, "SIGTERM"),
    ]
  ) {
    const { child, ended } = guarded("sh", "-c", script);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    end(child);
    assertEquals((await ended)[0], 137);
    assertEquals(processesWith(mark), []);
  }
});
