/** The signals that reach the threads of libdyno. */
import { PacedServer } from "../../lib/native/pace.ts";
import { NativeSampler } from "../../lib/native/sampler.ts";
import { Wire } from "../../lib/native/wire.ts";
import { until } from "../until.ts";
import { library } from "./fixtures.ts";

/** signal(7), x86 and ARM. */
const FAULTS = { SIGILL: 4, SIGBUS: 7, SIGFPE: 8, SIGSEGV: 11 };
const OTHERS = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15, SIGCHLD: 17 };

/** Of the threads that leave SIGTERM to others, what else each blocks: by SigBlk of proc(5). */
function blocked(): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    try {
      const status = Deno.readTextFileSync(`/proc/self/task/${name}/status`);
      const mask = BigInt(`0x${/^SigBlk:\s*(\w+)$/m.exec(status)![1]}`);
      const signals = Object.entries({ ...FAULTS, ...OTHERS })
        .filter(([, signal]) => (mask >> BigInt(signal - 1) & 1n) === 1n).map(([signal]) => signal);
      if (signals.includes("SIGTERM")) found.push(signals.join(" "));
    } catch { /* it has ended since */ }
  }
  return found;
}

// With its own faults blocked a thread that fails ends the process before the runtime or the kernel's log
// can tell of it: force_sig_info_to_task() of Linux then takes the default action at once.
Deno.test("threads of libdyno leave signals to the runtime, all but those of their own faults", async () => {
  const native = await library();
  using _pace = new PacedServer(native, {});
  await using _wire = new Wire(native);
  using sampler = new NativeSampler(native, { metrics: ["memory"] });
  sampler.start();
  const expected = Object.keys(OTHERS).join(" ");
  // One of each; a thread that glibc is just starting has everything blocked for a moment.
  const right = () => blocked().filter((signals) => signals === expected).length === 3;
  await until(right, () => JSON.stringify(blocked()));
});
