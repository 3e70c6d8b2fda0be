/** Prometheus text and OpenMetrics, line by line, the broken ones too. */
import { assertEquals, assertLess } from "@std/assert";
import { parseExposition } from "../../../lib/load/server/prometheus_text.ts";
import { IDLE, vllmPage } from "./expositions.ts";

/** One line's name, labels and value; null when it was passed over as malformed. */
function read(line: string): [string, Record<string, string>, number] | null {
  const { samples, malformed_lines } = parseExposition(line);
  assertEquals(samples.length + malformed_lines, 1, line);
  return samples.length ? [samples[0].name, { ...samples[0].labels }, samples[0].value] : null;
}

Deno.test("samples: names, labels, values, timestamps, exemplars", () => {
  const lines: [string, [string, Record<string, string>, number]][] = [
    ["up 1", ["up", {}, 1]],
    ["  up\t1.5e3  ", ["up", {}, 1500]],
    ["up{} 1", ["up", {}, 1]],
    ['up {a = "b" , c="d",} 1', ["up", { a: "b", c: "d" }, 1]],
    ['vllm:x{le="0.1",m="a b}c,\\"{"} 2', ["vllm:x", { le: "0.1", m: 'a b}c,"{' }, 2]],
    ['up{path="C:\\\\d\\n",odd="\\t"} 3', ["up", { path: "C:\\d\n", odd: "\\t" }, 3]],
    ["up 1 1395066363000", ["up", {}, 1]],
    ["up 1 1395066363.25", ["up", {}, 1]],
    ['h_bucket{le="1"} 8 # {trace_id="q"} 0.67 1.5', ["h_bucket", { le: "1" }, 8]],
    ['h_bucket{le="1"} 8 99 # {} 0.67', ["h_bucket", { le: "1" }, 8]],
    ["up +Inf", ["up", {}, Infinity]],
    ["up -inf", ["up", {}, -Infinity]],
    ["up NaN", ["up", {}, NaN]],
    ["up .5", ["up", {}, 0.5]],
    ["up 5.", ["up", {}, 5]],
    ["up -0.25E-2", ["up", {}, -0.0025]],
    ["up 1\r", ["up", {}, 1]],
    ['up{__proto__="x"} 1', ["up", { ["__proto__"]: "x" }, 1]],
  ];
  for (const [line, sample] of lines) assertEquals(read(line), sample, line);
});

Deno.test("malformed lines are passed over and counted", () => {
  const lines = [
    "up",
    "up 1x",
    "up 0x10",
    "up 1 2 3",
    "up 1 later",
    "1up 1",
    "up{a} 1",
    'up{a="b} 1',
    'up{a="b" c="d"} 1',
    'up{a="b"',
    "up{,} 1",
    "up{a='b'} 1",
    "<html><body>404</body></html>",
    '{"error":"not found"}',
    `up{a="${"x".repeat(70_000)}"} 1`,
    `up{a="${"\\".repeat(65_000)}`,
  ];
  for (const line of lines) assertEquals(read(line), null, line.slice(0, 80));
  const { samples, malformed_lines } = parseExposition(`a 1\n${lines.join("\n")}\nb 2\n`);
  assertEquals([samples.map(({ name }) => name), malformed_lines], [["a", "b"], lines.length]);
});

Deno.test("comments, empty lines and the end of OpenMetrics are no lines of either kind", () => {
  const text = "# HELP a of what\n# TYPE a counter\n# UNIT a seconds\n#\n \t\n\na_total 1\n# EOF\n";
  assertEquals(parseExposition(text).malformed_lines, 0);
  assertEquals(parseExposition(text).samples.map(({ name }) => name), ["a_total"]);
  assertEquals(parseExposition(""), { samples: [], malformed_lines: 0 });
});

Deno.test("any bytes: never a throw", () => {
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const alphabet = 'ab_:{}="\\,# \t\n\r019.+-eINnf\u0000é';
  for (let i = 0; i < 2000; i++) {
    let text = "";
    for (let j = 0; j < 60; j++) text += alphabet[Math.floor(random() * alphabet.length)];
    parseExposition(text);
  }
});

Deno.test("of the names asked for, and no others", () => {
  const names = new Set(["a", "b:c"]);
  const text = 'a 1\naa 2\n a{x="y"} 3\n#a 4\n # b\n\nb:c 5\nb 6\na{ 7\n{ 8\nz{ 9\n';
  const { samples, malformed_lines } = parseExposition(text, names);
  assertEquals([samples.map(({ value }) => value), malformed_lines], [[1, 3, 5], 1]);
});

Deno.test("a page of thousands of lines takes milliseconds", () => {
  const page = vllmPage(...Array.from({ length: 300 }, () => IDLE));
  const { samples, malformed_lines } = parseExposition(page);
  assertEquals([samples.length, malformed_lines], [2 + 300 * 17, 0]);
  const started_ms = performance.now();
  for (let i = 0; i < 10; i++) parseExposition(page);
  assertLess((performance.now() - started_ms) / 10, 250);
});
