/** Ends in one of many ways while a sampler at 1 kHz runs. Argument: how. */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeLibrary } from "../../lib/native/library.ts";
import { NativeSampler } from "../../lib/native/sampler.ts";

const { library, reason } = await nativeLibrary();
if (!library) throw new Error(reason);

function begin(): NativeSampler {
  const sampler = new NativeSampler(library!, { rateHz: 1000, metrics: ["cpu", "memory", "gpu"] });
  sampler.start();
  return sampler;
}

let sampler: NativeSampler | null = begin();
for (let waited_ms = 0; sampler.drain().count === 0; waited_ms += 10) {
  if (waited_ms > 10_000) throw new Error("no records");
  await sleep(10);
}

switch (process.argv[2]) {
  case "end":
    break; // the script's end, the sampler running
  case "close":
    sampler.close();
    break;
  case "close_library":
    sampler.close();
    library.close();
    break;
  case "library_first":
    library.close(); // with threads still running in it
    break;
  case "throw":
    throw new Error("on purpose");
  case "reject":
    Promise.reject(new Error("on purpose"));
    await sleep(1000);
    break;
  case "exit":
    process.exit(3);
    break;
  case "forget": {
    sampler = null;
    const collect = (globalThis as { gc?: () => void }).gc!;
    for (let i = 0; i < 20; i++) {
      collect();
      await sleep(10);
    }
    break;
  }
  case "wait":
    process.stdout.write("ready\n");
    await sleep(60_000);
}
