/** The destination of an upload: the bucket, its storage, and the access key. */
import { InputError } from "../errors.ts";
import { awsRegion, variable } from "../aws/key.ts";
import type { AwsKey } from "../aws/key.ts";

/** A location in a bucket. */
export interface UploadTarget {
  scheme: "s3" | "gs";
  bucket: string;
  /** Without slashes at its ends; may be empty. */
  prefix: string;
}

/** A bucket's address, and the key that signs requests to it. */
export interface BucketAccess extends AwsKey {
  /** Without a slash at its end. */
  url: string;
  region: string;
}

/** Parses `s3://bucket/prefix` or `gs://bucket/prefix`. @throws {InputError} it is neither. */
export function uploadTarget(given: string): UploadTarget {
  const [, scheme, bucket, rest = ""] = /^(s3|gs):\/\/([a-z0-9][a-z0-9._-]*)(\/.*)?$/.exec(given) ??
    [];
  const prefix = rest.split("/").filter(Boolean);
  if (bucket === undefined || prefix.some((part) => part === "." || part === "..")) {
    throw new InputError(
      `"${given}" is not a place to upload to; expected s3://bucket/prefix or gs://bucket/prefix`,
    );
  }
  return { scheme: scheme as UploadTarget["scheme"], bucket, prefix: prefix.join("/") };
}

/** The environment variables of the key, with alternatives. */
const KEYS = {
  s3: [["AWS_ACCESS_KEY_ID"], ["AWS_SECRET_ACCESS_KEY"]],
  gs: [["GS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"], [
    "GS_SECRET_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
  ]],
} as const;

/**
 * Access to the destination's bucket, from the environment. S3: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION or AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3
 * or AWS_ENDPOINT_URL. Google Cloud Storage, with an HMAC key: GS_ACCESS_KEY_ID,
 * GS_SECRET_ACCESS_KEY, GS_ENDPOINT_URL.
 *
 * @throws {InputError} a variable is missing, or the endpoint is not an address.
 */
export function bucketAccess({ scheme, bucket }: UploadTarget): BucketAccess {
  const [access_key_id, secret_access_key] = KEYS[scheme].map((names) =>
    names.map(variable).find((value) => value !== null) ?? missing(names[0], scheme)
  );
  const key = { access_key_id, secret_access_key };
  if (scheme === "gs") {
    const endpoint = endpointIn("GS_ENDPOINT_URL") ?? "https://storage.googleapis.com";
    return { url: `${endpoint}/${bucket}`, region: "auto", ...key, session_token: null };
  }
  const region = awsRegion();
  const endpoint = endpointIn("AWS_ENDPOINT_URL_S3") ?? endpointIn("AWS_ENDPOINT_URL");
  return {
    url: endpoint === null ? amazonUrl(bucket, region) : `${endpoint}/${bucket}`,
    region,
    ...key,
    session_token: variable("AWS_SESSION_TOKEN"),
  };
}

/**
 * The address of a bucket. A name with a dot cannot be part of the host, because no certificate
 * would match.
 */
function amazonUrl(bucket: string, region: string): string {
  const host = `s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  return bucket.includes(".") ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}

/** The first variable of the key that is not set; null if the key is complete. */
export function missingKey({ scheme }: Pick<UploadTarget, "scheme">): string | null {
  return KEYS[scheme].find((names) => names.every((name) => variable(name) === null))?.[0] ?? null;
}

function missing(name: string, scheme: UploadTarget["scheme"]): never {
  const what = scheme === "gs" ? "an HMAC key of Google Cloud Storage" : "an access key";
  throw new InputError(`${name} is not set: uploading takes ${what} from the environment`);
}

function endpointIn(name: string): string | null {
  const given = variable(name);
  if (given === null) return null;
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.username) {
    throw new InputError(
      `${name} is not the address of a storage; expected http(s)://host[:port][/path]`,
    );
  }
  return url.href.replace(/\/+$/, "");
}
