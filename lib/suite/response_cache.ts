/** Caches answers by the request, to try out evaluators without asking again. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../write.ts";
import { itemId } from "../settings/item_id.ts";
import { fields, isObject, isText, orNull } from "../run/forms.ts";
import type { JsonObject } from "../json_fields.ts";
import type { AnsweredTest } from "./execute.ts";

/** What is kept of an answer: the content, but no times. */
interface Kept {
  response_text: string;
  reasoning_text: string | null;
  finish_reason: string | null;
  api_response: JsonObject | null;
  answer: AnsweredTest["answer"];
}

const keptForm = fields<Kept>({
  response_text: isText,
  reasoning_text: orNull(isText),
  finish_reason: orNull(isText),
  api_response: orNull(isObject<JsonObject>),
  answer: (value): value is Kept["answer"] =>
    isObject<JsonObject>(value) && isText(value.response_text),
});

/** A folder of answers; each file's name is the hash of the whole request. */
export class ResponseCache {
  readonly #folder: string;

  /** @throws {InputError} the folder cannot be created. */
  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(folder);
  }

  /** The answer to a request; null when there is none, or it cannot be read. */
  find(request: object): Kept | null {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#path(request), "utf8"));
      return keptForm(value, []) ? value : null;
    } catch {
      return null;
    }
  }

  /**
   * Keeps an answer.
   *
   * @throws {InputError} the file cannot be written, for example because the disk is full.
   */
  keep(request: object, { result, answer }: AnsweredTest): void {
    const { response_text, reasoning_text, finish_reason, api_response } = result;
    const kept: Kept = { response_text, reasoning_text, finish_reason, api_response, answer };
    writeFileAtomic(this.#path(request), JSON.stringify(kept), { sync: false });
  }

  #path(request: object): string {
    return join(this.#folder, `${itemId(request)}.json`);
  }
}
