/** Reads the fields of a dataset's row one by one. Fields that were not read are reported. */
import { InputError } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../../json_fields.ts";

/** Larger times are too imprecise to give waits. */
const isTime = (value: number): boolean => Math.abs(value) <= Number.MAX_SAFE_INTEGER;

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** One row. A field counts as known unless it is missing, null or an empty cell. */
export class RowFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: () => string;
  readonly #cells: boolean;
  readonly #read = new Set<string>();

  /**
   * @param where names the row in errors, such as "trace.jsonl:3".
   * @param cells whether values are the cells of a table, which are always text.
   */
  constructor(fields: Readonly<Record<string, unknown>>, where: () => string, cells = false) {
    this.#fields = fields;
    this.#where = where;
    this.#cells = cells;
  }

  /** Returns an error about the row, for the caller to throw. */
  complaint(what: string): InputError {
    return new InputError(`${this.#where()}: ${what}`);
  }

  /** Reads an object in the row. @throws {InputError} it is not an object. */
  within(value: unknown, place: string): RowFields {
    if (isJsonObject(value)) return new RowFields(value, () => `${this.#where()}: ${place}`);
    throw this.complaint(`${place}: ${shown(value)}; expected an object`);
  }

  /**
   * Returns the objects in a list; empty where the field is missing.
   *
   * @throws {InputError} it is something else.
   */
  objects(name: string): RowFields[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.complaint(`${name}: ${shown(value)}; expected a list`);
    return value.map((each, i) => this.within(each, `${name}[${i}]`));
  }

  /** Returns the value as it is; undefined where it is not known. */
  value(name: string): unknown {
    this.#read.add(name);
    if (!Object.hasOwn(this.#fields, name)) return undefined;
    const value = this.#fields[name];
    return value === null || value === "" ? undefined : value;
  }

  /** Returns a value for a request's body. A cell is parsed as JSON if possible. */
  json(name: string): unknown {
    const value = this.value(name);
    if (!this.#cells || typeof value !== "string") return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }

  /** Returns a text, not empty. @throws {InputError} it is something else. */
  text(name: string): string | null {
    const value = this.value(name);
    if (Object.hasOwn(this.#fields, name) && this.#fields[name] === "") {
      throw this.complaint(`${name}: ""; expected a text that is not empty`);
    }
    if (value === undefined) return null;
    if (typeof value === "string") return value;
    throw this.complaint(`${name}: ${shown(value)}; expected a text that is not empty`);
  }

  /**
   * Returns a number of tokens, which a CSV cell may hold as text.
   *
   * @throws {InputError} not a whole number of at least 0.
   */
  count(name: string): number | null {
    const value = this.value(name);
    if (value === undefined) return null;
    const count = typeof value === "string" ? decimal(value) : value;
    if (isCount(count)) return count;
    throw this.complaint(`${name}: ${shown(value)}; expected a whole number of tokens from 0`);
  }

  /** Returns a time in seconds or milliseconds. @throws {InputError} not a number. */
  time(name: string, unit: "seconds" | "milliseconds"): number | null {
    const value = this.value(name);
    if (value === undefined) return null;
    const time = typeof value === "string" ? decimal(value) : value;
    if (typeof time === "number" && isTime(time)) return time;
    throw this.complaint(`${name}: ${shown(value)}; expected a number of ${unit}`);
  }

  /** Returns a name, which may be written as a number. @throws {InputError} it is neither. */
  name(name: string): string | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (typeof value === "string") return value.trim() || null;
    if (typeof value === "number") return String(value);
    throw this.complaint(`${name}: ${shown(value)}; expected a text or a number`);
  }

  /** Returns a list, not empty. @throws {InputError} it is something else. */
  list(name: string): unknown[] | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.length > 0) return value;
    throw this.complaint(`${name}: ${shown(value)}; expected a list that is not empty`);
  }

  /** Returns an object. @throws {InputError} it is something else. */
  object(name: string): JsonObject | null {
    const value = this.json(name);
    if (value === undefined) return null;
    if (isJsonObject(value)) return value;
    throw this.complaint(`${name}: ${shown(value)}; expected an object`);
  }

  /** Returns whole numbers of at least 0. @throws {InputError} it is something else. */
  counts(name: string): number[] | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.every(isCount)) return value;
    throw this.complaint(`${name}: ${shown(value)}; expected a list of whole numbers, at least 0`);
  }

  /** Returns the names of fields that have a value and were not read. */
  unread(): string[] {
    return Object.keys(this.#fields).filter((name) =>
      !this.#read.has(name) && this.#fields[name] !== null && this.#fields[name] !== ""
    );
  }
}

/** Formats a value for an error: as JSON, text in quotes, at most 60 characters. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, each) => typeof each === "bigint" ? Number(each) : each)
    .slice(0, 60);
}

/** Returns the number in a cell; NaN for anything else. */
function decimal(cell: string): number {
  return /^\s*-?\d+(\.\d*)?(e[+-]?\d+)?\s*$/i.test(cell) ? Number(cell) : NaN;
}
