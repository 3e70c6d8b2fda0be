/** Opens a socket to an origin: directly, with TLS, through a Unix socket, or through a proxy's tunnel. */
import net from "node:net";
import tls from "node:tls";
import { hostOf } from "../place.ts";
import { proxyAuthorization } from "../proxy.ts";
import { inheritedGuard } from "../ssrf_guard.ts";
import { socketOptions, type TlsSettings } from "../tls.ts";
import type { Buffer } from "node:buffer";

const MOST_PROXY_ANSWER_BYTES = 16 * 1024;

/**
 * Connects. Calls exactly one of the two callbacks, once; returns a function that cancels the attempt.
 *
 * @param proxy the proxy for the URL: https goes through a tunnel, http is sent to the proxy.
 * @param settings TLS settings, for https.
 * @param onConnected called when TLS's handshake begins, if that is known.
 */
export function openSocket(
  url: URL,
  proxy: URL | null,
  settings: TlsSettings,
  onConnected: () => void,
  onReady: (socket: net.Socket) => void,
  onFailed: (error: Error) => void,
): () => void {
  let current: net.Socket | undefined;
  let over = false;
  const settle = (then: () => void) => {
    if (over) return;
    over = true;
    then();
  };
  const follow = (socket: net.Socket, event: "connect" | "secureConnect", next: () => void) => {
    current = socket;
    socket.setNoDelay(true);
    socket.once(event, () => over || next());
    socket.once("error", (error: Error) => settle(() => onFailed(error)));
    socket.once("close", () => settle(() => onFailed(new Error("closed by the server"))));
  };
  const secured = (socket?: net.Socket, at?: string) => {
    const secure = openTls(url, settings, socket, at);
    if (socket === undefined) secure.once("connect", onConnected);
    else onConnected();
    follow(secure, "secureConnect", () => settle(() => onReady(secure)));
  };
  const open = (at?: string) => {
    if (over) return;
    if (url.protocol === "https:" && proxy === null) return secured(undefined, at);
    const socket = proxy ? openPlain(proxy) : openPlain(url, at);
    const tunnelled = url.protocol === "https:";
    follow(socket, "connect", () => {
      if (!tunnelled) return settle(() => onReady(socket));
      askForTunnel(socket, url, proxy!, () => secured(socket), (error) => {
        socket.destroy();
        settle(() => onFailed(error));
      });
    });
  };
  const guard = proxy === null ? inheritedGuard() : null;
  if (guard === null) open();
  else {
    // connects to the address that was checked, because the name may resolve to another one a moment
    // later
    guard.addresses(url).then(
      ([address]) => open(address),
      (error: Error) => settle(() => onFailed(error)),
    );
  }
  return () => {
    over = true;
    current?.on("error", () => {});
    current?.destroy();
  };
}

function openPlain(url: URL, at = hostOf(url)): net.Socket {
  if (url.protocol === "http+unix:") return net.connect(decodeURIComponent(url.hostname));
  return net.connect({ host: at, port: Number(url.port) || 80 });
}

function openTls(
  url: URL,
  settings: TlsSettings,
  socket: net.Socket | undefined,
  at = hostOf(url),
): net.Socket {
  const host = hostOf(url);
  const servername = net.isIP(host) ? undefined : host;
  const to = socket ? { socket } : { host: at, port: Number(url.port) || 443 };
  return tls.connect({
    ...to,
    servername,
    ...socketOptions(settings),
    minVersion: "TLSv1.2",
    ALPNProtocols: [settings.http2 ? "h2" : "http/1.1"],
  });
}

/** CONNECT (RFC 9110, 9.3.6). */
function askForTunnel(
  socket: net.Socket,
  url: URL,
  proxy: URL,
  onOpen: () => void,
  onRefused: (error: Error) => void,
): void {
  const place = `${url.hostname}:${url.port || 443}`;
  const authorization = proxyAuthorization(proxy);
  const login = authorization ? `proxy-authorization: ${authorization}\r\n` : "";
  let answer = "";
  const read = (bytes: Buffer) => {
    answer += bytes.toString("latin1");
    const whole = answer.includes("\r\n\r\n");
    if (!whole && answer.length < MOST_PROXY_ANSWER_BYTES) return;
    socket.removeListener("data", read);
    if (/^HTTP\/1\.[01] 2\d\d/.test(answer)) return onOpen();
    onRefused(
      new Error(`the proxy ${proxy.host} says: ${answer.split("\r\n", 1)[0].slice(0, 100)}`),
    );
  };
  socket.on("data", read);
  socket.write(`CONNECT ${place} HTTP/1.1\r\nhost: ${place}\r\n${login}\r\n`);
}
