// A server of HTTP/2 alone, by Node's nghttp2: prints its port, ends when its input does.
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import process from "node:process";

const { key, cert } = JSON.parse(process.argv[2]);
const server = http2.createSecureServer({
  key: readFileSync(key),
  cert: readFileSync(cert),
  allowHTTP1: false,
  settings: { maxConcurrentStreams: 20 },
});
const { NGHTTP2_INTERNAL_ERROR } = http2.constants;
const answer = (stream, type, body) => {
  stream.respond({ ":status": 200, "content-type": type });
  stream.end(body);
};
const sessions = new Map();
server.on("session", (session) => sessions.set(session, sessions.size + 1));
server.on("sessionError", () => {});

server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  const path = headers[":path"];
  let size = 0;
  stream.on("data", (bytes) => size += bytes.length);
  stream.on("end", () => {
    if (path === "/v1/models") {
      return answer(stream, "application/json", '{"data":[{"id":"m"}]}');
    }
    if (path === "/seen") {
      const seen = { size, headers, connection: sessions.get(stream.session) };
      return answer(stream, "application/json", JSON.stringify(seen));
    }
    if (path === "/silent") return;
    stream.respond({ ":status": 200, "content-type": "text/event-stream" });
    let count = 0;
    const timer = setInterval(() => {
      const last = ++count === 10;
      const choice = last
        ? { delta: {}, finish_reason: "stop" }
        : { delta: { content: `${count} ` }, finish_reason: null };
      stream.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
      if (path === "/reset" && count === 3) stream.close(NGHTTP2_INTERNAL_ERROR);
      if (path === "/gone" && count === 3) stream.session.destroy();
      if (last) stream.end("data: [DONE]\n\n");
      if (last || stream.destroyed) clearInterval(timer);
    }, 5);
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on("data", () => {}).on("end", () => process.exit());
