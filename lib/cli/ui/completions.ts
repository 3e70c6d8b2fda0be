/** dyno completions: prints a script for the shell, made from the commands' own flags. */
import { InputError } from "../../errors.ts";
import { bashScript, type CompletedCommand, fishScript, zshScript } from "./completion_scripts.ts";
import { EXIT } from "./command.ts";
import { nameOf } from "./flags.ts";
import type { Command, CommandContext, Commands } from "./command.ts";

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript };

export const command: Command = {
  words: Object.keys(shells),
  help: [
    "dyno completions bash|zsh|fish",
    "",
    "Prints a script that completes commands, flags and their values. The name that it completes is dyno:",
    "a compiled binary on PATH, or one that npm or `deno install -g` has put there.",
    "",
    `  bash  dyno completions bash > ~/.local/share/bash-completion/completions/dyno`,
    `  zsh   dyno completions zsh > "\${fpath[1]}/_dyno"`,
    `  fish  dyno completions fish > ~/.config/fish/completions/dyno.fish`,
  ],

  async run([shell, ...more]: string[], { terminal }: CommandContext): Promise<number> {
    if (!Object.hasOwn(shells, shell ?? "") || more.length > 0) {
      const given = [shell, ...more].filter((word) => word !== undefined).join(" ");
      throw new InputError(
        shell === undefined
          ? "dyno completions: which shell? expected bash, zsh or fish; see dyno completions --help"
          : `dyno completions: "${given}" is not one of bash, zsh, fish`,
      );
    }
    const { commands } = await import("../main.ts"); // which lists this file
    terminal.print(shells[shell as keyof typeof shells](await completed(commands)).trimEnd());
    return EXIT.good;
  },
};

/** All commands and subcommands, with their completions. */
async function completed(
  commands: Commands,
  above: readonly string[] = [],
): Promise<CompletedCommand[]> {
  const found: CompletedCommand[] = [];
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const { command: { flags = {}, subcommands = {}, words: own = [] } } = await load();
    const words = [...above, name];
    found.push({
      words,
      summary,
      arguments: own,
      flags: Object.entries(flags).map(([key, flag]) => ({
        name: nameOf(key, flag),
        help: flag.help,
        takesValue: flag.kind !== "switch",
        values: choicesIn(flag.placeholder),
      })),
    });
    found.push(...await completed(subcommands, words));
  }
  return found;
}

/** The fixed words among a flag's values: the parts of `a|b|c` that are not placeholders. */
function choicesIn(placeholder: string): string[] {
  if (!placeholder.includes("|")) return [];
  return placeholder.split("|").filter((word) => /^[a-z0-9-]+$/.test(word));
}
