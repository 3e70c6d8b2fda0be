/** The transport that fits each request: the wire, and where that cannot go the portable one. */
import { InputError, messageOf, NoProcessError } from "../errors.ts";
import { nativeLibrary } from "../native/library.ts";
import { tlsLibrary } from "../native/wire.ts";
import { proxyOf } from "./proxy.ts";
import { PortableTransport } from "./portable/portable.ts";
import { WireTransport } from "./wire.ts";
import type { NativeLibrary } from "../native/ffi.ts";
import type { ExchangeListener, HttpRequest, Transport, TransportStatus } from "./transport.ts";

/**
 * The transport that carries requests to all of these, whose limit is then of all of them together.
 *
 * @param notice called with one line when libdyno is built.
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
 * Opens what carries requests to endpoints: a native thread where libdyno is available (for https with
 * the host's OpenSSL), and sockets of the runtime where it cannot, where there is a proxy, or where the
 * host starts no further thread.
 *
 * @param only does without the other one.
 * @param notice called with one line when libdyno is built, or its thread or OpenSSL is not available.
 * @throws {InputError} the wire alone is wanted, and libdyno or its thread is not available.
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
      if (reason !== null) notice?.(`https goes by the runtime's own sockets: ${reason}`);
      return reason === null;
    });
  } catch (error) {
    if (!(error instanceof NoProcessError)) throw error;
    notice?.(`${error.message}; requests go by the runtime's own sockets`);
    return portable;
  }
}

function isForWire(url: URL, canTls: () => boolean): boolean {
  return proxyOf(url) === null && (url.protocol !== "https:" || canTls());
}

/** Why the wire cannot speak TLS here; null where it can. */
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
  /** Null until https is asked for. */
  #tls: boolean | null = null;
  /** The one that carried the newest request. */
  #latest: Transport;

  /** @param canTls asked once, for the first https request. */
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
