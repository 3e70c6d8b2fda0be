import process from "node:process";

/** An environment variable; undefined also where it is empty or its reading is not permitted. */
export function environment(name: string): string | undefined {
  try {
    return process.env[name] || undefined;
  } catch {
    return undefined;
  }
}
