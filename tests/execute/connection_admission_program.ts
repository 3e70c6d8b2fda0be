/** A server that takes more connections than there are descriptors for. */
import { createServer } from "node:http";
import process from "node:process";
import { ConnectionAdmission } from "../../lib/execute/connection_admission.ts";

// As every command of dyno does at its start: Deno panics where it must open its pipe for signals
// when no descriptor is left.
process.on("SIGINT", () => process.exit(130));
const server = createServer((_request, response) => void response.end("served"));
const limits = { first_ms: 600_000, kept_ms: 600_000, connections: 100_000 };
const { port } = await ConnectionAdmission.ofHttp(server, limits).listen("127.0.0.1", 0);
// deno-lint-ignore no-console
console.log(port);
