/** Tags that users give to runs. */
import { parseSealed, sealedFile } from "../seal.ts";
import { InputError, messageOf } from "../errors.ts";
import { runDirectoryAt } from "./directory.ts";
import { inTurn } from "./lock.ts";
import { asObject, type JsonObject, objectAt } from "../json_fields.ts";
import { writeFileAtomic } from "../write.ts";
import { plainText } from "./plain_file.ts";

const TAG = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@=+-]{0,63}$/u;

/**
 * Returns the tags without duplicates.
 *
 * @param where the name of the flag or argument, for errors.
 * @throws {InputError} an invalid tag.
 */
export function checkedTags(tags: readonly string[], where: string): string[] {
  for (const tag of tags) {
    if (TAG.test(tag)) continue;
    throw new InputError(
      `${where}: "${tag}" is not a tag; expected 1 to 64 letters, digits and . _ : / @ = + -, ` +
        "a letter or digit first",
    );
  }
  return [...new Set(tags)];
}

/** Returns the tags in a run's metadata. */
export function tagsOf(metadata: JsonObject | null): string[] {
  const given = metadata?.tags ?? objectAt(metadata, "config")?.tags;
  return Array.isArray(given) ? given.filter((tag) => typeof tag === "string") : [];
}

/**
 * Adds tags to the run at `path` and removes others; returns its tags afterwards.
 *
 * @throws {InputError} its run_metadata.json is missing, damaged or cannot be written.
 */
export function editTags(
  path: string,
  add: readonly string[],
  remove: readonly string[],
): Promise<string[]> {
  const { metadata: file } = runDirectoryAt(path);
  return inTurn(`${file}.lock`, () => edited(file, add, remove));
}

function edited(file: string, add: readonly string[], remove: readonly string[]): string[] {
  let metadata: JsonObject | null;
  try {
    metadata = asObject(parseSealed(plainText(file), file));
  } catch (error) {
    throw new InputError(
      `${file}: cannot be read, so the run cannot be tagged: ${messageOf(error)}`,
    );
  }
  if (metadata === null) throw new InputError(`${file}: is not a JSON object`);
  const before = tagsOf(metadata);
  const tags = [...new Set([...before, ...add])].filter((tag) => !remove.includes(tag));
  if (tags.length !== before.length || tags.some((tag, i) => tag !== before[i])) {
    writeFileAtomic(file, sealedFile({ ...metadata, tags }));
  }
  return tags;
}
