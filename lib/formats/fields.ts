/** Reads the fields of a foreign object; each error message names the file and the field. */
import { InputError } from "../errors.ts";
import { keep, KEEP_ALL, type KeepLimits } from "./keep.ts";
import { unixSecondsOf } from "./times.ts";
import { isJsonObject } from "../json_fields.ts";

/** Python writes these in place of a missing number. */
const NOT_A_NUMBER = /^[+-]?(nan|inf|infinity|none|null|n\/a)?$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Larger than any time in nanoseconds; sums and products of smaller numbers stay finite. */
export const LARGEST = 1e20;
/** The year 5138: larger numbers are not in seconds. */
const LATEST_S = 1e11;

/** In CSV files every value is text. */
export type Notation = "json" | "csv";

/**
 * An object of a foreign file. It remembers which fields were read, so that {@linkcode Fields.rest}
 * can return the others. A missing field, null and NaN all mean unknown: null.
 */
export class Fields {
  readonly file: string;
  readonly #where: string;
  readonly #notation: Notation;
  readonly #value: Record<string, unknown>;
  readonly #read = new Set<string>();
  readonly #children = new Map<string, Fields>();

  /** @throws {InputError} the value is not an object. */
  constructor(file: string, value: unknown, where = "", notation: Notation = "json") {
    if (!isJsonObject(value)) {
      const what = where === "" ? "the file holds" : `${where}: is`;
      throw new InputError(`${file}: ${what} ${kindOf(value)}, expected an object`);
    }
    this.file = file;
    this.#where = where;
    this.#notation = notation;
    this.#value = value;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#value, key) && this.#value[key] !== null;
  }

  /** The unchanged value; null if there is none. */
  raw(key: string): unknown {
    this.#read.add(key);
    return this.peek(key);
  }

  /** The value, without marking it as read. */
  peek(key: string): unknown {
    return Object.hasOwn(this.#value, key) ? this.#value[key] ?? null : null;
  }

  /** Marks fields that are derived from others as read, so that they are not kept. */
  skip(...keys: string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  textOrNull(key: string): string | null {
    const value = this.raw(key);
    if (typeof value === "string") return value;
    if (value === null) return null;
    throw this.wrong(key, value, "text");
  }

  text(key: string): string {
    return this.textOrNull(key) ?? this.#missing(key);
  }

  /** Text, or a number or boolean as text. */
  label(key: string): string {
    return this.labelOrNull(key) ?? this.#missing(key);
  }

  labelOrNull(key: string): string | null {
    const value = this.raw(key);
    if (value === null) return null;
    if (typeof value === "object") throw this.wrong(key, value, "text or a number");
    return String(value);
  }

  numberOrNull(key: string): number | null {
    const value = this.raw(key);
    if (value === null) return null;
    if (typeof value === "string") {
      if (NOT_A_NUMBER.test(value.trim())) return null;
      if (this.#notation === "csv" && NUMBER.test(value.trim())) {
        return this.#finite(key, Number(value));
      }
    }
    if (typeof value !== "number") throw this.wrong(key, value, "a number");
    return this.#finite(key, value);
  }

  number(key: string): number {
    return this.numberOrNull(key) ?? this.#missing(key);
  }

  /** A number that is not negative. */
  amountOrNull(key: string): number | null {
    const value = this.numberOrNull(key);
    if (value !== null && value < 0) throw this.wrong(key, value, "a number, at least 0");
    return value;
  }

  /** A whole number, at least 0. */
  countOrNull(key: string): number | null {
    const value = this.numberOrNull(key);
    if (value === null) return null;
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw this.wrong(key, value, "a whole number, at least 0");
  }

  flagOrNull(key: string): boolean | null {
    const value = this.raw(key);
    if (typeof value === "boolean" || value === null) return value;
    if (this.#notation === "csv" && typeof value === "string") {
      if (/^(true|1|1\.0)$/i.test(value)) return true;
      if (/^(false|0|0\.0)$/i.test(value)) return false;
      if (value === "") return null;
    }
    throw this.wrong(key, value, "true or false");
  }

  flag(key: string): boolean {
    return this.flagOrNull(key) ?? this.#missing(key);
  }

  /** A time as Unix seconds: ISO 8601 (UTC if it names no zone), or seconds as a number. */
  timeOrNull(key: string): number | null {
    const value = this.raw(key);
    if (typeof value !== "string" || NUMBER.test(value)) {
      const seconds = this.amountOrNull(key);
      if (seconds === null || seconds < LATEST_S) return seconds;
      throw this.wrong(key, value, "a time in seconds");
    }
    if (value === "") return null;
    const seconds = unixSecondsOf(value);
    if (seconds === null) throw this.wrong(key, value, "a time (ISO 8601)");
    return seconds;
  }

  listOrNull(key: string): unknown[] | null {
    const value = this.raw(key);
    if (value === null || Array.isArray(value)) return value;
    throw this.wrong(key, value, "a list");
  }

  list(key: string): unknown[] {
    return this.listOrNull(key) ?? this.#missing(key);
  }

  objects(key: string): Fields[] {
    return this.list(key).map((entry, i) => this.#object(`${key}[${i}]`, entry));
  }

  /** An object; its unread fields are part of this object's {@linkcode Fields.rest}. */
  childOrNull(key: string): Fields | null {
    const known = this.#children.get(key);
    if (known) return known;
    const value = this.raw(key);
    if (value === null) return null;
    const child = this.#object(key, value);
    this.#children.set(key, child);
    return child;
  }

  child(key: string): Fields {
    return this.childOrNull(key) ?? this.#missing(key);
  }

  /** The objects within an object, by name. */
  entries(): [string, Fields][] {
    return Object.keys(this.#value).filter((key) => key !== "__proto__")
      .flatMap((key) => isJsonObject(this.#value[key]) ? [[key, this.child(key)]] : []);
  }

  keys(): string[] {
    return Object.keys(this.#value);
  }

  /** The fields that were not read. */
  rest(limits: KeepLimits = KEEP_ALL): Record<string, unknown> {
    const rest: [string, unknown][] = [];
    for (const [key, value] of Object.entries(this.#value)) {
      if (key === "__proto__") continue;
      const child = this.#children.get(key)?.rest(limits);
      if (child ? Object.keys(child).length > 0 : !this.#read.has(key)) {
        rest.push([key, child ?? keep(value, limits)]);
      }
    }
    return Object.fromEntries(rest);
  }

  /** An error about a field. */
  wrong(key: string, value: unknown, expected: string): InputError {
    return new InputError(`${this.file}: ${this.#path(key)}: ${show(value)} is not ${expected}`);
  }

  #object(path: string, value: unknown): Fields {
    return new Fields(this.file, value, this.#path(path), this.#notation);
  }

  #finite(key: string, value: number): number {
    if (Math.abs(value) <= LARGEST) return value;
    throw new InputError(`${this.file}: ${this.#path(key)}: the number is too large`);
  }

  #missing(key: string): never {
    throw new InputError(`${this.file}: ${this.#path(key)}: is missing`);
  }

  #path(key: string): string {
    return this.#where ? `${this.#where}.${key}` : key;
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return Array.isArray(value) ? "a list" : typeof value === "string" ? "text" : `a ${typeof value}`;
}

function show(value: unknown): string {
  if (typeof value === "object") return kindOf(value);
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
