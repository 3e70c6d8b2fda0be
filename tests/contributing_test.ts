/** What CONTRIBUTING.md and CHANGELOG.md name is there. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { FOREIGN_FORMS } from "../lib/run/imported.ts";
import { evaluatorNames } from "../lib/suite/evaluate.ts";
import { TARGETS } from "../scripts/compile.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const { version, tasks } = JSON.parse(read("deno.json"));
const contributing = read("CONTRIBUTING.md");

Deno.test("CONTRIBUTING names files, tasks and targets that are there", () => {
  const spans = [...contributing.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
  const paths = spans.filter((span) => /^(lib|tests|scripts|\.ci)\/\S*$/.test(span));
  assert(paths.length > 20, `${paths}`);
  assertEquals(paths.filter((path) => !existsSync(join(ROOT, path))), []);
  const [layout] = contributing.split("```\n").slice(1);
  const tops = layout.trim().split("\n").map((line) => line.split(" ")[0]);
  assertEquals(tops.filter((top) => !existsSync(join(ROOT, top))), []);
  const named = [...contributing.matchAll(/deno task (\S+?)[`\s]/g)].map(([, task]) => task);
  assertEquals(named.filter((task) => !Object.hasOwn(tasks, task)), []);
  const targets = [...contributing.matchAll(/\w+-unknown-linux-gnu/g)].map(([target]) => target);
  assertEquals(targets.filter((target) => !Object.hasOwn(TARGETS, target)), []);
});

Deno.test("CHANGELOG begins with this version, and counts right", () => {
  const changes = read("CHANGELOG.md");
  assertEquals(/^## (\S+)/m.exec(changes)?.[1], version);
  assertEquals(FOREIGN_FORMS.length, 13);
  assertStringIncludes(changes, `${evaluatorNames.length} evaluators`);
  assertStringIncludes(changes, "imports thirteen other programs' results");
});
