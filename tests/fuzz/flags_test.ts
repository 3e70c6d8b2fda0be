/** Random arguments for each command: complaints of one line, exit codes, nothing else. */
import { mkdirSync, readdirSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CancelledError } from "../../lib/execute/scope.ts";
import { Terminal } from "../../lib/cli/ui/terminal.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { dyno } from "../e2e/dyno.ts";
import { HOSTILE, orComplaint, property } from "./fuzzing.ts";
import type { Command } from "../../lib/cli/ui/command.ts";

/** Says nothing, and remembers. */
class Silent extends Terminal {
  readonly said: string[] = [];
  override out(line: string): void {
    this.said.push(line);
  }
  override say(line = ""): void {
    this.said.push(line);
  }
}

/** Files of lib/cli that are commands. */
const FOLDER = new URL("../../lib/cli/", import.meta.url);
const commands: [string, Command][] = [];
for (const name of (readdirSync(FOLDER, { recursive: true }) as string[]).sort()) {
  if (!name.endsWith(".ts")) continue;
  const { command } = await import(new URL(name, FOLDER).href);
  // sim hands all its arguments to a program of its own
  if (command?.run && name !== "sim.ts") commands.push([name.replace(".ts", ""), command]);
}

/** Values as they could come from a typing error or a script: never a path out of the folder. */
const values = fc.oneof(
  fc.constantFrom(...HOSTILE, "5", "0", "0.5", "auto", "http://127.0.0.1:9", "a:b", "2026-01-31"),
  fc.string({ unit: "binary", maxLength: 12 }),
).filter((text) => !/[/~]/.test(text) && !text.startsWith("."));

function argumentsOf(help: string): fc.Arbitrary<string[]> {
  const flags = [...new Set([...help.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag))];
  const flag = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...flags, "--json") },
    { weight: 1, arbitrary: values.map((text) => `--${text}`) },
    { weight: 1, arbitrary: fc.constantFrom("--__proto__.polluted=1", "--", "-x", "--no-json") },
  );
  const part = fc.oneof(
    fc.tuple(flag, values).map((pair) => pair),
    fc.tuple(flag, values).map(([name, value]) => [`${name}=${value}`]),
    flag.map((name) => [name]),
    values.map((value) => [value]),
  );
  return fc.array(part, { maxLength: 6 }).map((parts) => parts.flat());
}

for (const [name, command] of commands) {
  property(`arguments of ${name}`, argumentsOf(command.help.join("\n")), async (argv) => {
    using folder = temporaryFolder();
    mkdirSync(`${folder.path}/work`);
    const back = Deno.cwd();
    const terminal = new Silent();
    // interrupted before it begins: what the arguments are worth is told all the same
    const stopped = AbortSignal.abort(new CancelledError("interrupted"));
    Deno.chdir(`${folder.path}/work`);
    try {
      const code = await orComplaint(async () => {
        try {
          return await command.run(argv, { terminal, signal: stopped });
        } catch (error) {
          if (error instanceof CancelledError) return 130;
          throw error;
        }
      });
      assert(code === null || [0, 1, 2, 3, 4, 130].includes(code), String(code));
    } finally {
      Deno.chdir(back);
    }
    assertEquals(readdirSync(folder.path), ["work"]);
  }, { runs: 10, earlier: [["--", ""], []] });
}

Deno.test("arguments that bite, as a user gives them: one line, exit code 2", async () => {
  const cases = [
    ["run", "--__proto__.polluted=1"],
    ["load", "--constructor.prototype.polluted", "1"],
    ["__proto__"],
    ["toString"],
    ["runs", "constructor"],
    ["batch", "__proto__"],
    ["load", "--rate", "Infinity", "--endpoint", "http://127.0.0.1:9", "--model", "m"],
    ["load", "--stages", `rate=1:${"9".repeat(400)}s`, "--endpoint", "http://127.0.0.1:9"],
  ];
  for (const argv of cases) {
    const { code, stdout, stderr } = await dyno(argv);
    assertEquals([code, stdout], [2, ""], `${argv}: ${stderr}`);
    const lines = stderr.trim().split("\n").filter((line) => !/^(built|warning)/.test(line));
    assertEquals(lines.length, 1, stderr);
    assert(!/bug in dyno/.test(stderr), stderr);
  }
});
