/**
 * The control plane of Kubernetes on this machine: its own etcd, kube-apiserver, and of the controllers
 * those of jobs and of what belongs to them. Nodes and pods are played: a pod is a process with the
 * arguments and variables that its spec says, and its state is what the test writes.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DYNO } from "../../e2e/dyno.ts";
import { freePorts } from "../../free_ports.ts";
import { until } from "../../until.ts";
import type { ChildProcess } from "node:child_process";

const PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

/** Why no cluster can be started here; null where one can. */
export function noKubernetes(): string | null {
  const missing = PROGRAMS.filter((name) => spawnSync("which", [name]).status !== 0);
  return missing.length === 0 ? null : `no ${missing.join(", ")} here`;
}

// deno-lint-ignore no-explicit-any
type Json = any;

/** A running control plane; disposed, none of its processes is left. */
export class KubeCluster implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "dyno-kube-"));
  /** What kubectl needs to find it. */
  readonly env = { KUBECONFIG: join(this.path, "kubeconfig") };
  readonly #daemons: ChildProcess[] = [];
  readonly #pods = new Map<string, { child: ChildProcess; ended: boolean }>();
  #playing: Promise<void> | null = null;
  #over = false;

  static async start(): Promise<KubeCluster> {
    const cluster = new KubeCluster();
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const [client, peer, api] = await freePorts(3);
    const at = (name: string) => join(this.path, name);
    const [etcd, etcds] = [client, peer].map((port) => `http://127.0.0.1:${port}`);
    this.#spawn("etcd", "--data-dir", at("etcd"), ...[
      ...["--listen-client-urls", etcd, "--advertise-client-urls", etcd],
      ...["--listen-peer-urls", etcds, "--initial-advertise-peer-urls", etcds],
      ...["--initial-cluster", `default=${etcds}`],
    ]);
    spawnSync("openssl", ["genrsa", "-out", at("sa.key"), "2048"]);
    writeFileSync(at("tokens.csv"), 'secret,admin,admin,"system:masters"\n');
    this.#spawn("kube-apiserver", ...[
      ...["--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", String(api)],
      ...["--cert-dir", at("certs"), "--service-cluster-ip-range", "10.0.0.0/24"],
      ...["--service-account-issuer", "https://kubernetes.default.svc"],
      ...["--service-account-key-file", at("sa.key")],
      ...["--service-account-signing-key-file", at("sa.key")],
      ...["--token-auth-file", at("tokens.csv"), "--authorization-mode", "RBAC"],
      ...["--disable-admission-plugins", "ServiceAccount"],
    ]);
    const cluster = { server: `https://127.0.0.1:${api}`, "insecure-skip-tls-verify": true };
    writeFileSync(
      this.env.KUBECONFIG,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "t", cluster }],
        users: [{ name: "t", user: { token: "secret" } }],
        contexts: [{ name: "t", context: { cluster: "t", user: "t" } }],
        "current-context": "t",
      }),
    );
    await until(
      async () => (await this.kubectl("get", "namespace", "default")).code === 0,
      "kube-apiserver",
    );
    this.#spawn("kube-controller-manager", ...[
      ...["--kubeconfig", this.env.KUBECONFIG, "--leader-elect=false"],
      ...["--controllers", "job-controller,garbage-collector-controller"],
      ...["--secure-port", "0"],
    ]);
    await this.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
    await this.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "n2" } });
  }

  /** Runs kubectl. */
  kubectl(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return this.#kubectl(args, null);
  }

  /** Makes something in the cluster. */
  async apply(made: Json, ...args: string[]): Promise<void> {
    const { code, stderr } = await this.#kubectl(["create", ...args, "-f", "-"], made);
    if (code !== 0) throw new Error(stderr);
  }

  #kubectl(args: string[], input: Json) {
    return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      const child = spawn("kubectl", args, { env: { ...process.env, ...this.env } });
      let stdout = "", stderr = "";
      child.stdout.on("data", (bytes) => stdout += bytes);
      child.stderr.on("data", (bytes) => stderr += bytes);
      child.on("close", (code) => resolve({ code, stdout, stderr }));
      child.stdin.end(input === null ? "" : JSON.stringify(input));
    });
  }

  async #pod(name: string, status: Json): Promise<void> {
    const patch = ["--subresource=status", "--type=merge", "--patch", JSON.stringify({ status })];
    await this.kubectl("patch", "pod", name, ...patch);
  }

  /** Plays the kubelets from now on. */
  play(): void {
    this.#playing = (async () => {
      while (!this.#over) {
        const { stdout } = await this.kubectl("get", "pods", "--output=json");
        for (const pod of stdout === "" ? [] : JSON.parse(stdout).items) await this.#playPod(pod);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
  }

  async #playPod({ metadata, spec, status }: Json): Promise<void> {
    const { name } = metadata;
    const known = this.#pods.get(name);
    if (metadata.deletionTimestamp !== undefined) {
      if (known && !known.ended) return void known.child.kill("SIGTERM");
      await this.kubectl("delete", "pod", name, "--grace-period=0", "--force");
      return;
    }
    if (known || status.phase !== "Pending") return;
    const target = { apiVersion: "v1", kind: "Node", name: `n${this.#pods.size % 2 + 1}` };
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name }, target };
    await this.apply(binding, "--raw", `/api/v1/namespaces/default/pods/${name}/binding`);
    const [{ args, env }] = spec.containers;
    const child = spawn(DYNO[0], [...DYNO.slice(1), ...args], {
      env: { ...process.env, ...this.#variables(metadata, env) },
      stdio: "ignore",
    });
    const played = { child, ended: false };
    this.#pods.set(name, played);
    child.on("close", async (code, signal) => {
      played.ended = true;
      const exitCode = code ?? (signal === "SIGKILL" ? 137 : 143);
      await this.#pod(name, {
        phase: exitCode === 0 ? "Succeeded" : "Failed",
        containerStatuses: [{
          ...{ name: "shard", image: "dyno", imageID: "", ready: false, restartCount: 0 },
          state: { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error" } },
        }],
      });
    });
    await this.#pod(name, { phase: "Running" });
  }

  /** The variables of a container; those that point into the pod's metadata as a kubelet resolves them. */
  #variables(metadata: Json, env: Json[] = []): Record<string, string> {
    return Object.fromEntries(env.map(({ name, value, valueFrom }) => {
      const [, field, key] = /^metadata\.(\w+)\['(.+)'\]$/.exec(
        valueFrom?.fieldRef?.fieldPath ?? "",
      ) ?? [];
      return [name, value ?? metadata[field]?.[key] ?? ""];
    }));
  }

  /** Kills the process of a pod by its number, as if its node's memory was full. */
  killPod(shard: number): void {
    for (const [name, { child }] of this.#pods) {
      if (new RegExp(`-${shard}-\\w+$`).test(name)) child.kill("SIGKILL");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#playing;
    for (const { child } of this.#pods.values()) child.kill("SIGKILL");
    for (const child of this.#daemons.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await closed;
    }
    rmSync(this.path, { recursive: true, force: true });
  }

  #spawn(program: string, ...args: string[]): void {
    mkdirSync(this.path, { recursive: true });
    this.#daemons.push(spawn(program, args, { stdio: "ignore" }));
  }
}
