/** A real Slurm of two nodes on this machine: its own munged, slurmctld and two slurmd. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { freePorts } from "../free_ports.ts";
import { slurmIsInstalled } from "../slurm.ts";
import { until } from "../until.ts";
import { Workplace } from "./fixture.ts";
import type { Finished, Running } from "../e2e/dyno.ts";
import type { ChildProcess } from "node:child_process";

/** Why no cluster can be started here; null where one can. */
export function noSlurm(): string | null {
  if (!slurmIsInstalled()) return "no Slurm here (Debian: apt-get install slurm-wlm munge)";
  return process.getuid?.() === 0 ? null : "only root can start Slurm's daemons";
}

/** What tests set in slurm.conf. */
export interface ClusterOptions {
  /** MaxArraySize. */
  largest_array?: number;
  /** How long a node may be silent before it is taken for dead. */
  node_timeout_s?: number;
}

/** A running cluster; disposed, none of its processes is left. */
export class SlurmCluster implements AsyncDisposable {
  readonly place = new Workplace();
  /** What Slurm's commands need to find it. */
  readonly env: Record<string, string>;
  readonly #daemons = new Map<string, ChildProcess>();

  private constructor() {
    this.env = { SLURM_CONF: join(this.place.path, "slurm.conf") };
  }

  static async start(options: ClusterOptions = {}): Promise<SlurmCluster> {
    const cluster = new SlurmCluster();
    try {
      await cluster.#start(options);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(options: ClusterOptions): Promise<void> {
    const { path } = this.place;
    for (const name of ["state", "spool-n1", "spool-n2"]) mkdirSync(join(path, name));
    writeFileSync(join(path, "munge.key"), crypto.getRandomValues(new Uint8Array(1024)), {
      mode: 0o400,
    });
    this.place.write("slurm.conf", configuration(path, options, await freePorts(3)));
    const socket = join(path, "munge.socket");
    this.#spawn("munged", "--foreground", "--force", `--socket=${socket}`, ...[
      `--key-file=${path}/munge.key`,
      `--log-file=${path}/munged.log`,
      `--pid-file=${path}/munged.pid`,
      `--seed-file=${path}/munged.seed`,
    ]);
    await until(() => existsSync(socket), "munged");
    this.#spawn("slurmctld", "-D", "-c");
    await until(
      async () => (await this.output("scontrol", "ping")).includes("UP"),
      "slurmctld",
    );
    for (const node of ["n1", "n2"]) this.startNode(node);
    await until(async () => {
      const idle = await this.output("sinfo", "--noheader", "--states=idle", "--format=%D");
      return idle.trim() === "2";
    }, "two idle nodes");
  }

  /** Starts dyno in the folder that all nodes share. */
  begin(...args: string[]): Running {
    return startDyno(args, { cwd: this.place.path, env: this.env });
  }

  /** Runs dyno to its end. */
  dyno(...args: string[]): Promise<Finished> {
    return dyno(args, { cwd: this.place.path, env: this.env });
  }

  /** Starts the daemon of a node. */
  startNode(node: string): void {
    this.#spawn("slurmd", "-D", "-N", node);
  }

  /** Kills a node: its daemon and all that ran under it, as if its power went. */
  killNode(node: string): void {
    this.#daemons.get(node)!.kill("SIGKILL");
    const tasks = processesIn(`SLURMD_NODENAME=${node}`);
    for (const pid of tasks) {
      const parent = parentOf(pid);
      if (parent !== null && commandOf(parent).startsWith("slurmstepd")) killed(parent);
    }
    for (const pid of tasks) killed(pid);
  }

  /** Waits for a requeued task and lets it start now: Slurm would give it two minutes. */
  async hurryRequeued(): Promise<void> {
    const requeued = async () =>
      (await this.output("scontrol", "--oneliner", "show", "job")).split("\n")
        .find((job) => / Restarts=1 /.test(job) && / JobState=PENDING /.test(job));
    await until(async () => await requeued() !== undefined, "a requeued task");
    const [job] = /JobId=\d+/.exec(await requeued() ?? "") ?? [];
    await this.output("scontrol", "update", `${job}`, "StartTime=now");
  }

  /** Standard output of one of Slurm's commands; empty where it fails. */
  output(program: string, ...args: string[]): Promise<string> {
    return new Promise((resolve) => {
      const child = spawn(program, args, { env: { ...process.env, ...this.env } });
      let stdout = "";
      child.stdout.on("data", (bytes) => stdout += bytes);
      child.on("close", () => resolve(stdout));
    });
  }

  /** Processes that belong to this cluster. */
  processes(): number[] {
    return processesIn(`SLURM_CONF=${this.env.SLURM_CONF}`);
  }

  /** Numbers of the jobs that are in the queue. */
  async jobs(): Promise<string[]> {
    return (await this.output("squeue", "--noheader", "--format=%A")).split("\n").filter(Boolean);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemons.has("n1")) {
      await this.output("scancel", "--user=root");
      await until(async () => (await this.jobs()).length === 0, "an empty queue").catch(
        () => {},
      );
    }
    for (const child of [...this.#daemons.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5000);
      await closed;
      clearTimeout(late);
    }
    for (const pid of this.processes()) killed(pid);
    this.place[Symbol.dispose]();
  }

  #spawn(program: string, ...args: string[]): void {
    const child = spawn(`/usr/sbin/${program}`, args, {
      env: { ...process.env, ...this.env },
      stdio: "ignore",
    });
    this.#daemons.set(program === "slurmd" ? args.at(-1)! : program, child);
  }
}

function configuration(
  path: string,
  { largest_array = 100, node_timeout_s = 60 }: ClusterOptions,
  [controller, ...nodes]: number[],
): string {
  const host = hostname().split(".")[0];
  const lines = nodes.map((port, i) =>
    `NodeName=n${i + 1} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=1 RealMemory=1000`
  );
  return `
ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=${path}/munge.socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation=${path}/state
SlurmdSpoolDir=${path}/spool-%n
SlurmctldPidFile=${path}/slurmctld.pid
SlurmdPidFile=${path}/slurmd-%n.pid
SlurmctldLogFile=${path}/slurmctld.log
SlurmdLogFile=${path}/slurmd-%n.log
SlurmdTimeout=${node_timeout_s}
MessageTimeout=${Math.min(10, node_timeout_s)}
KillWait=2
MaxArraySize=${largest_array}
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
${lines.join("\n")}
PartitionName=main Nodes=ALL Default=YES MaxTime=10 State=UP
`;
}

/** Processes with a variable in their environment. */
function processesIn(variable: string): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      readlinkSync(`/proc/${pid}/exe`); // a zombie has none
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(variable);
    } catch {
      return false;
    }
  });
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}

function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}
