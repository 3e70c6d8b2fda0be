/** Files that tasks may name: in the folders that the operator allowed, and nowhere else. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { packageFile } from "../../package_files.ts";

/** The experiments that come with dyno. */
const BUNDLED = packageFile("experiments/");

/** Where a bundled experiment may lie, and how its name may end. */
const BUNDLED_FOLDERS = ["suites", "."];
const ENDINGS = ["", ".json", ".jsonl"];

/** Folders whose files may be read for tasks. */
export class AllowedPaths {
  readonly #roots: string[];
  readonly #closed: string;

  /**
   * @param roots relative paths begin at the first of them.
   * @param runs the folder of runs: what is in it came from endpoints, and is never taken as input.
   * @throws {InputError} a root that is not a folder.
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
   * @throws {InputError} outside of the folders (also by a link), in the folder of runs, or not there.
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

/** A bundled experiment by its name, with or without its ending. */
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
