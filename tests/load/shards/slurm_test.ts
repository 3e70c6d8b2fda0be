/** Loads whose shards are tasks of a real Slurm with two nodes, on this machine. */
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { noSlurm, SlurmCluster } from "../../sweep/slurm_cluster.ts";
import { until } from "../../until.ts";
import { assertMerged, runIn, sentTo, shardJournals } from "./fixture.ts";
import type { ClusterOptions } from "../../sweep/slurm_cluster.ts";

const reason = noSlurm();
if (reason !== null) process.stderr.write(`the tests of Slurm are skipped: ${reason}\n`);

/** A test with a cluster and a server of its own, of which no process may be left. */
function slurmTest(
  name: string,
  body: (cluster: SlurmCluster, mock: MockEndpoint) => Promise<void>,
  options?: ClusterOptions,
): void {
  Deno.test({
    name: `Slurm: ${name}`,
    ignore: reason !== null,
    fn: async () => {
      await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
      let ended: SlurmCluster;
      {
        await using cluster = await SlurmCluster.start(options);
        ended = cluster;
        await body(cluster, mock);
      }
      assertEquals(ended.processes(), []);
    },
  });
}

const onSlurm = (mock: MockEndpoint, out: string, shards: number, ...more: string[]) => [
  ...["load", "--out", out, "--endpoint", mock.url, "--model", "mock", "--executor", "slurm"],
  ...["--shards", String(shards), "--concurrency", "4", "--sample-rate", "0", ...more],
];

slurmTest(
  "two nodes send one load; Ctrl-C cancels the job and keeps what arrived",
  async (cluster, mock) => {
    const run = (out: string) => runIn(join(cluster.place.path, out));
    const { code, stderr } = await cluster.dyno(
      ...onSlurm(
        mock,
        "whole",
        2,
        "--requests",
        "60",
        "--partition",
        "main",
        "--time",
        "5",
        "--memory",
        "100M",
      ),
    );
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /Slurm job \d+: 2 shards\n/);
    const results = assertMerged(
      run("whole"),
      shardJournals(run("whole"), 2),
    );
    assertEquals([results.complete, results.total.requests.sent], [true, 60]);

    const long = cluster.begin(...onSlurm(mock, "cut", 2, "--duration", "10m"));
    const before = sentTo(mock).length;
    await until(() => sentTo(mock).length > before + 30, "some answers");
    long.kill("SIGINT");
    const cut = await long.finished;
    assertEquals(cut.code, 130, cut.stderr);
    const kept = assertMerged(run("cut"), shardJournals(run("cut"), 2));
    assertEquals(kept.complete, false);
    assertEquals(kept.shards!.map(({ lost }) => lost), [null, null]);
    assert(kept.total.requests.successful > 10);
    assertEquals(await cluster.jobs(), []);

    // three at a time cannot be: nothing is sent, and it is said what is waited for
    const sent = sentTo(mock).length;
    const waiting = cluster.begin(...onSlurm(mock, "waiting", 3, "--requests", "9"));
    await until(
      () => /2 of 3 shards ready/.test(waiting.said()) && /PENDING|pending/.test(waiting.said()),
      "two of three",
    );
    waiting.kill("SIGINT");
    assertEquals((await waiting.finished).code, 130);
    assertEquals(sentTo(mock).length, sent);
    assertEquals(await cluster.jobs(), []);
  },
);

slurmTest(
  "a node dies in mid-load: its shard is told by name, the other's records are the run",
  async (cluster, mock) => {
    const run = (out: string) => runIn(join(cluster.place.path, out));
    const running = cluster.begin(...onSlurm(mock, "one", 2, "--duration", "15s"));
    await until(() => sentTo(mock).length > 40, "some answers");
    cluster.killNode("n2");
    const { code, stderr } = await running.finished;
    assertEquals(code, 1, stderr);
    const results = assertMerged(run("one"), shardJournals(run("one"), 2));
    const lost = results.shards!.filter((shard) => shard.lost !== null);
    assertEquals(lost.length, 1, stderr);
    assertMatch(lost[0].lost!, /its task ended as|Slurm no longer knows/);
    assertStringIncludes(stderr, `${lost[0].name} on `);
    assertEquals(results.complete, false);
  },
  { node_timeout_s: 3 },
);
