/** Commands whose work is done elsewhere, as victims of a kill: an object storage, a Slurm cluster. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { PART_BYTES } from "../../lib/upload/multipart.ts";
import { DENO_DIR } from "../e2e/dyno.ts";
import { runId, writeRun } from "../run/runs_fixture.ts";
import { jsonIn } from "../suite/fixture.ts";
import { processesWith, shellSweep } from "../sweep/fixture.ts";
import { until } from "../until.ts";
import type { Bucket } from "../upload/fixture.ts";
import type { SlurmCluster } from "../sweep/slurm_cluster.ts";
import type { Victim } from "./victims.ts";

const SMALL_FILES = 12;

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** A run with a file that goes in three parts. */
export function uploading(bucket: Bucket): Victim {
  return {
    name: "runs upload",
    changes: 40,
    lasts_ms: 2500,
    stage(folder) {
      const run = writeRun(join(folder, "runs"), 1, { marks: "10x1" });
      mkdirSync(join(run, "items"));
      for (let i = 0; i < SMALL_FILES; i++) {
        writeFileSync(join(run, "items", `${i}.txt`), `text ${i}`);
      }
      writeFileSync(join(run, "samples.bin"), randomBytes(2 * PART_BYTES + 1));
      const files = readdirSync(run, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(run.length + 1)).sort();
      const prefix = basename(folder);
      const below = `${prefix}/${runId(1)}`;
      const cache = join(folder, "cache");
      return {
        env: { ...bucket.environment, XDG_CACHE_HOME: cache, DENO_DIR },
        args: () => [
          ...["runs", "upload", runId(1), "--runs", join(folder, "runs")],
          ...["--to", `s3://results/${prefix}`],
        ],
        finished: () => bucket.keys(below),
        async check() {
          assertEquals(bucket.keys(below), files);
          for (const file of files) {
            const hash = sha256(join(run, file));
            const there = await bucket.object(`${below}/${file}`);
            assertEquals(there, { sha256: hash, told: hash }, file);
          }
          assertEquals(bucket.uploads().filter(({ key }) => key.startsWith(prefix)), []);
          const kept = join(cache, "dyno", "uploads");
          assertEquals(existsSync(kept) ? readdirSync(kept) : [], []);
        },
      };
    },
  };
}

const RUNS = 6;

/** The process that submits and waits is killed, and in each chain one task on its node, too. */
export function sweepOnSlurm(cluster: SlurmCluster): Victim {
  return {
    name: "sweep --executor slurm",
    changes: 24,
    lasts_ms: 3500,
    stage(folder) {
      const file = join(folder, "sweep.json");
      const [held, twice] = [join(folder, "held"), join(folder, "twice")];
      mkdirSync(held);
      const said = "echo {seed} > {out_dir}/said; sleep 0.3";
      const script =
        `flock -n ${held}/{seed} sh -c '${said}' || { echo {seed} >> ${twice}; exit 1; }`;
      writeFileSync(file, JSON.stringify({ ...shellSweep(script, RUNS), out_root: folder }));
      const tree = join(folder, "shell");
      const runs = () => existsSync(join(tree, "runs")) ? readdirSync(join(tree, "runs")) : [];
      const meta = (run: string) => join(tree, "runs", run, "meta.json");
      const ended = () => runs().filter((run) => existsSync(meta(run)));
      let waits = false, spared = true;
      return {
        env: cluster.env,
        args: () =>
          waits
            ? ["sweep", "status", "--exp_dir", tree, "--wait"]
            : ["sweep", "--config", file, "--executor", "slurm", "--resume"],
        // what it says is to be done first is done, and so is what it says is left
        goesOn({ code, stderr }) {
          const waited = waits;
          waits = code === 2 && /in use by Slurm job \d+; wait for it/.test(stderr);
          return waited || waits || (code === 1 && /left no result: its task ended/.test(stderr));
        },
        finished: () => ended().map((run) => `${run} ${jsonIn(meta(run)).start_time_unix_s}`),
        async drive(running) {
          if (!spared) return;
          let over = false;
          running.finished.then(() => over = true);
          const tasks = () => processesWith(`--exp_dir=${tree}`);
          await until(() => over || tasks().length > 0, "a task");
          for (const pid of tasks().slice(0, 1)) {
            spared = false;
            process.kill(pid, "SIGKILL");
          }
        },
        async check() {
          assertEquals(ended().length, RUNS);
          for (const run of ended()) {
            const { run_id, params, exit_code } = jsonIn(meta(run));
            assertEquals([run_id, exit_code], [run, 0]);
            const said = readFileSync(join(tree, "runs", run, "out", "said"), "utf8");
            assertEquals(said, `${params.seed}\n`);
          }
          assert(!existsSync(twice), "a run was begun while it went on");
          await until(async () => {
            const scripts = await cluster.output("squeue", "--noheader", "--format=%o");
            return !scripts.includes(folder);
          }, "an empty queue");
          await until(() => processesWith(folder).length === 0, "the end of all tasks");
        },
      };
    },
  };
}
