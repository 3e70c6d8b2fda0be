/** Loads whose shards are pods: the manifest as it is, and a real control plane where there is one. */
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { runsIn } from "../../chaos/victims.ts";
import { dyno, startDyno } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import { until } from "../../until.ts";
import { assertMerged, runIn, sentTo, shardJournals } from "./fixture.ts";
import { KubeCluster, noKubernetes } from "./kube_cluster.ts";

const onPods = (url: string, out: string, shards: number, ...more: string[]) => [
  ...["load", "--endpoint", url, "--model", "mock", "--executor", "kubernetes"],
  ...["--shards", String(shards), "--image", "registry.example/dyno:1", "--claim", "runs"],
  ...["--concurrency", "4", "--sample-rate", "0", "--out", out, ...more],
];

Deno.test("--print shows the manifest of the job, which holds no key, and does nothing", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "runs");
  const { code, stdout, stderr } = await dyno(
    onPods("https://llm.example/v1", out, 5, "--duration", "9s", "--secret", "keys", "--print"),
    { env: { OPENAI_API_KEY: "sk-not-to-be-seen" } },
  );
  assertEquals(code, 0, stderr);
  assertEquals(stdout.includes("sk-not-to-be-seen"), false);
  assertEquals(runsIn(out), []);
  const { apiVersion, kind, metadata, spec } = parse(stdout);
  assertEquals([apiVersion, kind, metadata.name], ["batch/v1", "Job", "dyno-run"]);
  // https://kubernetes.io/docs/concepts/workloads/controllers/job/: an index each, all at a time
  assertEquals([spec.completionMode, spec.completions, spec.parallelism], ["Indexed", 5, 5]);
  assertEquals(spec.backoffLimitPerIndex, 0);
  const pod = spec.template.spec;
  assertEquals(pod.restartPolicy, "Never");
  assertEquals(pod.volumes, [{ name: "runs", persistentVolumeClaim: { claimName: "runs" } }]);
  const [container] = pod.containers;
  assertEquals(container.volumeMounts, [{ name: "runs", mountPath: out }]);
  assertEquals(container.args, ["load", "exec", `--folder=${join(out, "RUN", "shards")}`]);
  assertEquals(container.envFrom, [{ secretRef: { name: "keys" } }]);
  assertEquals(container.image, "registry.example/dyno:1");
});

Deno.test("what a cluster needs is said before anything is written", async () => {
  using folder = temporaryFolder();
  const asked = ["load", "--endpoint", "http://127.0.0.1:9", "--model", "mock", "--shards", "2"];
  const cases: [string[], RegExp][] = [
    [["--executor", "kubernetes"], /--executor kubernetes: needs --image IMAGE.* and --claim NAME/],
    [["--claim", "runs"], /--claim: needs --executor kubernetes/],
    [["--executor", "kubernetes", "--time", "5"], /--time: needs --executor slurm/],
  ];
  for (const [flags, expected] of cases) {
    const more = ["--concurrency", "2", "--duration", "1s", "--out", folder.path, ...flags];
    const { code, stderr } = await dyno([...asked, ...more]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, expected);
  }
  const none = await dyno(onPods("http://127.0.0.1:9", folder.path, 2, "--duration", "1s"), {
    env: { PATH: folder.path },
  });
  assertEquals(none.code, 2);
  assertMatch(none.stderr, /no kubectl on this host/);
  assertEquals(runsIn(folder.path), []);
});

const reason = noKubernetes();
if (reason !== null) process.stderr.write(`the trial of Kubernetes is skipped: ${reason}\n`);

Deno.test({
  name: "Kubernetes: an Indexed Job sends one load; a pod that is killed; Ctrl-C deletes the job",
  ignore: reason !== null,
  fn: async () => {
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
    await using cluster = await KubeCluster.start();
    const sent = () => sentTo(mock).length;
    const folder = (name: string) => join(cluster.path, name);
    const run = (out: string) => runIn(folder(out));
    const options = { env: cluster.env };
    cluster.play();

    const whole = await dyno(onPods(mock.url, folder("whole"), 3, "--requests", "60"), options);
    assertEquals(whole.code, 0, whole.stderr);
    assertMatch(whole.stderr, /Kubernetes job dyno-bench-\w+-\d+-\d+: 3 shards\n/);
    const results = assertMerged(run("whole"), shardJournals(run("whole"), 3));
    assertEquals([results.complete, results.total.requests.sent], [true, 60]);
    const indexes = ["get", "jobs", "--output=jsonpath={.items[0].status.completedIndexes}"];
    await until(
      async () => (await cluster.kubectl(...indexes)).stdout === "0-2",
      "the ends of all indexes",
    );

    let before = sent();
    const losing = startDyno(onPods(mock.url, folder("losing"), 2, "--duration", "20s"), options);
    await until(() => sent() > before + 20, "some answers");
    cluster.killPod(1);
    const lost = await losing.finished;
    assertEquals(lost.code, 1, lost.stderr);
    const rest = assertMerged(run("losing"), shardJournals(run("losing"), 2));
    assertEquals(rest.shards!.map(({ lost }) => lost === null), [true, false]);
    assertStringIncludes(lost.stderr, "shard 1 on ");
    assertMatch(rest.shards![1].lost!, /its pod ended: exit code 137|its pod failed/);

    before = sent();
    const long = startDyno(onPods(mock.url, folder("long"), 2, "--duration", "10m"), options);
    await until(() => sent() > before + 20, "some answers");
    long.kill("SIGINT");
    const cut = await long.finished;
    assertEquals(cut.code, 130, cut.stderr);
    const kept = assertMerged(run("long"), shardJournals(run("long"), 2));
    assertEquals(kept.shards!.map(({ lost }) => lost), [null, null]);
    assert(kept.total.requests.successful > 5);
    const { stdout } = await cluster.kubectl("get", "jobs", "--output=name");
    assertEquals(stdout.trim().split("\n").length, 2); // the two that came to their ends
  },
});
