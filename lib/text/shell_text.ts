/** Formats a command as one text. */

/** A command quoted for a shell. */
export function shellText(command: readonly string[]): string {
  const quoted = (part: string) =>
    /^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`;
  return command.map(quoted).join(" ");
}
