/** Sends signed requests to a bucket, and repeats them if that may help. */
import { createHash } from "node:crypto";
import { escaped, signedHeaders } from "../aws/sigv4.ts";
import { InputError, ToldError } from "../errors.ts";
import { retried, retryAfterSeconds, waitSeconds } from "../endpoint/retry.ts";
import { type Fetched, fetchWhole, LargeAnswerError, whyFetchFailed } from "../fetch_whole.ts";
import { throwIfAborted } from "../execute/scope.ts";
import { Redactor } from "../run/redact.ts";
import { bucketAccess } from "./target.ts";
import { elementText } from "./xml.ts";
import type { BucketAccess, UploadTarget } from "./target.ts";

const ATTEMPTS = 7;
const WAITS = { delay_s: 0.5, longest_asked_s: 60 };
/** A request's time limit, extended by the time that its content takes on a slow line. */
const TIMEOUT_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 50;

/** A request on an object, or on the bucket if `key` is null. */
export interface StorageRequest {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  key: string | null;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

/** The storage refused a request, or could not be reached. The message contains no secrets. */
export class StorageError extends ToldError {
  override readonly name = "StorageError";
  /** 0 if there was no answer. */
  readonly status: number;
  /** The storage's error code, such as NoSuchUpload; empty if it sent none. */
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A bucket and the access to it. */
export class Storage {
  readonly url: string;
  readonly #access: BucketAccess;
  readonly #redactor = new Redactor();
  readonly #name: string;

  private constructor(target: UploadTarget, access: BucketAccess) {
    this.url = access.url;
    this.#access = access;
    this.#name = `${target.scheme}://${target.bucket}`;
    this.#redactor.learn(access.access_key_id);
    this.#redactor.learn(access.secret_access_key);
    this.#redactor.learn(access.session_token);
  }

  /** @throws {InputError} the environment has no access key for it. */
  static open(target: UploadTarget): Storage {
    return new Storage(target, bucketAccess(target));
  }

  /**
   * The answer to a request; for HEAD, "404 Not Found" is an answer too. Requests that fail on the
   * network, by a timeout or by an error of the storage are repeated.
   *
   * @throws {InputError} the access key or the bucket is wrong.
   * @throws {StorageError} it is refused, or all attempts failed.
   * @throws {CancelledError} the signal was aborted.
   */
  async request(request: StorageRequest, signal: AbortSignal): Promise<Fetched> {
    return await this.#settled(() => this.#attempt(request, signal), signal);
  }

  /**
   * Performs a request that may take effect even if its answer is lost.
   *
   * @param isDone called when an attempt failed: whether it took effect; null if that cannot be
   * determined.
   * @throws as {@linkcode request} does.
   */
  async ensure(
    request: StorageRequest,
    isDone: () => Promise<boolean | null>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#settled(async () => {
      const outcome = await this.#attempt(request, signal);
      return outcome instanceof StorageError && await isDone() ? null : outcome;
    }, signal);
  }

  async #settled<Reply>(
    attempt: () => Promise<Reply | PassingError>,
    signal: AbortSignal,
  ): Promise<Reply> {
    const outcome = await retried(
      attempt,
      (outcome, nth) => {
        const isFinal = !(outcome instanceof PassingError) || !mayPass(outcome) || nth >= ATTEMPTS;
        return isFinal ? null : waitSeconds(nth, outcome.retry_after_s, WAITS);
      },
      signal,
    );
    if (!(outcome instanceof PassingError)) return outcome;
    if (!mayPass(outcome)) throw this.#explained(outcome);
    const { message, status, code } = outcome;
    throw new StorageError(`${message} (${ATTEMPTS} attempts)`, status, code);
  }

  async #attempt(
    request: StorageRequest,
    signal: AbortSignal,
  ): Promise<Fetched | PassingError> {
    const { method, key, body } = request;
    const what = `${method} ${this.#name}${key === null ? "" : `/${key}`}`;
    const limit_ms = TIMEOUT_MS + (body?.length ?? 0) / SLOWEST_BYTES_PER_MS;
    const ended = new AbortController();
    const onAbort = () => ended.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      ended.abort();
    }, limit_ms);
    try {
      throwIfAborted(signal);
      const reply = await fetchWhole(this.#signed(request), { signal: ended.signal });
      const { status, headers, text } = reply;
      // the end of a multipart upload can fail after a 200
      const failed = !(status < 300 || (method === "HEAD" && status === 404)) ||
        /^(<\?xml[^>]*>)?\s*<Error>/.test(text);
      if (!failed) return reply;
      const code = elementText(text, "Code") ?? "";
      const said = [code, elementText(text, "Message")].filter(Boolean).join(": ").slice(0, 300);
      const region = headers.get("x-amz-bucket-region") ?? elementText(text, "Region");
      const retry_after_s = retryAfterSeconds(headers.get("retry-after"), Date.now());
      return new PassingError(
        this.#redactor.redact(`${what}: ${status}${said && ` ${said}`}`),
        { status: failed && status < 300 ? 500 : status, code, region, retry_after_s },
      );
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof LargeAnswerError) {
        throw new StorageError(this.#redactor.redact(`${what}: ${error.message}`), 0, "");
      }
      const why = late
        ? `no answer within ${Math.round(limit_ms / 1000)} s`
        : `no answer from ${this.url}: ${whyFetchFailed(error)}`;
      return new PassingError(this.#redactor.redact(`${what}: ${why}`), {});
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Signs a request including its body, so that the storage refuses any other body. */
  #signed({ method, key, query = {}, headers = {}, body }: StorageRequest): Request {
    const path = key === null ? "" : `/${key.split("/").map(escaped).join("/")}`;
    const search = Object.entries(query).map(([name, value]) => `${name}=${escaped(value)}`);
    const url = new URL(`${this.url}${path}${search.length ? `?${search.join("&")}` : ""}`);
    const sha256 = createHash("sha256").update(body ?? "").digest("hex");
    const signed = signedHeaders(
      { method, url, headers: { ...headers, "x-amz-content-sha256": sha256 }, body: body ?? "" },
      this.#access,
      { region: this.#access.region, service: "s3" },
    );
    return new Request(url, { method, headers: signed, body: body ?? null });
  }

  /** Turns what the user can fix into an input error. */
  #explained(error: PassingError): Error {
    const { code, status, message, region } = error;
    const hint = /InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSecurity|InvalidToken/.test(code)
      ? "the storage does not know this key; check the access key and the secret in the environment"
      : /^Expired/.test(code)
      ? "the session token has expired; get a new one"
      : code === "NoSuchBucket"
      ? "the bucket does not exist; make it first, or give another --to"
      : region !== null && (status === 301 || status === 307 || status === 400)
      ? `the bucket lies in ${region}; set AWS_REGION=${region}`
      : code === "RequestTimeTooSkewed"
      ? "this host's clock is wrong"
      : status === 401 || status === 403
      ? "the key may not do this; check its permissions"
      : null;
    return hint === null ? error : new RefusedError(`${message}: ${hint}`, code);
  }
}

/** The storage refused for a reason that the user can fix. */
export class RefusedError extends InputError {
  /** The storage's error code, such as AccessDenied; empty if it sent none. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** A failed attempt, with the facts that decide whether to repeat it. */
class PassingError extends StorageError {
  readonly region: string | null;
  readonly retry_after_s: number | null;

  constructor(message: string, { status = 0, code = "", region, retry_after_s }: {
    status?: number;
    code?: string;
    region?: string | null;
    retry_after_s?: number | null;
  }) {
    super(message, status, code);
    this.region = region ?? null;
    this.retry_after_s = retry_after_s ?? null;
  }
}

/** Whether it was damaged on the way, slow, or the storage's own error. */
function mayPass({ status, code }: StorageError): boolean {
  return status === 0 || status >= 500 && status !== 501 || status === 408 || status === 429 ||
    /^(RequestTimeout|BadDigest|XAmzContentSHA256Mismatch|IncompleteBody|SlowDown)$/.test(code);
}
