/** dyno runs tag: adds tags to runs and removes them. */
import { InputError } from "../../errors.ts";
import { checkedTags, editTags } from "../../run/tags.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { chosenRuns, filterFlags, filterOf, folderOf, jsonFlag, withRuns } from "./query.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = { ...filterFlags, ...jsonFlag };

export const command: Command = {
  flags,
  help: [
    "dyno runs tag RUN … [+TAG …] [-TAG …] [flags]",
    "",
    "Adds tags to runs and removes others; without any, shows the tags they have. Instead of runs, give a",
    "filter. dyno run and dyno load take --tag; list and every other query filter by tag.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs tag latest +baseline -candidate",
    "  dyno runs tag --until 90d +old",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    // removed before parsing, as -TAG looks like a flag
    const edits = argv.filter((word) => /^(\+|-[^-])/.test(word));
    const { values, positional } = parseFlags(flags, argv.filter((word) => !edits.includes(word)));
    const [add, remove] = ["+", "-"].map((sign) => {
      const words = edits.filter((word) => word.startsWith(sign));
      return checkedTags(words.map((word) => word.slice(1)), `${sign}TAG`);
    });
    const both = add.find((tag) => remove.includes(tag));
    if (both !== undefined) throw new InputError(`+${both} and -${both}: only one of them`);
    const filter = filterOf(values);
    if (positional.length === 0 && Object.values(filter).every((value) => value === undefined)) {
      throw new InputError("dyno runs tag takes runs or a filter, such as --model gpt-4o");
    }
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const runs = await chosenRuns(index, positional, filter);
      const tagged: { run_id: string; tags: string[] }[] = [];
      for (const { run_id, path, tags } of runs) {
        tagged.push({ run_id, tags: edits.length ? await editTags(path, add, remove) : tags });
      }
      if (edits.length) await index.read(tagged.map(({ run_id }) => run_id));
      if (values.json) terminal.json(tagged);
      else {
        tagged.forEach(({ run_id, tags }) => terminal.out(`${run_id}  ${tags.join(" ") || "–"}`));
      }
      return EXIT.good;
    });
  },
};
