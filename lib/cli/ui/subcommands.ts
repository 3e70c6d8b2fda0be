/** A command that is a group of others, such as dyno runs. */
import { InputError } from "../../errors.ts";
import { didYouMean } from "../../text/nearest.ts";
import type { Command, CommandContext, Commands } from "./command.ts";

/**
 * The command of a group: its help lists the subcommands.
 *
 * @param group the words before the subcommand, such as "dyno runs".
 * @param usage the text after the subcommand's name, such as "[flags]".
 * @param about the help's last lines.
 */
export function commandOfGroup(
  group: string,
  usage: string,
  subcommands: Commands,
  about: readonly string[],
): Command {
  const names = Object.keys(subcommands);
  const width = Math.max(...names.map((name) => name.length));
  const known = (name: string | undefined): name is string =>
    Object.hasOwn(subcommands, name ?? "");
  return {
    help: [
      `${group} COMMAND ${usage}      ${group} COMMAND --help`,
      "",
      ...names.map((name) => `  ${name.padEnd(width)}  ${subcommands[name].summary}`),
      "",
      ...about,
    ],

    subcommands,

    async subcommand([name]) {
      return known(name) ? (await subcommands[name].load()).command : null;
    },

    async run([name, ...rest]: string[], context: CommandContext): Promise<number> {
      if (!known(name)) {
        const wrong = name === undefined
          ? `which one? expected ${names.join(", ")}; see ${group} --help`
          : `"${name}" is not known; expected ${names.join(", ")}${didYouMean(name, names)}`;
        throw new InputError(`${group}: ${wrong}`);
      }
      return await (await subcommands[name].load()).command.run(rest, context);
    },
  };
}
