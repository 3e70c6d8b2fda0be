/** Checks that JSON values have the form of a type, after which they are trusted to be of that type. */
import { isJsonObject, type JsonObject } from "../json_fields.ts";

/**
 * Whether a JSON value has the form of a T. If not, `misfit` receives the path of field names to
 * the value that does not fit.
 */
export type Form<T> = (value: unknown, misfit: string[]) => value is T;

/** A form for each field. */
export type Forms<T> = { [Name in keyof T]-?: Form<T[Name]> };

/** A text. Where T is a union of words, other words are accepted too, as a later dyno may write them. */
export const isText = <T extends string>(value: unknown): value is T => typeof value === "string";
export const isNumber = (value: unknown): value is number => typeof value === "number";
export const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
export const isNull = (value: unknown): value is null => value === null;
export const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isText);
/** A list whose values all have this form. */
export const areAll = <T>(form: Form<T>): Form<T[]> => (value, misfit): value is T[] =>
  Array.isArray(value) && value.every((each) => form(each, misfit));
/** An object whose fields are checked elsewhere, or not used. */
export const isObject = <T>(value: unknown): value is T => isJsonObject(value);

/** Forms that accept null; a missing field is set to null. */
const nullable = new WeakSet<Form<unknown>>();
/** Forms of fields that may be missing. */
const optional = new WeakSet<Form<unknown>>();

/** T or null. A missing field, as in older journals, becomes null. */
export function orNull<T>(form: Form<T>): Form<T | null> {
  const either: Form<T | null> = (value, misfit): value is T | null =>
    value === null || form(value, misfit);
  nullable.add(either);
  return either;
}

/** T, or a missing field. */
export function orMissing<T>(form: Form<T>): Form<T | undefined> {
  const either: Form<T | undefined> = (value, misfit): value is T | undefined =>
    form(value, misfit);
  optional.add(either);
  return either;
}

/** An object with these fields, and possibly others. */
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
