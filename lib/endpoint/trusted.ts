/** Certificates that an https endpoint may be signed by: the runtime's, and those of the user's own. */
import { readFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import { InputError } from "../errors.ts";
import { hostOf } from "./place.ts";

const ASK_MS = 5000;
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

/**
 * What is wrong with an https server's certificate itself, whoever signed it, and what to try: it is out
 * of its time, or of another host. Null where that is well, or cannot be told.
 */
export function certificateFault(url: URL): Promise<string | null> {
  const host = hostOf(url);
  const servername = net.isIP(host) ? undefined : host;
  return new Promise((resolve) => {
    // nothing is sent over it: it is asked for its certificate alone
    const socket = tls.connect(
      { host, port: Number(url.port) || 443, servername, rejectUnauthorized: false },
      () => settle(faultOf(host, socket.getPeerCertificate())),
    );
    const timer = setTimeout(() => settle(null), ASK_MS);
    const settle = (fault: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(fault);
    };
    socket.on("error", () => settle(null));
  });
}

function faultOf(host: string, certificate: tls.PeerCertificate): string | null {
  const { valid_from, valid_to, subjectaltname, subject } = certificate;
  if (valid_from === undefined) return null;
  const now = Date.now();
  if (Date.parse(valid_to) < now) {
    return `its certificate ended on ${valid_to}: renew it, or set this host's clock right`;
  }
  if (Date.parse(valid_from) > now) {
    return `its certificate begins on ${valid_from}: set this host's clock right, or the server's`;
  }
  if (tls.checkServerIdentity(host, certificate) === undefined) return null;
  const names = subjectaltname?.replace(/\b(DNS|IP Address|IP):/g, "") ?? subject?.CN ?? "nothing";
  return `its certificate is of another host (${names}): give the endpoint by that name`;
}

function certificatesOf(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new InputError(`${name}=${path}: cannot be read; expected a file of certificates (PEM)`);
  }
}
