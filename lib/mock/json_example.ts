/** Makes a value that fits a JSON Schema, for answers that must be JSON. */

type Schema = Record<string, unknown>;

/** Deeper schemas, such as recursive ones, end in null. */
const MAX_DEPTH = 16;

/**
 * A value that fits the schema: its const, default or first enum value, else the smallest of its
 * type, with every property of an object.
 *
 * @param text the content of strings.
 * @param root the schema that `$ref` refers to; default the schema itself.
 */
export function jsonExample(schema: unknown, text: string, root = schema, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return null;
  const known = schema as Schema;
  const again = (other: unknown) => jsonExample(other, text, root, depth + 1);
  for (const name of ["const", "default"]) if (name in known) return known[name];
  if (Array.isArray(known.enum)) return known.enum[0] ?? null;
  if (typeof known.$ref === "string") return again(referred(known.$ref, root));
  const either = known.anyOf ?? known.oneOf ?? known.allOf;
  if (Array.isArray(either)) return again(either[0]);
  const [type] = [known.type ?? (known.properties ? "object" : "string")].flat();
  switch (type) {
    case "object": {
      const properties = Object.entries((known.properties ?? {}) as Schema);
      return Object.fromEntries(properties.map(([name, value]) => [name, again(value)]));
    }
    case "array": {
      const least = Math.min(Number(known.minItems ?? 1) || 0, 100);
      return Array.from({ length: least }, () => again(known.items ?? {}));
    }
    case "integer":
    case "number":
      return Number(known.minimum ?? known.exclusiveMaximum ?? 1) || 0;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return text;
  }
}

function referred(reference: string, root: unknown): unknown {
  let place: unknown = root;
  for (const name of reference.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    place = (place as Schema | null | undefined)?.[name];
  }
  return place;
}
