/** Any JSON endpoint, with a template that says how to ask and how to read answers. */
import { InputError } from "../../errors.ts";
import { asObject, type JsonObject } from "../../json_fields.ts";
import { countIn } from "../json.ts";
import { Said } from "../said.ts";
import { type ApiForm, type RequestTarget, withoutLimit } from "./form.ts";
import type { ReadPaths, RequestTemplate, TemplatePlace } from "../../settings/request_template.ts";
import type { Question } from "../question.ts";

/** A form of API that a template defines; no path leads to it. */
export function templateForm({ body, answer, event }: RequestTemplate): ApiForm {
  return {
    path: /(?!)/,
    says: "text",
    converses: false,
    whole_only: event === undefined,
    request: (question, target) => {
      const others = withoutLimit(question.parameters);
      if (question.payload !== undefined) {
        const { model } = question;
        return { ...question.payload, ...others, ...(model === undefined ? {} : { model }) };
      }
      if (body === undefined) {
        throw new InputError(
          '--request-template: it has no "body": expected one, or rows with a "payload"',
        );
      }
      return { ...asObject(filled(body, places(question, target))), ...others };
    },
    open_end: event?.finish_reason === undefined,
    event: (json) => saidAt(json, event ?? answer, true),
    body: (json) => saidAt(json, answer, false),
    list: "text where the template says",
    kept: (raw, json) => ({ ...raw, ...json }),
    whole: (raw) => raw,
  };
}

type Places = Record<TemplatePlace, () => unknown>;

function places({ prompt, messages, parameters = {} }: Question, target: RequestTarget): Places {
  return {
    prompt: () => prompt ?? onlyText(messages ?? []),
    messages: () => messages ?? [{ role: "user", content: prompt }],
    model: () => target.model,
    max_tokens: () => parameters.max_tokens,
    stream: () => target.stream,
  };
}

/** The text of a question's only message. */
function onlyText(messages: readonly unknown[]): string {
  const content = asObject(messages[0])?.content;
  if (messages.length === 1 && typeof content === "string") return content;
  throw new InputError(
    "--request-template: {{prompt}} is one text, and this question has messages: use {{messages}}",
  );
}

/** Fills the placeholders in a value; a field whose placeholder is unknown is left out. */
function filled(value: unknown, known: Places): unknown {
  if (typeof value === "string") {
    const [, whole] = /^\{\{\s*(\w+)\s*\}\}$/.exec(value) ?? [];
    if (whole !== undefined) return known[whole as TemplatePlace]();
    return value.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: TemplatePlace) => {
      const found = known[name]() ?? "";
      return typeof found === "string" ? found : JSON.stringify(found);
    });
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, known));
  const object = asObject(value);
  if (object === null) return value;
  const fields = Object.entries(object).map(([name, each]) => [name, filled(each, known)]);
  return Object.fromEntries(fields.filter(([, each]) => each !== undefined));
}

function saidAt(json: JsonObject, paths: ReadPaths, streamed: boolean): Said {
  const said = new Said();
  const texts = (path: string | undefined) =>
    path === undefined ? [] : valuesAt(json, path).filter((value) => typeof value === "string");
  const count = (path: string | undefined) =>
    path === undefined ? null : countIn(valuesAt(json, path)[0]);
  const text = texts(paths.text ?? paths.text_so_far);
  said.add("text", text.join(""));
  said.is_so_far = streamed && paths.text_so_far !== undefined;
  said.add("reasoning", texts(paths.reasoning).join(""));
  // without a path to a text, any answer counts
  const untold = paths.text === undefined && paths.text_so_far === undefined;
  said.is_answer = untold && !streamed;
  said.has_choice = untold || text.length > 0;
  const prompt_tokens = count(paths.prompt_tokens);
  const completion_tokens = count(paths.completion_tokens);
  const cached_tokens = count(paths.cached_tokens);
  if (prompt_tokens !== null || completion_tokens !== null) {
    const details = cached_tokens === null ? {} : { cached_tokens };
    said.addUsage({ prompt_tokens, completion_tokens, details });
  }
  const reason = paths.finish_reason === undefined ? [] : valuesAt(json, paths.finish_reason);
  const named = typeof reason[0] === "string" ? reason[0] : JSON.stringify(reason[0]);
  if (reason.length > 0) said.finish(named);
  return said;
}

/**
 * The values at a path, in a part of JSONPath (RFC 9535): names after dots or in brackets, indexes (from
 * the end when negative) and `[*]` for all. The `$` of the root may be left out.
 *
 * @example
 * ```ts
 * valuesAt({ outputs: [{ data: ["a", "b"] }] }, "outputs[0].data[*]"); // ["a", "b"]
 * ```
 */
export function valuesAt(json: unknown, path: string): unknown[] {
  let found: unknown[] = [json];
  for (const [, name, index, quoted] of path.replace(/^\$/, "").matchAll(STEP)) {
    found = found.flatMap((value) => {
      if (index === "*") return Array.isArray(value) ? value : Object.values(asObject(value) ?? {});
      if (index !== undefined) return Array.isArray(value) ? present(value.at(Number(index))) : [];
      const key = name ?? quoted.slice(1, -1);
      const object = asObject(value);
      return object !== null && Object.hasOwn(object, key) ? present(object[key]) : [];
    });
  }
  return found;
}

const STEP = /\.?([\w-]+)|\[(?:(-?\d+|\*)|('[^']*'|"[^"]*"))\]/g;

function present(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : [value];
}
