/** Headers and parameters of URLs whose values are secret. */

const HEADER = /authorization|api[-_]?key|token|secret|cookie|password/i;
/** Further names in a query. */
const PARAMETER = /^(key|sig|signature|code|auth)$/i;

/** Whether a header's name says that its value is secret. */
export function isSecretHeader(name: string): boolean {
  return HEADER.test(name);
}

/** Whether a parameter's name in a URL says that its value is secret. */
export function isSecretParameter(name: string): boolean {
  return HEADER.test(name) || PARAMETER.test(name);
}
