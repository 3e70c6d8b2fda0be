/**
 * Scripts that teach shells dyno's commands. A value without fixed words is completed as a file.
 */

export interface CompletedCommand {
  /** The command's words: ["runs", "list"]. */
  words: string[];
  summary: string;
  /** The values of its argument; if empty, a file. */
  arguments: readonly string[];
  flags: CompletedFlag[];
}

export interface CompletedFlag {
  name: string;
  help: string;
  takesValue: boolean;
  /** Fixed words; if empty, a file. */
  values: string[];
}

const pathOf = ({ words }: CompletedCommand) => words.join(" ");
const dashed = ({ name }: CompletedFlag) => `--${name}`;

/** The words that may follow a command's words directly, with their descriptions. */
function wordsAfter(commands: readonly CompletedCommand[], path: string): CompletedCommand[] {
  return commands.filter(({ words }) => words.slice(0, -1).join(" ") === path);
}

function parents(commands: readonly CompletedCommand[]): string[] {
  return ["", ...commands.map(pathOf)].filter((path) => wordsAfter(commands, path).length > 0);
}

/** For bash; does not need its bash-completion package. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const lines = [
    "# bash completion of dyno; made by: dyno completions bash",
    "_dyno() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local path="" words="" values="" word',
    '  [[ $current == "=" ]] && current=""',
    '  [[ $before == "=" ]] && before="${COMP_WORDS[COMP_CWORD-2]}"',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "${path:+$path }$word" in',
    `      ${commands.map((command) => `"${pathOf(command)}"`).join("|")})`,
    '        path="${path:+$path }$word" ;;',
    "      *) break ;;",
    "    esac",
    "  done",
    '  case "$path $before" in',
    ...commands.flatMap((command) =>
      command.flags.filter(({ takesValue }) => takesValue).map((flag) =>
        `    "${pathOf(command)} ${dashed(flag)}") values="${flag.values.join(" ") || "-"}" ;;`
      )
    ),
    "  esac",
    '  if [[ $values == "-" ]]; then',
    '    COMPREPLY=($(compgen -f -- "$current")); compopt -o filenames 2>/dev/null; return',
    "  elif [[ -n $values ]]; then",
    '    COMPREPLY=($(compgen -W "$values" -- "$current")); return',
    "  fi",
    '  case "$path" in',
    ...["", ...commands.map(pathOf)].map((path) => {
      const next = wordsAfter(commands, path).map(({ words }) => words.at(-1)!);
      const command = commands.find((command) => pathOf(command) === path);
      const flags = command?.flags.map(dashed) ?? [];
      const always = path === "" ? ["--help", "--version"] : ["--help"];
      return `    "${path}") words="${
        [...next, ...command?.arguments ?? [], ...flags, ...always].join(" ")
      }" ;;`;
    }),
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "  if [[ -n $path && $current != -* && ${#COMPREPLY[@]} -eq 0 ]]; then",
    '    COMPREPLY=($(compgen -f -- "$current")); compopt -o filenames 2>/dev/null',
    "  fi",
    "}",
    "complete -F _dyno dyno",
  ];
  return lines.join("\n") + "\n";
}

/** Quotes a text with '…' for a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** Escapes a text for the brackets and colons of zsh's own notation. */
const zshText = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");

/** For zsh's completion system, as a file _dyno in a folder of fpath. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const describe = (path: string) =>
    wordsAfter(commands, path).map(({ words, summary }) =>
      quoted(`${words.at(-1)}:${zshText(summary)}`)
    ).join(" ");
  const flagLine = ({ name, help, takesValue, values }: CompletedFlag) => {
    const action = values.length > 0 ? `(${values.join(" ")})` : "_files";
    const value = takesValue ? `:${name}:${action}` : "";
    return quoted(`*--${name}${takesValue ? "=" : ""}[${zshText(help)}]${value}`);
  };
  const lines = [
    "#compdef dyno",
    "# zsh completion of dyno; made by: dyno completions zsh",
    "_dyno() {",
    "  local -a found",
    '  local at=""',
    '  (( CURRENT > 2 )) && at="$words[2]"',
    '  case "$at $words[3]" in',
    ...commands.filter(({ words }) => words.length === 2).map((command) =>
      `    ${quoted(pathOf(command))}) (( CURRENT > 3 )) && at=${quoted(pathOf(command))} ;;`
    ),
    "  esac",
    '  case "$at" in',
    ...parents(commands).map((path) =>
      `    ${quoted(path)}) found=(${describe(path)}); _describe command found; return ;;`
    ),
    ...commands.filter((command) => wordsAfter(commands, pathOf(command)).length === 0).map(
      (command) => {
        const { words, flags } = command;
        const drop = `shift ${words.length} words; (( CURRENT -= ${words.length} ))`;
        const lines = [
          ...flags.map(flagLine),
          quoted("--help[shows help]"),
          quoted(
            command.arguments.length > 0
              ? `1:which:(${command.arguments.join(" ")})`
              : "*:file:_files",
          ),
        ];
        return `    ${quoted(pathOf(command))}) ${drop}; _arguments ${lines.join(" ")} ;;`;
      },
    ),
    "  esac",
    "}",
    'if [[ $funcstack[1] == _dyno ]]; then _dyno "$@"; else compdef _dyno dyno; fi',
  ];
  return lines.join("\n") + "\n";
}

/** For fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const fish = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = [
    "# fish completion of dyno; made by: dyno completions fish",
    "function __dyno_at",
    "  set -l words (commandline -opc)",
    "  set -l last (math (count $argv) + 1)",
    "  test (count $words) -ge $last; or return 1",
    "  if test $last -eq 1",
    "    test (count $words) -eq 1",
    "    return",
    "  end",
    '  test "$words[2..$last]" = "$argv"',
    "end",
    "complete -c dyno -n __dyno_at -f",
    "complete -c dyno -n __dyno_at -l version -d 'shows the version'",
    "complete -c dyno -l help -d 'shows help'",
    ...commands.map(({ words, summary }) => {
      const above = words.slice(0, -1);
      const alone = above.length === 0 ? "__dyno_at" : fish(
        `__dyno_at ${above.join(" ")}; and test (count (commandline -opc)) -eq ${words.length}`,
      );
      return `complete -c dyno -n ${alone} -f -a ${words.at(-1)} -d ${fish(summary)}`;
    }),
    ...commands.filter((command) => command.arguments.length > 0).map((command) => {
      const at = `__dyno_at ${pathOf(command)}; and test (count (commandline -opc)) -eq ${
        command.words.length + 1
      }`;
      return `complete -c dyno -n ${fish(at)} -f -a ${fish(command.arguments.join(" "))}`;
    }),
    ...commands.flatMap((command) =>
      command.flags.map(({ name, help, takesValue, values }) => {
        const value = !takesValue
          ? ""
          : values.length > 0
          ? ` -x -a ${fish(values.join(" "))}`
          : " -r";
        const at = fish(`__dyno_at ${pathOf(command)}`);
        return `complete -c dyno -n ${at} -l ${name}${value} -d ${fish(help)}`;
      })
    ),
  ];
  return lines.join("\n") + "\n";
}
