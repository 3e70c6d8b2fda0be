/** The transport that fits each request: the wire for plain HTTP, the portable one for the rest. */
import { InputError, NoProcessError } from "../errors.ts";
import { nativeLibrary } from "../native/library.ts";
import { proxyOf } from "./proxy.ts";
import { PortableTransport } from "./portable/portable.ts";
import { WireTransport } from "./wire.ts";
import type { ExchangeListener, HttpRequest, Transport, TransportStatus } from "./transport.ts";

/** The transport that carries requests to all of these, whose limit is then of all of them together. */
export function commonTransport(urls: readonly string[]): "portable" | undefined {
  const places = urls.filter((url) => URL.canParse(url)).map((url) => new URL(url));
  return places.some(isForWire) && !places.every(isForWire) ? "portable" : undefined;
}

/**
 * Opens what carries requests to endpoints: a native thread where libdyno can be had, and sockets of
 * the runtime for https and where it cannot, or the host starts no further thread.
 *
 * @param only does without the other one.
 * @param notice is told in one line when libdyno is built, or its thread cannot be had.
 * @throws {InputError} the wire alone is wanted, and libdyno or its thread cannot be had.
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
    return new FittingTransport(new WireTransport(library), portable);
  } catch (error) {
    if (!(error instanceof NoProcessError)) throw error;
    notice?.(`${error.message}; requests go by the runtime's own sockets`);
    return portable;
  }
}

function isForWire(url: URL): boolean {
  return url.protocol !== "https:" && proxyOf(url) === null;
}

class FittingTransport implements Transport {
  readonly #wire: Transport;
  readonly #portable: Transport;
  /** The one that carried the newest request. */
  #latest: Transport;

  constructor(wire: Transport, portable: Transport) {
    this.#wire = wire;
    this.#portable = portable;
    this.#latest = wire;
  }

  get name(): string {
    return this.#latest.name;
  }

  send(request: HttpRequest, listener: ExchangeListener): () => void {
    const isNative = [request.url, ...request.others ?? []].every(isForWire);
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
