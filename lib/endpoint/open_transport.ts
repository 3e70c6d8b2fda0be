/** Chooses the transport for each request: the wire, or the portable one where the wire cannot be used. */
import { InputError, messageOf, NoProcessError } from "../errors.ts";
import { nativeLibrary } from "../native/library.ts";
import { tlsLibrary } from "../native/wire.ts";
import { proxyOf } from "./proxy.ts";
import { PortableTransport } from "./portable/portable.ts";
import { WireTransport } from "./wire.ts";
import type { NativeLibrary } from "../native/ffi.ts";
import type { ExchangeListener, HttpRequest, Transport, TransportStatus } from "./transport.ts";

/**
 * Returns a transport for requests to all of these; its limit applies to all of them together.
 *
 * @param notice called with one line when libdyno is being built.
 */
export async function commonTransport(
  urls: readonly string[],
  notice?: (line: string) => void,
): Promise<"portable" | undefined> {
  if (urls.length < 2) return undefined;
  const { library } = await nativeLibrary(notice);
  const canTls = () => library !== null && reasonAgainstTls(library) === null;
  const native = urls.filter((url) => URL.canParse(url))
    .map((url) => isForWire(new URL(url), canTls));
  return native.includes(true) && native.includes(false) ? "portable" : undefined;
}

/**
 * Opens a transport for requests to endpoints: a native thread when libdyno is available (with the host's
 * OpenSSL for https), and the runtime's sockets when it is not, when there is a proxy, or when the host
 * starts no further thread.
 *
 * @param only the one transport to use, without the other as a fallback.
 * @param notice called with one line when libdyno is being built, or when its thread or OpenSSL is not
 * available.
 * @throws {InputError} only the wire is allowed, and libdyno or its thread is not available.
 *
 * @example
 * ```ts
 * await using transport = await openTransport();
 * ```
 */
export async function openTransport(
  { only, notice }: { only?: "wire" | "portable"; notice?: (line: string) => void } = {},
): Promise<Transport> {
  if (only === "portable") return new PortableTransport();
  const { library, reason } = await nativeLibrary(notice);
  if (only === "wire") {
    if (library) return new WireTransport(library);
    throw new InputError(`the wire transport needs libdyno: ${reason}`);
  }
  const portable = new PortableTransport();
  if (library === null) return portable;
  try {
    return new FittingTransport(new WireTransport(library), portable, () => {
      const reason = reasonAgainstTls(library);
      if (reason !== null) notice?.(`https uses the runtime's own sockets: ${reason}`);
      return reason === null;
    });
  } catch (error) {
    if (!(error instanceof NoProcessError)) throw error;
    notice?.(`${error.message}; requests use the runtime's own sockets`);
    return portable;
  }
}

function isForWire(url: URL, canTls: () => boolean): boolean {
  return proxyOf(url) === null && (url.protocol !== "https:" || canTls());
}

/** Why the wire cannot use TLS on this host; null when it can. */
function reasonAgainstTls(library: NativeLibrary): string | null {
  try {
    tlsLibrary(library);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

class FittingTransport implements Transport {
  readonly #wire: Transport;
  readonly #portable: Transport;
  readonly #canTls: () => boolean;
  /** Null until the first https request. */
  #tls: boolean | null = null;
  /** The transport of the latest request. */
  #latest: Transport;

  /** @param canTls called once, for the first https request. */
  constructor(wire: Transport, portable: Transport, canTls: () => boolean) {
    this.#canTls = canTls;
    this.#wire = wire;
    this.#portable = portable;
    this.#latest = wire;
  }

  get name(): string {
    return this.#latest.name;
  }

  send(request: HttpRequest, listener: ExchangeListener): () => void {
    const canTls = () => this.#tls ??= this.#canTls();
    const urls = [request.url, ...request.others ?? []];
    const isNative = !request.tls?.http2 && urls.every((url) => isForWire(url, canTls));
    this.#latest = isNative ? this.#wire : this.#portable;
    return this.#latest.send(request, listener);
  }

  withdraw(): void {
    this.#wire.withdraw();
    this.#portable.withdraw();
  }

  limit(in_flight: number): void {
    this.#wire.limit(in_flight);
    this.#portable.limit(in_flight);
  }

  status(): TransportStatus {
    return this.#latest.status();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
    await this.#portable[Symbol.asyncDispose]();
  }
}
