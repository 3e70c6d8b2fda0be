/** A server that takes more connections than there are descriptors for. */
import { createServer } from "node:http";
import { ConnectionAdmission } from "../../lib/execute/connection_admission.ts";

const server = createServer((_request, response) => void response.end("served"));
const limits = { first_ms: 600_000, kept_ms: 600_000, connections: 100_000 };
const { port } = await ConnectionAdmission.ofHttp(server, limits).listen("127.0.0.1", 0);
// deno-lint-ignore no-console
console.log(port);
