/** Flags that say which endpoint is spoken to, the same for every command that does. */
import { providerNames } from "../../endpoint/providers.ts";
import { InputError } from "../../errors.ts";
import { repeated, text } from "./flags.ts";

export const endpointFlags = {
  "endpoint": text("URL", "an endpoint's URL, or its base URL such as http://127.0.0.1:8000/v1"),
  "provider": text("NAME", `a preset: ${providerNames.join(", ")}`),
  "header": repeated("'NAME: VALUE'", "a further HTTP header; may be repeated"),
  "api-key-env": text("NAME", "the environment variable that holds the API key"),
};

/** Headers by name. @throws {InputError} a header that is not `NAME: VALUE`; its value is not repeated. */
export function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => {
    const match = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\r\n]*)$/.exec(line);
    if (!match) {
      const name = line.split(/[:\s]/, 1)[0];
      throw new InputError(`--header: "${name}…" is not of the form 'NAME: VALUE'`);
    }
    return [match[1].toLowerCase(), match[2]];
  }));
}
