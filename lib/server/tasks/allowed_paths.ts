/** Files that tasks may name: only those in the folders that the operator allows. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { packageFile } from "../../package_files.ts";

/** The experiments that are part of dyno. */
const BUNDLED = packageFile("experiments/");

/** Folders that can contain a bundled experiment, and extensions that its name can have. */
const BUNDLED_FOLDERS = ["suites", "."];
const ENDINGS = ["", ".json", ".jsonl"];

/** Folders whose files may be read for tasks. */
export class AllowedPaths {
  readonly #roots: string[];
  readonly #closed: string;

  /**
   * @param roots relative paths start at the first of them.
   * @param runs the folder of runs: its content came from endpoints, and is never accepted as
   * input.
   * @throws {InputError} a root is not a folder.
   */
  constructor(roots: readonly string[], runs: string) {
    this.#roots = [...roots, ...(BUNDLED === null ? [] : [BUNDLED])].map((root) => {
      if (existsSync(root) && statSync(root).isDirectory()) return realpathSync(root);
      throw new InputError(`--allow: "${root}" is not a folder`);
    });
    this.#closed = existsSync(runs) ? realpathSync(runs) : resolve(runs);
  }

  /**
   * The real path of a file.
   *
   * @throws {InputError} the file is outside the folders (also through a link), in the folder of
   * runs, or does not exist.
   */
  resolve(given: string): string {
    const named = given.includes("/") ? null : bundled(given);
    const whole = resolve(this.#roots[0], given);
    const outside = new InputError(
      `"${given}" is not in a folder that tasks may read; the server's --allow adds one`,
    );
    if (!this.#allows(whole) && named === null) throw outside;
    const path = existsSync(whole) ? whole : named;
    if (path === null) throw new InputError(`"${given}": no such file in the allowed folders`);
    const real = realpathSync(path);
    if (!this.#allows(real)) throw outside;
    if (!statSync(real).isFile()) throw new InputError(`"${given}" is not a file`);
    return real;
  }

  #allows(path: string): boolean {
    return this.#roots.some((root) => isIn(root, path)) && !isIn(this.#closed, path);
  }
}

function isIn(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** A bundled experiment by name, with or without its extension. */
function bundled(name: string): string | null {
  if (BUNDLED === null) return null;
  for (const folder of BUNDLED_FOLDERS) {
    for (const ending of ENDINGS) {
      const path = join(BUNDLED, folder, name + ending);
      if (existsSync(path) && statSync(path).isFile()) return path;
    }
  }
  return null;
}
