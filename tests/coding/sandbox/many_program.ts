/** Makes sandboxes one after the other, of a program that never ends and reads nothing; a test kills it. */
import { spawn } from "node:child_process";
import process from "node:process";
import { bubblewrap } from "../../../lib/coding/sandbox/bubblewrap.ts";

const confinement = await bubblewrap({ folders: [], hidden: [], tmp_bytes: 1 << 20 });
if (typeof confinement === "string") throw new Error(confinement);
process.stdout.write("open\n");
for (let made = 0; made < 20; made++) {
  const [program, ...words] = confinement.wrap(["/usr/bin/sleep", "100000"]).command;
  spawn(program, words, { stdio: "pipe" });
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await new Promise((resolve) => setTimeout(resolve, 60_000));
