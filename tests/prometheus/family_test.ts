/** Families: the text is prom-client's own, and only what changed is told anew. */
import { assertEquals, assertMatch } from "@std/assert";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { Families } from "../../lib/prometheus/families.ts";
import { Family } from "../../lib/prometheus/family.ts";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { seededRandom } from "../../lib/stats/random.ts";

const BUCKETS = [0.1, 0.5, 2.5];

Deno.test("the text is prom-client's, byte for byte, whatever changed between scrapes", async () => {
  const random = seededRandom(7);
  const families = await Families.open("p");
  const ours = {
    up: families.counter("up_total", 'Help with \\ and "quotes".', ["a", "b"]),
    level: families.gauge("level", "A level.", ["a"]),
    bare: families.gauge("bare", "No labels."),
    took: families.histogram("took_seconds", "Times.", ["a", "b"], BUCKETS),
    never: families.counter("never_total", "Without a series.", ["a"]),
  };
  const registry = new Registry();
  const registers = [registry];
  const theirs = {
    up: new Counter({
      name: "p_up_total",
      help: 'Help with \\ and "quotes".',
      labelNames: ["a", "b"],
      registers,
    }),
    level: new Gauge({ name: "p_level", help: "A level.", labelNames: ["a"], registers }),
    bare: new Gauge({ name: "p_bare", help: "No labels.", registers }),
    took: new Histogram({
      name: "p_took_seconds",
      help: "Times.",
      labelNames: ["a", "b"],
      buckets: BUCKETS,
      registers,
    }),
    never: new Counter({
      name: "p_never_total",
      help: "Without a series.",
      labelNames: ["a"],
      registers,
    }),
  };
  assertEquals(Object.keys(ours), Object.keys(theirs));
  const values = ["x", 'q"uote', "back\\slash", "new\nline", "ü", ""];
  const some = () => values[Math.floor(random() * values.length)];
  for (let scrape = 0; scrape < 60; scrape++) {
    for (let i = Math.floor(random() * 6); i > 0; i--) {
      const [a, b, value] = [some(), some(), random() * 3];
      const kind = Math.floor(random() * 5);
      if (kind === 0) {
        ours.up.of({ a, b }).inc(value);
        theirs.up.inc({ a, b }, value);
      } else if (kind === 1) {
        ours.level.of({ a }).set(-value);
        theirs.level.set({ a }, -value);
      } else if (kind === 2) {
        ours.bare.of({}).inc(value);
        theirs.bare.inc(value);
      } else if (kind === 3) {
        ours.took.of({ a, b }).observe(value);
        theirs.took.observe({ a, b }, value);
      } else {
        ours.level.drop({ a });
        theirs.level.remove({ a });
      }
    }
    assertEquals(await families.text(), await registry.metrics(), `scrape ${scrape}`);
  }
});

/** A registry that counts how often it was told. */
class CountedRegistry extends Registry {
  static told = 0;

  override metrics(): Promise<string> {
    CountedRegistry.told++;
    return super.metrics();
  }
}

Deno.test("a series that did not change is not told anew, and a family neither", async () => {
  const family = new Family<"a", Counter>(
    () => new CountedRegistry(),
    (registers, labelNames) => new Counter({ name: "n", help: "h", registers, labelNames }),
    ["a"],
  );
  const told = async () => {
    const before = CountedRegistry.told;
    const text = await family.text();
    return { text, told: CountedRegistry.told - before };
  };
  for (let i = 0; i < 100; i++) family.of({ a: `${i}` }).inc();
  assertEquals((await told()).told, 101); // and the head
  assertEquals((await told()).told, 0);
  family.of({ a: "7" }).inc();
  const { text, told: again } = await told();
  assertMatch(text, /^n\{a="7"\} 2$/m);
  assertEquals(again, 2);
});

Deno.test("of scrapes at the same time each has all that was counted before it", async () => {
  const families = await Families.open("p");
  const counter = families.counter("n_total", "h", ["a"]);
  const scrapes: Promise<string>[] = [];
  for (let n = 1; n <= 20; n++) {
    counter.of({ a: "1" }).inc();
    if (n % 5 === 0) await Promise.resolve();
    scrapes.push(families.text());
  }
  for (const [i, text] of (await Promise.all(scrapes)).entries()) {
    const value = Number(/^p_n_total\{a="1"\} (\d+)$/m.exec(text)?.[1]);
    assertEquals(value > i, true, `scrape ${i + 1}: ${value}`);
  }
  assertMatch(await families.text(), /^p_n_total\{a="1"\} 20$/m);
});

Deno.test("a task that starts leaves the times of the ones before it", async () => {
  await using metrics = await openMetrics();
  const task = { agent_type: "a", simulation_mode: "none", model: "m" };
  metrics.tasks.started(task);
  metrics.tasks.ended(task, "success", 3);
  metrics.tasks.started(task);
  const { text } = await metrics.text();
  assertMatch(text, /^dyno_task_duration_seconds_count\{.*status="success".*\} 1$/m);
});
