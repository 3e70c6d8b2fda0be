/** A command as one text. */

/** A command as a shell takes it. */
export function shellText(command: readonly string[]): string {
  const quoted = (part: string) =>
    /^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`;
  return command.map(quoted).join(" ");
}
