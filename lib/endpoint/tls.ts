/**
 * TLS settings: trusted certificates, the client's own certificate, and problems with a server's
 * certificate.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import tls from "node:tls";
import { InputError } from "../errors.ts";
import { noSuchFile, similarNames } from "../text/no_such_file.ts";
import { hostOf } from "./place.ts";

/** How to connect to an https endpoint. Paths are those of PEM files. */
export interface TlsSettings {
  /** Certificates to trust in addition to the host's own; null for none. */
  ca: string | null;
  /** The client's certificate, with its chain; null for none. */
  cert: string | null;
  /** The client's key; null when it is in the certificate's file. */
  key: string | null;
  /** Accepts any certificate. */
  insecure: boolean;
  /** Uses HTTP/2, because the server was found not to support anything else. */
  http2: boolean;
}

/** The note that every output of such a run has. */
export const UNCHECKED = "the server's certificate is not checked (--insecure)";

/** The default settings. */
export const USUAL_TLS: TlsSettings = {
  ca: null,
  cert: null,
  key: null,
  insecure: false,
  http2: false,
};

const ASK_MS = 5000;
const ROOTS = "roots.pem";
/** The variables that Node, users of OpenSSL, and Deno set to name files of PEM certificates. */
const VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "DENO_CERT"];
/** Where Linux distributions keep the certificates that OpenSSL trusts. */
const SYSTEM = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * Checks the TLS settings.
 *
 * @throws {InputError} a file that cannot be read or has other content; a key without a certificate.
 */
export function settleTls(
  { ca, cert, key, insecure = false }: {
    ca?: string | undefined;
    cert?: string | undefined;
    key?: string | undefined;
    insecure?: boolean | undefined;
  },
): TlsSettings {
  if (ca !== undefined) pemOf("--ca", ca, "CERTIFICATE");
  if (cert !== undefined) pemOf("--cert", cert, "CERTIFICATE");
  if (key !== undefined && cert === undefined) {
    throw new InputError(
      "--key: the key of a client certificate, which --cert names, is expected with it; " +
        "an API key's variable is named by --api-key-env",
    );
  }
  if (key !== undefined) pemOf("--key", key, "PRIVATE KEY");
  else if (cert !== undefined && !readFileSync(cert, "utf8").includes("PRIVATE KEY-----")) {
    throw new InputError(`--cert: ${cert}: holds no key; name the file of its key with --key`);
  }
  const path = (given: string | undefined) => given === undefined ? null : resolve(given);
  return { ca: path(ca), cert: path(cert), key: path(key), insecure, http2: false };
}

/** The settings as a text: requests share connections only when this text is the same. */
export function tlsKey({ ca, cert, key, insecure, http2 }: TlsSettings): string {
  return `${ca}\n${cert}\n${key}\n${insecure}\n${http2}`;
}

/**
 * The settings for the runtime's sockets.
 *
 * @throws {InputError} a variable names a file that cannot be read.
 */
export function socketOptions(
  { ca, cert, key, insecure }: TlsSettings,
): Pick<tls.ConnectionOptions, "ca" | "cert" | "key" | "rejectUnauthorized"> {
  const usual = trustedCertificates();
  return {
    ca: ca === null
      ? usual
      : [...(usual ?? tls.rootCertificates), pemOf("--ca", ca, "CERTIFICATE")],
    ...(cert === null ? {} : {
      cert: pemOf("--cert", cert, "CERTIFICATE"),
      key: pemOf("--key", key ?? cert, "PRIVATE KEY"),
    }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
}

/**
 * Calls `use` with the lines that describe a place to the wire. OpenSSL trusts what the host trusts; if
 * that is nothing, the runtime's certificates are used instead.
 */
export function withWireLines<Made>(
  url: URL,
  { ca, cert, key, insecure }: TlsSettings,
  use: (lines: readonly string[]) => Made,
): Made {
  const host = hostOf(url).replace(/\.$/, "");
  const own = VARIABLES.flatMap((name) => process.env[name] || []);
  const lines = [
    `tls ${host}`,
    ...[...new Set([...own, ...(ca === null ? [] : [ca])])].map((path) => line("ca", path)),
    ...(cert === null ? [] : [line("cert", cert)]),
    ...(key === null ? [] : [line("key", key)]),
    ...(insecure ? ["insecure"] : []),
  ];
  const folder = insecure || hostHasCertificates() ? null : rootsFolder();
  try {
    return use(folder === null ? lines : [...lines, line("ca", join(folder, ROOTS))]);
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true });
  }
}

/** Assumed true when permissions hide it. */
function hostHasCertificates(): boolean {
  try {
    return SYSTEM.some((path) => existsSync(path));
  } catch {
    return true;
  }
}

/** A folder with the runtime's certificates in one file; null when it cannot be written. */
function rootsFolder(): string | null {
  try {
    const folder = mkdtempSync(join(tmpdir(), "dyno-roots-"));
    writeFileSync(join(folder, ROOTS), tls.rootCertificates.join("\n"));
    return folder;
  } catch {
    return null;
  }
}

function line(name: string, path: string): string {
  if (!path.includes("\n")) return `${name} ${path}`;
  throw new InputError(`--${name} ${JSON.stringify(path)}: the path has a line break in it`);
}

let known: string[] | undefined | null = null;

/**
 * Certificates to trust, PEM; undefined to trust only the runtime's own. Deno's sockets ignore these
 * variables by themselves.
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
 * What is wrong with an https server's certificate itself, whoever signed it, and what to try: it has
 * expired, is not valid yet, or is for another host. Null when it has neither fault, or when that is
 * unknown.
 */
export function certificateFault(url: URL): Promise<string | null> {
  const host = hostOf(url);
  const servername = net.isIP(host) ? undefined : host;
  return new Promise((resolve) => {
    // only the certificate is read; nothing is sent
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
    return `it expired on ${valid_to}: renew it, or set this host's clock right`;
  }
  if (Date.parse(valid_from) > now) {
    return `it is not valid before ${valid_from}: set this host's clock right, or the server's`;
  }
  if (tls.checkServerIdentity(host, certificate) === undefined) return null;
  const names = subjectaltname?.replace(/\b(DNS|IP Address|IP):/g, "") ?? subject?.CN ?? "nothing";
  return `it is for ${names}: give the endpoint by that name`;
}

/** Reads a file's text. Errors do not repeat its content, which may be secret. */
function pemOf(flag: string, path: string, what: string): string {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    if (flag !== "--key" && code === "ENOENT") throw new InputError(`${flag}: ${noSuchFile(path)}`);
    const said = flag === "--key" ? "" : ` ${path}:`; // possibly an API key
    const near = code === "ENOENT" ? similarNames(path) : "";
    throw new InputError(`${flag}:${said} no file that can be read; expected one in PEM${near}`);
  }
  if (text.includes(`${what}-----`)) return text;
  const name = what.toLowerCase();
  throw new InputError(
    `${flag}: ${path}: holds no ${name} in PEM; expected "-----BEGIN ${what}-----"`,
  );
}

function certificatesOf(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new InputError(`${name}=${path}: cannot be read; expected a file of certificates (PEM)`);
  }
}
