/** Settings whose values are paths: in a file they are relative to that file's folder. */
import { isAbsolute, join } from "node:path";
import { OWN_TOKENIZER } from "./load.ts";

/** Those of an endpoint, whatever sends the requests. */
const TLS_FILES = ["ca", "cert", "key"] as const;
const FILES = ["prompts", "trace", "tokenizer", "request_template", ...TLS_FILES] as const;

/** Settings that may name files. */
type Named = Partial<Record<typeof FILES[number], unknown>>;

/** The settings with every path in them replaced; dyno's own tokenizer is not a path. */
export function withFiles<Given extends Named>(
  settings: Given,
  placed: (path: string, name: typeof FILES[number]) => string,
  names: readonly typeof FILES[number][] = FILES,
): Given {
  const found = { ...settings };
  for (const name of names) {
    const path = found[name];
    if (typeof path === "string" && path !== OWN_TOKENIZER) found[name] = placed(path, name);
  }
  return found;
}

/** The settings with all paths resolved from the folder of the file that contains them. */
export function besideFile<Given extends Named>(settings: Given, folder: string): Given {
  return withFiles(settings, beside(folder));
}

/** Like {@linkcode besideFile}, but only for the paths in an endpoint's settings. */
export function tlsBesideFile<Given extends Named>(settings: Given, folder: string): Given {
  return withFiles(settings, beside(folder), TLS_FILES);
}

/** Resolves a path from a folder. */
export function beside(folder: string): (path: string) => string {
  return (path) => isAbsolute(path) ? path : join(folder, path);
}
