/** Reads environment variables from a file. */
import { existsSync, readFileSync, statSync } from "node:fs";
import process from "node:process";
import { parseEnv } from "node:util";
import { InputError, messageOf } from "../../errors.ts";
import { refuseOdd } from "../../read_whole.ts";
import { noSuchFile } from "../../text/no_such_file.ts";

/**
 * Sets the variables in a file (one `NAME=VALUE` per line, quotes and comments as in Node's
 * `--env-file`) that are not set in the environment.
 *
 * @throws {InputError} the file cannot be read, or has a line without a name and a value.
 */
export function loadEnvironment(path: string): void {
  if (path === "") throw new InputError("--env-file: needs a value");
  let text: string;
  try {
    refuseOdd(path, statSync(path));
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`--env-file ${error.message}`);
    const why = existsSync(path) ? `${path}: ${messageOf(error)}` : noSuchFile(path);
    throw new InputError(`--env-file ${why}`);
  }
  const variables = parseEnv(text);
  const odd = text.split(/\r?\n/).findIndex((line) =>
    Object.keys(variables).length === 0 && line.trim() !== "" && !line.trim().startsWith("#")
  );
  if (odd >= 0) throw new InputError(`--env-file ${path}:${odd + 1}: expected NAME=VALUE`);
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined) process.env[name] ??= value;
  }
}
