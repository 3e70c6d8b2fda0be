/** Makes a self-signed certificate for the mock endpoint with TLS. */
import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import net from "node:net";

/** PEM texts. */
export interface KeyAndCertificate {
  key: string;
  cert: string;
}

const DAY_MS = 86_400_000;
/** Long enough for an afternoon, even if clocks differ. */
const VALID_DAYS = 30;

/** Tags of DER (X.690). */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
} as const;
/** Tags of numbered fields, as X.509 uses them: a constructed and a primitive one. */
const field = (number: number) => 0xa0 + number;
const plainField = (number: number) => 0x80 + number;

const OID = {
  ecdsaWithSha256: "2a8648ce3d040302",
  commonName: "550403",
  basicConstraints: "551d13",
  subjectAltName: "551d11",
} as const;

function der(tag: number, ...parts: (Uint8Array | string)[]): Buffer {
  const bytes = Buffer.concat(
    parts.map((part) => typeof part === "string" ? Buffer.from(part, "hex") : part),
  );
  const { length } = bytes;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), bytes]);
}

const sequence = (...parts: (Uint8Array | string)[]) => der(TAG.sequence, ...parts);
const text = (tag: number, value: string) => der(tag, Buffer.from(value, "utf8"));

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+/, "").replace(/[^\dZ]/g, "");
  return text(TAG.utcTime, digits.slice(2));
}

function addressBytes(address: string): Buffer {
  if (net.isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [head, tail = ""] = address.split("::");
  const words = (part: string) => part === "" ? [] : part.split(":");
  const [first, last] = [words(head), words(tail)];
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  return Buffer.from(
    [...first, ...zeros, ...last].map((word) => word.padStart(4, "0")).join(""),
    "hex",
  );
}

function nameField(name: string): Buffer {
  return net.isIP(name) ? der(plainField(7), addressBytes(name)) : text(plainField(2), name);
}

/**
 * Makes a P-256 key and a certificate (X.509 v3, RFC 5280) that is valid for a month.
 *
 * @param names the host names and IP addresses that it is valid for.
 */
export function makeCertificate(names: readonly string[]): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(der(TAG.oid, OID.ecdsaWithSha256));
  const common = sequence(der(TAG.oid, OID.commonName), text(TAG.utf8, "dyno mock"));
  const who = sequence(der(TAG.set, common));
  const serial = randomBytes(16);
  serial[0] = serial[0] & 0x3f | 0x40; // positive, and without a leading zero
  const now = Date.now();
  const authority = sequence(
    der(TAG.oid, OID.basicConstraints),
    der(TAG.boolean, "ff"), // critical: a reader that does not know it must reject the certificate
    der(TAG.octets, sequence(der(TAG.boolean, "ff"))),
  );
  const of = sequence(
    der(TAG.oid, OID.subjectAltName),
    der(TAG.octets, sequence(...names.map(nameField))),
  );
  const signed = sequence(
    der(field(0), der(TAG.integer, "02")),
    der(TAG.integer, serial),
    algorithm,
    who,
    sequence(time(now - DAY_MS), time(now + VALID_DAYS * DAY_MS)),
    who,
    publicKey.export({ type: "spki", format: "der" }),
    der(field(3), sequence(authority, of)),
  );
  const signature = sign("sha256", signed, privateKey);
  const whole = sequence(signed, algorithm, der(TAG.bits, "00", signature));
  const lines = whole.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}
