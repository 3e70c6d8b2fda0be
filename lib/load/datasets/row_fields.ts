/** The fields of a row of a dataset, read one by one: what nobody read is reported. */
import { InputError } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../../json_fields.ts";

/** Times beyond have no distance between them that could be waited for. */
const isTime = (value: number): boolean => Math.abs(value) <= Number.MAX_SAFE_INTEGER;

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** One row. A field is known where it is there and neither null nor an empty cell. */
export class RowFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: () => string;
  readonly #cells: boolean;
  readonly #read = new Set<string>();

  /**
   * @param where names the row in complaints, such as "trace.jsonl:3".
   * @param cells values are texts of a table, whatever they mean.
   */
  constructor(fields: Readonly<Record<string, unknown>>, where: () => string, cells = false) {
    this.#fields = fields;
    this.#where = where;
    this.#cells = cells;
  }

  /** What is wrong with the row, to be thrown. */
  complaint(what: string): InputError {
    return new InputError(`${this.#where()}: ${what}`);
  }

  /** The fields of an object within the row. @throws {InputError} something else. */
  within(value: unknown, place: string): RowFields {
    if (isJsonObject(value)) return new RowFields(value, () => `${this.#where()}: ${place}`);
    throw this.complaint(`${place}: ${shown(value)}; expected an object`);
  }

  /** The objects of a list; empty where it is not there. @throws {InputError} something else. */
  objects(name: string): RowFields[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.complaint(`${name}: ${shown(value)}; expected a list`);
    return value.map((each, i) => this.within(each, `${name}[${i}]`));
  }

  /** The value as it stands; undefined where it is not known. */
  value(name: string): unknown {
    this.#read.add(name);
    if (!Object.hasOwn(this.#fields, name)) return undefined;
    const value = this.#fields[name];
    return value === null || value === "" ? undefined : value;
  }

  /** The value that a field of a request's body has: of a cell what its text is as JSON, if it is any. */
  json(name: string): unknown {
    const value = this.value(name);
    if (!this.#cells || typeof value !== "string") return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }

  /** A text that is not empty. @throws {InputError} something else. */
  text(name: string): string | null {
    const value = this.value(name);
    if (Object.hasOwn(this.#fields, name) && this.#fields[name] === "") {
      throw this.complaint(`${name}: ""; expected a text that is not empty`);
    }
    if (value === undefined) return null;
    if (typeof value === "string") return value;
    throw this.complaint(`${name}: ${shown(value)}; expected a text that is not empty`);
  }

  /** A number of tokens; a cell of CSV may hold it as text. @throws {InputError} not a whole number of at least 0. */
  count(name: string): number | null {
    const value = this.value(name);
    if (value === undefined) return null;
    const count = typeof value === "string" ? decimal(value) : value;
    if (isCount(count)) return count;
    throw this.complaint(`${name}: ${shown(value)}; expected a whole number of tokens from 0`);
  }

  /** A time, as a number of seconds or milliseconds. @throws {InputError} no number. */
  time(name: string, unit: "seconds" | "milliseconds"): number | null {
    const value = this.value(name);
    if (value === undefined) return null;
    const time = typeof value === "string" ? decimal(value) : value;
    if (typeof time === "number" && isTime(time)) return time;
    throw this.complaint(`${name}: ${shown(value)}; expected a number of ${unit}`);
  }

  /** A name that may be written as a number. @throws {InputError} neither. */
  name(name: string): string | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (typeof value === "string") return value.trim() || null;
    if (typeof value === "number") return String(value);
    throw this.complaint(`${name}: ${shown(value)}; expected a text or a number`);
  }

  /** A list that is not empty. @throws {InputError} something else. */
  list(name: string): unknown[] | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.length > 0) return value;
    throw this.complaint(`${name}: ${shown(value)}; expected a list that is not empty`);
  }

  /** An object. @throws {InputError} something else. */
  object(name: string): JsonObject | null {
    const value = this.json(name);
    if (value === undefined) return null;
    if (isJsonObject(value)) return value;
    throw this.complaint(`${name}: ${shown(value)}; expected an object`);
  }

  /** Whole numbers, at least 0. @throws {InputError} something else. */
  counts(name: string): number[] | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.every(isCount)) return value;
    throw this.complaint(`${name}: ${shown(value)}; expected a list of whole numbers, at least 0`);
  }

  /** Fields with a value that nobody read. */
  unread(): string[] {
    return Object.keys(this.#fields).filter((name) =>
      !this.#read.has(name) && this.#fields[name] !== null && this.#fields[name] !== ""
    );
  }
}

/** A value in a complaint: as JSON, a text in quotes, at most 60 characters. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, each) => typeof each === "bigint" ? Number(each) : each)
    .slice(0, 60);
}

/** The number that a cell holds; NaN for anything else. */
function decimal(cell: string): number {
  return /^\s*-?\d+(\.\d*)?(e[+-]?\d+)?\s*$/i.test(cell) ? Number(cell) : NaN;
}
