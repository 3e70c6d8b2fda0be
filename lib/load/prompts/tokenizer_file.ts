/** Loads a model's tokenizer from a tokenizer.json, as written by Hugging Face's libraries. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError, messageOf } from "../../errors.ts";
import { asObject } from "../../json_fields.ts";
import { readWhole } from "../../read_whole.ts";
import { OWN_TOKENIZER } from "../../settings/load.ts";
import { noSuchFile } from "../../text/no_such_file.ts";
import { countInParts, loadTokenizer, type TokenCounter } from "./tokenizer.ts";

/**
 * Opens the tokenizer that `--tokenizer` names: `o200k_base`, a tokenizer.json, or a folder with
 * one. It counts the tokens of the text, without tokens that mark its beginning and end.
 *
 * @example
 * ```ts
 * const { count } = await openTokenizer("models/SmolLM2/tokenizer.json");
 * ```
 * @throws {InputError} no such file, not a tokenizer.json, or one with unknown parts.
 */
export async function openTokenizer(path: string): Promise<TokenCounter> {
  if (path === OWN_TOKENIZER) return await loadTokenizer();
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const file = isFolder ? join(path, "tokenizer.json") : path;
  const text = new TextDecoder().decode(await readWhole(file, noSuchFile, "name another"));
  const { Tokenizer } = await import("@huggingface/tokenizers");
  try {
    const tokenizer = new Tokenizer(definitionIn(text), {});
    const countPart = (part: string) =>
      tokenizer.encode(part, { add_special_tokens: false }).ids.length;
    const count = (text: string) => countInParts(text, countPart);
    count("A first text shows what is not known.");
    return { name: file, count };
  } catch (error) {
    // for a file that merely looks like one, the library fails on missing parts
    const why = error instanceof TypeError ? "parts of it are missing" : messageOf(error);
    throw new InputError(
      `--tokenizer: ${file}: ${why}; expected a tokenizer.json of Hugging Face's form, or a folder with ` +
        `one, or ${OWN_TOKENIZER}`,
    );
  }
}

/** @throws {Error} not JSON, or not a tokenizer. */
function definitionIn(text: string): object {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error("is no JSON");
  }
  if (asObject(parsed)?.model === undefined) throw new Error('has no "model"');
  return parsed as object;
}
