/** What the sweep's tests share: a folder to work in, sweep files, and a look at processes. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJson } from "../../lib/settings/json_file.ts";
import { sweepConfigOf } from "../../lib/sweep/config.ts";
import { runSweep } from "../../lib/sweep/run_sweep.ts";
import { dyno, startDyno } from "../e2e/dyno.ts";
import type { RunOutcome } from "../../lib/sweep/run_one.ts";
import type { Finished, Running } from "../e2e/dyno.ts";

/** A working folder, gone afterwards. */
export class Workplace implements Disposable {
  readonly path: string;

  constructor(under = tmpdir()) {
    this.path = mkdtempSync(join(under, "dyno-sweep-"));
  }

  /** Writes a file; gives its path from the working folder. */
  write(name: string, content: unknown): string {
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    mkdirSync(join(this.path, name, ".."), { recursive: true });
    writeFileSync(join(this.path, name), text);
    return name;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  list(name: string): string[] {
    return readdirSync(join(this.path, name)).sort();
  }

  dyno(...args: string[]): Promise<Finished> {
    return dyno(args, { cwd: this.path });
  }

  start(...args: string[]): Running {
    return startDyno(args, { cwd: this.path });
  }

  /** A sweep in this process, to its end: how its runs went. */
  async sweep(sweep: Record<string, unknown>): Promise<RunOutcome[]> {
    const out_root = join(this.path, "bench_runs");
    const config = sweepConfigOf(parseJson("s.json", JSON.stringify({ ...sweep, out_root })));
    const ended: RunOutcome[] = [];
    const options = {
      resume: false,
      fail_fast: false,
      onRun: (run: RunOutcome) => ended.push(run),
    };
    await runSweep(config, options, new AbortController().signal);
    return ended;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A small sweep of the simulator: 2 policies × 2 seeds × 2 ablations. */
export function smallSweep(changes: Record<string, unknown> = {}) {
  return {
    name: "small",
    sim_binary: "./build/agent_sched_sim",
    common_args: {
      pdfs: 2,
      iters: 2,
      subqueries: 1,
      time_scale: 50,
      enable_model_routing: true,
      heavy_tail_prob: 0.02,
      heavy_tail_mult: 50,
      trace: "none",
    },
    matrix: {
      workflows: [4],
      policy: ["fifo_cheapest", "full"],
      seeds: [1, 2],
      ablations: [
        { name: "baseline", flags: [] },
        { name: "no_hedge", flags: ["--disable_hedging"] },
      ],
    },
    jobs: 2,
    ...changes,
  };
}

/** A sweep of a shell script; `{seed}` and other places stand in it. */
export function shellSweep(script: string, seeds: number, changes: Record<string, unknown> = {}) {
  return {
    name: "shell",
    command: ["sh", "-c", script],
    matrix: { seeds: Array.from({ length: seeds }, (_, i) => i + 1) },
    jobs: 3,
    ...changes,
  };
}

/** Numbers of processes whose command line holds a text. */
export function processesWith(mark: string): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const state = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (/^\d+ \(.*\) Z/s.test(state)) return false;
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  }).map(Number);
}
