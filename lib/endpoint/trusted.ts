/** Certificates that an https endpoint may be signed by: the runtime's, and those of the user's own. */
import { readFileSync } from "node:fs";
import process from "node:process";
import tls from "node:tls";
import { InputError } from "../errors.ts";

/** Files of PEM certificates, as Node, OpenSSL's users and Deno name them. */
const VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "DENO_CERT"];

let known: string[] | undefined | null = null;

/**
 * Certificates to trust, PEM; undefined where the runtime's own are all. Deno's sockets do not heed
 * these variables by themselves.
 *
 * @throws {InputError} a variable names a file that cannot be read.
 */
export function trustedCertificates(): string[] | undefined {
  if (known === null) {
    const own = VARIABLES.flatMap((name) => {
      const path = process.env[name];
      return path ? [certificatesOf(name, path)] : [];
    });
    known = own.length === 0 ? undefined : [...tls.rootCertificates, ...own];
  }
  return known;
}

function certificatesOf(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new InputError(`${name}=${path}: cannot be read; expected a file of certificates (PEM)`);
  }
}
