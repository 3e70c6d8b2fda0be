/** Request templates: how any JSON endpoint is asked, and where its answers have what. */
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
  help:
    "how an endpoint of another form is asked and read: a JSON file (dyno schema request-template)",
  placeholder: "FILE",
});

/** What stands between double braces in a template's body. */
const PLACES = ["prompt", "messages", "model", "max_tokens", "stream"] as const;
/** One of them. */
export type TemplatePlace = typeof PLACES[number];

/** A path into JSON: names after dots or in brackets, numbers and stars in brackets. */
const path = z.string().regex(
  /^\$?(\.?[\w-]+|\[(-?\d+|\*|'[^']*'|"[^"]*")\])(\.[\w-]+|\[(-?\d+|\*|'[^']*'|"[^"]*")\])*$/,
  'expected a path into JSON, such as choices[0].text or $["outputs"][0].data[*]',
);

/** Where an answer, or an event, has what: paths into its JSON. */
export interface ReadPaths {
  /** The text, or of an event its new part. */
  text?: string | undefined;
  /** Instead: the text from its beginning, where events repeat it. */
  text_so_far?: string | undefined;
  /** Reasoning, where it stands apart from the text. */
  reasoning?: string | undefined;
  /** Why the answer ended; an event that has one is the last. */
  finish_reason?: string | undefined;
  /** Tokens of the prompt. */
  prompt_tokens?: string | undefined;
  /** Of the prompt's tokens those that a cache had. */
  cached_tokens?: string | undefined;
  /** Tokens of the answer. */
  completion_tokens?: string | undefined;
}

const at = (what: string) => path.optional().describe(what);

const readPathsSchema: z.ZodType<ReadPaths> = z.strictObject({
  text: at("the text; of an event its new part"),
  text_so_far: at("instead: the text from its beginning, where events repeat it"),
  reasoning: at("reasoning, where it stands apart from the text"),
  finish_reason: at("why the answer ended; an event that has one is the last"),
  prompt_tokens: at("tokens of the prompt"),
  cached_tokens: at("of the prompt's tokens those that a cache had"),
  completion_tokens: at("tokens of the answer"),
}).refine(
  ({ text, text_so_far }) => text === undefined || text_so_far === undefined,
  'expected "text" or "text_so_far", not both',
);

/** A request template's file. */
export const requestTemplateSchema = z.strictObject({
  $schema: schemaField,
  /** The body, with places in double braces; left out: rows of a dataset are bodies themselves. */
  body: z.record(z.string(), z.unknown()).optional().describe(
    `the body, with {{${
      PLACES.join("}}, {{")
    }}} in its texts; left out: rows with a payload are bodies`,
  ),
  /** Where an answer that is not streamed has what. */
  answer: readPathsSchema.describe("where an answer that is not streamed has what"),
  /** Where an event of a stream has what; left out: the endpoint does not stream. */
  event: readPathsSchema.optional().describe("where an event of a stream has what"),
}).register(fileForms, { name: "request-template", title: "a request template of dyno load" });

/** How any JSON endpoint is asked and read. */
export interface RequestTemplate {
  /** With places in double braces; left out: rows of a dataset are bodies themselves. */
  body?: Record<string, unknown> | undefined;
  /** Where an answer that is not streamed has what. */
  answer: ReadPaths;
  /** Where an event of a stream has what; left out: the endpoint does not stream. */
  event?: ReadPaths | undefined;
}

/** @throws {InputError} a text in the body names a place that is none. */
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
 * @throws {InputError} with line and column: JSON, an unknown field, a path or a place that is none.
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
