/** Settings whose values are paths: in a file they are seen from that file's folder. */
import { isAbsolute, join } from "node:path";
import { OWN_TOKENIZER } from "./load.ts";

/** Of an endpoint, whatever asks it. */
const TLS_FILES = ["ca", "cert", "key"] as const;
const FILES = ["prompts", "trace", "tokenizer", "request_template", ...TLS_FILES] as const;

/** Settings that may name files. */
type Named = Partial<Record<typeof FILES[number], unknown>>;

/** The settings with another path for each file that they name; dyno's own tokenizer is none. */
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

/** The settings with the files that they name seen from the folder of the file that names them. */
export function besideFile<Given extends Named>(settings: Given, folder: string): Given {
  return withFiles(settings, beside(folder));
}

/** As {@linkcode besideFile}, but only the paths of an endpoint's settings. */
export function tlsBesideFile<Given extends Named>(settings: Given, folder: string): Given {
  return withFiles(settings, beside(folder), TLS_FILES);
}

/** A path as seen from a folder. */
export function beside(folder: string): (path: string) => string {
  return (path) => isAbsolute(path) ? path : join(folder, path);
}
