/** Request templates: how to ask any JSON endpoint, and where to find the parts of its answers. */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { InputError, messageOf } from "../errors.ts";
import { refuseOdd } from "../read_whole.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { didYouMean } from "../text/nearest.ts";
import { checkJson, type JsonFile, parseJson, positionOf, showPath } from "./json_file.ts";
import { about, fileForms, nonEmpty, schemaField } from "./setting.ts";

/** The setting that names a template's file. */
export const requestTemplate = nonEmpty.optional().register(about, {
  help: "a JSON file that describes an API dyno does not know (dyno schema request-template)",
  placeholder: "FILE",
});

/** The names allowed between double braces in a template's body. */
const PLACES = ["prompt", "messages", "model", "max_tokens", "stream"] as const;
/** One of these names. */
export type TemplatePlace = typeof PLACES[number];

/** A path into JSON: names after dots or in brackets, numbers and stars in brackets. */
const path = z.string().regex(
  /^\$?(\.?[\w-]+|\[(-?\d+|\*|'[^']*'|"[^"]*")\])(\.[\w-]+|\[(-?\d+|\*|'[^']*'|"[^"]*")\])*$/,
  'expected a path into JSON, such as choices[0].text or $["outputs"][0].data[*]',
);

/** Paths to the parts of an answer's, or an event's, JSON. */
export interface ReadPaths {
  /** The text; in an event, its new part. */
  text?: string | undefined;
  /** Used instead of `text` when events repeat the text from its beginning. */
  text_so_far?: string | undefined;
  /** Reasoning that is separate from the text. */
  reasoning?: string | undefined;
  /** Why the answer ended; an event with a value here is the last. */
  finish_reason?: string | undefined;
  /** Tokens of the prompt. */
  prompt_tokens?: string | undefined;
  /** Tokens of the prompt that were read from a cache. */
  cached_tokens?: string | undefined;
  /** Tokens of the answer. */
  completion_tokens?: string | undefined;
}

const at = (what: string) => path.optional().describe(what);

const readPathsSchema: z.ZodType<ReadPaths> = z.strictObject({
  text: at("the text; in an event, its new part"),
  text_so_far: at("instead: the text from its beginning, where events repeat it"),
  reasoning: at("reasoning, where it is separate from the text"),
  finish_reason: at("why the answer ended; an event that has one is the last"),
  prompt_tokens: at("tokens of the prompt"),
  cached_tokens: at("prompt tokens that came from a cache"),
  completion_tokens: at("tokens of the answer"),
}).refine(
  ({ text, text_so_far }) => text === undefined || text_so_far === undefined,
  'expected "text" or "text_so_far", not both',
);

/** A request template's file. */
export const requestTemplateSchema = z.strictObject({
  $schema: schemaField,
  /** The body, with placeholders in double braces; when left out, rows of a dataset are the bodies. */
  body: z.record(z.string(), z.unknown()).optional().describe(
    `the body, with {{${
      PLACES.join("}}, {{")
    }}} in its texts; left out: rows with a payload are bodies`,
  ),
  /** Paths in an answer that is not streamed. */
  answer: readPathsSchema.describe("where to find each value in an answer that is not streamed"),
  /** Paths in an event of a stream; when left out, the endpoint does not stream. */
  event: readPathsSchema.optional().describe("where to find each value in an event of a stream"),
}).register(fileForms, { name: "request-template", title: "a request template of dyno load" });

/** How to ask any JSON endpoint and read its answers. */
export interface RequestTemplate {
  /** The body, with placeholders in double braces; when left out, rows of a dataset are the bodies. */
  body?: Record<string, unknown> | undefined;
  /** Paths in an answer that is not streamed. */
  answer: ReadPaths;
  /** Paths in an event of a stream; when left out, the endpoint does not stream. */
  event?: ReadPaths | undefined;
}

/** Checks the placeholders. @throws {InputError} the body has an unknown one. */
function checkPlaces(file: JsonFile, part: unknown, path: (string | number)[]): void {
  if (typeof part === "object" && part !== null) {
    for (const [key, each] of Object.entries(part)) {
      checkPlaces(file, each, [...path, Array.isArray(part) ? Number(key) : key]);
    }
  }
  if (typeof part !== "string") return;
  for (const [, name] of part.matchAll(/\{\{\s*(\w*)\s*\}\}/g)) {
    if ((PLACES as readonly string[]).includes(name)) continue;
    throw new InputError(
      `${file.path}:${positionOf(file, path)}: ${
        showPath(path)
      }: {{${name}}} is not a place; expected {{${PLACES.join("}}, {{")}}}${
        didYouMean(name, PLACES)
      }`,
    );
  }
}

/**
 * Reads a template.
 *
 * @throws {InputError} with line and column: malformed JSON, an unknown field, an invalid path or an
 * unknown placeholder.
 */
export function readRequestTemplate(path: string): RequestTemplate {
  let file: JsonFile;
  try {
    refuseOdd(path, statSync(path));
    file = parseJson(path, readFileSync(path, "utf8"));
  } catch (error) {
    const missing = (error as { code?: string }).code === "ENOENT";
    throw new InputError(`--request-template: ${missing ? noSuchFile(path) : messageOf(error)}`);
  }
  const { $schema: _, ...template } = checkJson(file, requestTemplateSchema);
  checkPlaces(file, template.body, ["body"]);
  return template;
}
