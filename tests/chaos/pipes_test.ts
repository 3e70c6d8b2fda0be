/** Pipes and endless devices in the place of a run's files: no command waits for them, or reads on and on. */
import { spawnSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dyno, dynoEach } from "../e2e/dyno.ts";
import { runId, temporary, writeRun } from "../run/runs_fixture.ts";

const FILES = ["results.json", "run_metadata.json", "events.jsonl"];

for (const place of ["a pipe", "an endless device"]) {
  Deno.test({
    name: `${place} in the place of a run's file is told of, not read`,
    ignore: process.platform === "win32",
    fn: async () => {
      using folder = temporary();
      const root = join(folder.path, "runs");
      writeRun(root, 0, { marks: "110" }); // whole: the others do not hide it
      FILES.forEach((file, i) => {
        const path = join(writeRun(root, i + 1, { marks: "110" }), file);
        rmSync(path, { force: true });
        if (file === "events.jsonl") rmSync(join(path, "..", "results.json"));
        if (place === "a pipe") assertEquals(spawnSync("mkfifo", [path]).status, 0);
        else symlinkSync("/dev/zero", path);
      });
      const listed = await dyno(["runs", "list", "--json"], { cwd: folder.path });
      assertEquals(JSON.parse(listed.stdout).length, 4, listed.stderr);
      const runs = FILES.map((_, i) => runId(i + 1));
      const commands = place === "an endless device" ? runs.map((run) => ["show", run]) : [
        ...runs.flatMap((run) => [["show", run], ["analyze", run], ["watch", run]]),
        ["show", runs[0], "--json"],
        ["report", ...runs],
        ["export", "--format", "jsonl"],
        ["export", "--format", "html", "--out", join(folder.path, "page.html")],
        ["tag", runs[1], "+x"],
        ["archive", ...runs, "--yes"],
      ];
      const ended = await Promise.all([0, 1].map(async (half) => {
        const found: string[] = [];
        for (const command of commands.filter((_, i) => i % 2 === half)) {
          const { code, stderr } = await dyno(["runs", ...command], { cwd: folder.path });
          assert([0, 1, 2].includes(code ?? -1), `${command}: ${code}: ${stderr}`);
          assert(!/bug in dyno/.test(stderr), `${command}: ${stderr}`);
          found.push(stderr);
        }
        return found;
      }));
      assertStringIncludes(ended.flat().join("\n"), "is not a plain file");
    },
  });
}

Deno.test({
  name: "a pipe that is given as input is told of by every command, and not waited for",
  ignore: process.platform === "win32",
  fn: async () => {
    using folder = temporary();
    for (const name of ["p", "p.yaml", "p.jsonl"]) {
      assertEquals(spawnSync("mkfifo", [join(folder.path, name)]).status, 0);
    }
    const on = ["--endpoint", "http://127.0.0.1:9", "--model", "m"];
    const commands = [
      ...["p", "p.yaml", "p.jsonl"].map((name) => ["run", name, ...on]),
      ["load", "p"],
      ["load", ...on, "-c", "1", "--prompts", "p.jsonl"],
      ["load", ...on, "--trace", "p"],
      ["load", ...on, "-c", "1", "--env-file", "p"],
      ["batch", "run", "p.yaml"],
      ["sweep", "--config", "p"],
      ["mock", "--script", "p"],
      ["runs", "cost", "--prices", "p"],
    ];
    for (const { code, stderr } of await dynoEach(commands, { cwd: folder.path })) {
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "a pipe, expected a plain file");
    }
  },
});
