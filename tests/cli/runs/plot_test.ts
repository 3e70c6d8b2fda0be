/** dyno runs plot: pictures that a browser and others can read, with what the run holds. */
import { Buffer } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dynoEach } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

const LOAD = "bench_00000001_20260101_000000", ONE = "bench_00000002_20260101_000001";
const SUITE = "bench_00000003_20260101_000002";

Deno.test("every chart of a load and of a suite, as SVG and as PNG", async (t) => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.005 } });
  using folder = temporaryFolder();
  const { path } = folder;
  await Deno.writeTextFile(
    `${path}/suite.json`,
    JSON.stringify({
      test_suite_id: "pictures & <words>",
      tests: Array.from({ length: 6 }, (_, i) => ({
        id: `t${i}`,
        name: `t${i}`,
        category: i % 2 ? "a<b" : "c&d",
        prompt: `question ${i}`,
      })),
    }),
  );
  const load = (id: string, ...more: string[]) => [
    ...["load", `--endpoint=${mock.url}`, "--model=mock", "--sample-rate=0", `--run-id=${id}`],
    ...more,
  ];
  const suite = ["run", "suite.json", `--endpoint=${mock.url}`, "--model=mock", "--sample-rate=0"];
  const made = await dynoEach([
    load(LOAD, "--stages=concurrency=1:500ms concurrency=4:500ms"),
    load(ONE, "-c", "2", "--requests=10"),
    [...suite, `--run-id=${SUITE}`],
  ], { cwd: path });
  for (const { code, stderr } of made) assertEquals(code, 0, stderr);
  const plot = (run: string, ...more: string[]) => ["runs", "plot", run, ...more];

  await t.step("SVG on standard output: well formed, no style sheet, no variable", async () => {
    const shown = await dynoEach([
      plot(LOAD),
      plot(LOAD, "--chart=latency", "--width=600"),
      plot(LOAD, "--chart=curve"),
      plot(SUITE),
      plot(SUITE, "--chart=latency"),
    ], { cwd: path });
    for (const { code, stdout, stderr } of shown) {
      assertEquals(code, 0, stderr);
      assert(stdout.startsWith("<svg xmlns="), stdout.slice(0, 80));
      assert(!/var\(--|<style|NaN|undefined/.test(stdout));
      // well formed: every element is closed, by a count of its own
      const opened = [...stdout.matchAll(/<([a-z]+)[^>]*?(\/?)>/gi)].filter(([, , end]) =>
        end === ""
      );
      assertEquals(opened.length, [...stdout.matchAll(/<\/[a-z]+>/gi)].length);
    }
    const [timeline, latency, , suiteTimeline] = shown.map(({ stdout }) => stdout);
    assertStringIncludes(latency, 'width="600"');
    assertStringIncludes(latency, "load on mock");
    assertStringIncludes(timeline, "requests a second");
    assertStringIncludes(suiteTimeline, "pictures &amp; &lt;words&gt; on mock");
    assertStringIncludes(suiteTimeline, "a&lt;b"); // the legend's
  });

  await t.step("the curve of several loads, whatever their order", async () => {
    const [levels, turned, stages] = await dynoEach([
      plot(ONE, LOAD),
      plot(LOAD, ONE, "--chart=curve"),
      plot(LOAD, "--chart=curve"),
    ], { cwd: path });
    for (const { code, stderr } of [levels, turned]) assertEquals(code, 0, stderr);
    assertStringIncludes(levels.stdout, "load on mock");
    // names of clips and classes count up in a process
    const drawn = (svg: string) => svg.replace(/zr\d+-\w+(-\d+)?/g, "zr");
    assertEquals(drawn(levels.stdout), drawn(turned.stdout));
    assert(levels.stdout !== stages.stdout);
    const titles = (svg: string) => svg.match(/(e2e, ms over requests\/s|output tokens\/s)/g);
    assertEquals(titles(levels.stdout), titles(stages.stdout));
  });

  await t.step("a PNG of twice the size", async () => {
    const [{ code, stderr }] = await dynoEach([
      plot(LOAD, "--chart=latency", "--out=latency.png", "--width=500"),
    ], { cwd: path });
    assertEquals(code, 0, stderr);
    const bytes = readFileSync(`${path}/latency.png`);
    assertEquals(bytes.subarray(0, 8), Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])); // PNG, 5.2
    assertEquals(bytes.readUInt32BE(16), 1000); // IHDR: the width
    assert(bytes.length > 5000);
  });

  await t.step("what cannot be drawn is said", async () => {
    const refused = await dynoEach([
      plot(ONE, "--chart=curve"),
      plot(SUITE, "--chart=curve"),
      plot(LOAD, "--out=x.gif"),
      plot(LOAD, "--chart=latencies"),
      ["runs", "plot"],
      plot("bench_ffffffff"),
      plot(LOAD, SUITE),
      plot(LOAD, ONE, "--chart=latency"),
    ], { cwd: path });
    const said = [
      "two stages or more",
      "it has timeline, latency",
      ".svg or .png",
      "latency",
      "one run",
      "bench_ffffffff",
      "is a suite",
      "takes one run",
    ];
    refused.forEach(({ code, stderr }, i) => {
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, said[i]);
    });
    assert(!existsSync(`${path}/x.gif`));
  });
});
