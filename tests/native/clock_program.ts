/** Says which clock nowNs reads, and what it reads. */
import { clockSource, nowNs } from "../../lib/native/clock.ts";

// deno-lint-ignore no-console
console.log(JSON.stringify([clockSource, nowNs()]));
