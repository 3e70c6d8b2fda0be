/** Names of headers and URL parameters whose values are secret. */

const HEADER = /authorization|api[-_]?key|token|secret|cookie|password/i;
/** More such names of URL parameters. */
const PARAMETER = /^(key|sig|signature|code|auth)$/i;

/** Whether a header's name shows that its value is secret. */
export function isSecretHeader(name: string): boolean {
  return HEADER.test(name);
}

/** Whether the name of a URL parameter shows that its value is secret. */
export function isSecretParameter(name: string): boolean {
  return HEADER.test(name) || PARAMETER.test(name);
}
