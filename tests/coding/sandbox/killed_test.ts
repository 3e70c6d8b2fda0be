/** Where dyno is killed while sandboxes are being made, none of their processes stays. */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../../lib/stats/random.ts";
import { Orphans } from "../../chaos/orphans.ts";
import { available } from "./fixture.ts";

const KILLS = process.env.DYNO_TEST_LONG === undefined ? 10 : 50;
const LATEST_MS = 60;

Deno.test({
  name: `${KILLS} kills among sandboxes that are being made leave no process`,
  ignore: !available,
  fn: async () => {
    using orphans = new Orphans();
    const random = seededRandom(22);
    const program = fileURLToPath(new URL("./many_program.ts", import.meta.url));
    for (let kill = 0; kill < KILLS; kill++) {
      const maker = spawn(process.execPath, ["run", "-A", "--no-check", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      orphans.expect(maker.pid!);
      const ended = new Promise((resolve) => maker.on("exit", resolve));
      await new Promise((resolve) => maker.stdout.once("data", resolve));
      await new Promise((resolve) => setTimeout(resolve, random() * LATEST_MS));
      process.kill(maker.pid!, "SIGKILL");
      await ended;
      await orphans.gone();
    }
  },
});
