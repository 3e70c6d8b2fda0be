/** dyno's command line for each list of arguments, given as JSON, one after the other in one process. */
import process from "node:process";
import { main } from "../../lib/cli/main.ts";

const lists: string[][] = JSON.parse(process.argv[2]);
const write = process.stdout.write.bind(process.stdout);
const ended: { code: number; stdout: string; stderr: string }[] = [];
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
process.setMaxListeners(0); // each ends the process, elsewhere, before the next
for (const args of lists) {
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    process[name].write = (text: string | Uint8Array) => {
      said[name] += text;
      return true;
    };
  }
  ended.push({ code: await main(args), ...said });
}
write(JSON.stringify(ended));
