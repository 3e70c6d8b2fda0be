import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { withRunIndex } from "../../lib/run/index.ts";
import { temporary } from "./runs_fixture.ts";

const PROGRAM = fileURLToPath(new URL("index_program.ts", import.meta.url));
const PROCESSES = Deno.env.get("DYNO_TEST_LONG") ? 20 : 10;
const ROUNDS = 4;

function program(root: string, number: number): Promise<{ missing: number; notices: string[] }> {
  const args = ["run", "-A", "--no-check", PROGRAM, root, String(number), String(ROUNDS)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "", said = "";
  child.stdout.on("data", (bytes) => out += bytes);
  child.stderr.on("data", (bytes) => said += bytes);
  return new Promise((resolve, reject) => {
    child.on("close", (code) => code === 0 ? resolve(JSON.parse(out)) : reject(new Error(said)));
  });
}

Deno.test(`${PROCESSES} processes write runs and index them at once, over a damaged index`, async () => {
  using folder = temporary();
  writeFileSync(join(folder.path, "index.sqlite"), "no database\n".repeat(1000));
  const all = await Promise.all(
    Array.from({ length: PROCESSES }, (_, n) => program(folder.path, n)),
  );
  assertEquals(all.map(({ missing }) => missing), new Array(PROCESSES).fill(0));
  const notices = all.flatMap(({ notices }) => notices);
  assert(notices.every((line) => line.includes("damaged")), notices.join("\n"));
  // what a process read while another wrote it is read again, once
  const look = () =>
    withRunIndex(folder.path, async (index) => ({
      runs: await index.list(),
      read: index.runs_read,
    }));
  await look();
  const { runs, read } = await look();
  assertEquals([runs.length, read], [PROCESSES * ROUNDS, 0]);
  assert(runs.every(({ status, items_total }) => status === "complete" && items_total === 3));
});
