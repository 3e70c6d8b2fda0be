/** What JSON must be like to stand for a type: read once, then taken for what the type says. */
import { isJsonObject, type JsonObject } from "../json_fields.ts";

/**
 * Whether a value, as it came from JSON, may stand for a T. Where not, `misfit` is given the names
 * that lead to what does not fit.
 */
export type Form<T> = (value: unknown, misfit: string[]) => value is T;

/** A form for each field. */
export type Forms<T> = { [Name in keyof T]-?: Form<T[Name]> };

/** A text; a word of a later dyno, where T is a choice of words, is passed on. */
export const isText = <T extends string>(value: unknown): value is T => typeof value === "string";
export const isNumber = (value: unknown): value is number => typeof value === "number";
export const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
export const isNull = (value: unknown): value is null => value === null;
export const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isText);
/** A list whose values all have a form. */
export const areAll = <T>(form: Form<T>): Form<T[]> => (value, misfit): value is T[] =>
  Array.isArray(value) && value.every((each) => form(each, misfit));
/** An object that its reader checks itself, or only passes on. */
export const isObject = <T>(value: unknown): value is T => isJsonObject(value);

/** Forms that hold for null; what is missing is put in as null. */
const nullable = new WeakSet<Form<unknown>>();
/** Forms that hold for what is missing. */
const optional = new WeakSet<Form<unknown>>();

/** T, or null: so is what is missing, as in older journals. */
export function orNull<T>(form: Form<T>): Form<T | null> {
  const either: Form<T | null> = (value, misfit): value is T | null =>
    value === null || form(value, misfit);
  nullable.add(either);
  return either;
}

/** T, or missing. */
export function orMissing<T>(form: Form<T>): Form<T | undefined> {
  const either: Form<T | undefined> = (value, misfit): value is T | undefined =>
    form(value, misfit);
  optional.add(either);
  return either;
}

/** An object with these fields; it may have others. */
export function fields<T>(forms: Forms<T>): Form<T> {
  const list = Object.entries<Form<unknown>>(forms);
  return (value, misfit): value is T => {
    if (!isObject<JsonObject>(value)) return false;
    for (const [name, form] of list) {
      const field = value[name];
      if (field === undefined && optional.has(form)) continue;
      if (field === undefined && nullable.has(form)) value[name] = null;
      else if (!form(field, misfit)) {
        misfit.unshift(name);
        return false;
      }
    }
    return true;
  };
}
