/**
 * A storage that speaks S3, with the bucket "results" in a folder:
 * deno run -A s3_server.ts FOLDER. Prints its port.
 */
import process from "node:process";
import S3rver from "@20minutes/s3rver";

const [directory] = process.argv.slice(2);
const server = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  vhostBuckets: false,
  directory,
  configureBuckets: [{ name: "results", configs: [] }],
});
const { port } = await server.run();
process.stdout.write(`${port}\n`);
