/** Completion scripts, asked in the shells themselves. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { commands } from "../../../lib/cli/main.ts";
import { nameOf } from "../../../lib/cli/ui/flags.ts";
import type { Commands } from "../../../lib/cli/ui/command.ts";
import { dyno, dynoEach } from "../../e2e/dyno.ts";

const SHELLS = ["bash", "fish", "zsh"];
let printed: ReturnType<typeof dynoEach> | null = null;

async function scriptFor(shell: string): Promise<string> {
  printed ??= dynoEach(SHELLS.map((name) => ["completions", name]), { cwd: "." });
  const { code, stdout, stderr } = (await printed)[SHELLS.indexOf(shell)];
  assertEquals(code, 0, stderr);
  return stdout;
}

async function said(shell: string, args: string[]): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(shell, { args }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, decode(stderr));
  assertEquals(decode(stderr), "");
  return decode(stdout).split("\n").filter(Boolean);
}

function has(shell: string): boolean {
  try {
    return new Deno.Command(shell, { args: ["-c", "exit 0"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** What is asked of every shell: the words so far, what must be offered, what must not. */
const QUESTIONS: [words: string[], offered: string[], not: string[]][] = [
  [["sw"], ["sweep"], ["runs"]],
  [["runs", "co"], ["compare", "cost"], ["collect"]],
  [["runs", "list", "--mo"], ["--model", "--mode"], ["--limit"]],
  [["load", "--conc"], ["--concurrency"], []],
  [["run", "--mode", ""], ["zero-shot", "iterative", "comparative"], []],
  [["run", "--sandbox", "b"], ["bubblewrap"], ["none"]],
  [["completions", ""], ["bash", "zsh", "fish"], ["run"]],
  [["schema", "lo"], ["load", "load-results"], ["suite"]],
];

async function ask(complete: (words: string[]) => Promise<string[]>): Promise<void> {
  for (const [words, offered, not] of QUESTIONS) {
    const found = await complete(words);
    for (const word of offered) assert(found.includes(word), `${words}: ${word} in ${found}`);
    for (const word of not) assert(!found.includes(word), `${words}: ${word} in ${found}`);
  }
}

Deno.test({
  name: "bash completes commands, subcommands, flags and their values",
  ignore: !has("bash"),
  fn: async () => {
    const script = await scriptFor("bash");
    const complete = (words: string[]) => {
      const quoted = ["dyno", ...words].map((word) => `'${word}'`).join(" ");
      const program = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _dyno; ` +
        'printf "%s\\n" "${COMPREPLY[@]}"';
      return said("bash", ["--norc", "-c", program]);
    };
    await ask(complete);
    assertEquals(await complete(["run", "--mode", "=", "iter"]), ["iterative"]);
    assert((await complete(["run", "--prices", "/etc/host"])).includes("/etc/hosts"), "files");
    assert((await complete(["run", "/etc/host"])).includes("/etc/hosts"), "files");
  },
});

Deno.test({
  name: "fish completes commands, subcommands, flags and their values",
  ignore: !has("fish"),
  fn: async () => {
    const script = await scriptFor("fish");
    await ask(async (words) => {
      const line = ["dyno", ...words].join(" ");
      const lines = await said("fish", ["-N", "-c", `${script}\ncomplete -C '${line}'`]);
      return lines.map((line) => line.split("\t")[0]);
    });
  },
});

Deno.test({
  name: "zsh is told of commands, subcommands, flags and their values",
  ignore: !has("zsh"),
  fn: async () => {
    const script = await scriptFor("zsh");
    const told = async (words: string[]) => {
      const quoted = ["dyno", ...words].map((word) => `'${word}'`).join(" ");
      const stubs = "compdef() {}; _files() {}\n_describe() { print -l -- $found }\n" +
        '_arguments() { print -l -- "$@" }\n';
      const place = `words=(${quoted}); CURRENT=${words.length + 1}; _dyno`;
      return (await said("zsh", ["-f", "-c", `${stubs}${script}\n${place}`])).join("\n");
    };
    assertMatch(await told([""]), /^sweep:a program/m);
    assertMatch(await told(["runs", ""]), /^compare:the differences/m);
    const flags = await told(["runs", "list", "--m"]);
    assertMatch(flags, /^\*--model=\[.*\]:model:_files$/m);
    assertMatch(
      await told(["run", "--"]),
      /--mode=\[.*\]:mode:\(zero-shot iterative comparative\)/,
    );
  },
});

Deno.test("every command tells completion the flags that its help shows", async () => {
  const look = async (some: Commands, above: string): Promise<void> => {
    for (const [name, { load }] of Object.entries(some)) {
      const { command: { help, flags, subcommands } } = await load();
      const shown = help.flatMap((line) => /^ {2}--([a-z-]+)/.exec(line)?.slice(1) ?? []);
      const names = Object.entries(flags ?? {}).map(([key, flag]) => nameOf(key, flag));
      assertEquals(names, shown, `flags of dyno${above} ${name}`);
      await look(subcommands ?? {}, `${above} ${name}`);
    }
  };
  await look(commands, "");
});

Deno.test("another shell is told what there is", async () => {
  const { code, stderr } = await dyno(["completions", "tcsh"]);
  assertEquals(code, 2);
  assertMatch(stderr, /"tcsh" is not one of bash, zsh, fish/);
});
