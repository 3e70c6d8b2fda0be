/**
 * Samples a folder that stands for a still host and prints the layout and the first two records:
 * the same under every runtime. Arguments: the folder, NVML's library. No `using`: Node 22 lacks it.
 */
import process from "node:process";
import { nativeLibrary } from "../../lib/native/library.ts";
import { Nvml } from "../../lib/native/nvml.ts";
import { NativeSampler } from "../../lib/native/sampler.ts";

const [root, nvmlPath] = process.argv.slice(2);
const { library, reason } = await nativeLibrary();
if (!library) throw new Error(reason);
const sampler = new NativeSampler(library, { root, nvmlPath, rateHz: 500, pids: [4242] });
sampler.start();
const records: unknown[] = [];
while (records.length < 2) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (const batch of sampler.drainAll()) {
    for (let i = 0; i < batch.count && records.length < 2; i++) {
      records.push(sampler.layout.fields.map(({ name }, field) => [
        name,
        // How far these two have come is a matter of the moment.
        /energy_j|pcie/.test(name) ? "moves" : batch.value(i, field),
        batch.valid(i, field),
        /energy_j|pcie/.test(name) ? "moves" : batch.fresh(i, field),
      ]));
    }
  }
}
sampler.close();
const nvml = new Nvml(library, nvmlPath);
const { temperature_celsius } = nvml.read(0);
const { layout } = sampler;
nvml.close();
process.stdout.write(
  JSON.stringify({ layout, records, gpus: nvml.gpus, temperature_celsius }) + "\n",
);
process.stderr.write(`${library.bridge}\n`);
