/**
 * Runs the paced server in a separate process: prints its port, and its status for every line that
 * it reads.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { nativeLibrary } from "../../lib/native/library.ts";
import { PacedServer } from "../../lib/native/pace.ts";

const { library, reason } = await nativeLibrary();
if (library === null) throw new Error(`no libdyno: ${reason}`);
const server = new PacedServer(library, JSON.parse(process.argv[2] ?? "{}"));
process.stdout.write(`${server.port}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(server.status())}\n`);
}
process.exit();
