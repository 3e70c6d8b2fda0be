/** What runs elsewhere: the script of a gate, the action that runs it, and the project's own workflows. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import project from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WORKFLOWS = join(ROOT, ".github/workflows");
const ACTION = join(ROOT, ".github/actions/gate");

/** Runs a line of the shell in the project's folder. */
async function shell(line: string, env: Record<string, string>) {
  const child = spawn("bash", ["-ec", line], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "", said = "";
  child.stdout.on("data", (bytes) => out += bytes);
  child.stderr.on("data", (bytes) => said += bytes);
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, out, said };
}

Deno.test("the CI example runs the suite, passes its gate and leaves its reports", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-ci-"));
  try {
    const { code, out, said } = await shell("sh experiments/ci/gate.sh", {
      DYNO: `${process.execPath} run -A --no-check main.ts`,
      RUNS: join(folder, "runs"),
      OUT: join(folder, "gate"),
      GITHUB_ACTIONS: "true",
    });
    assertEquals(code, 0, said);
    assertStringIncludes(out, "::notice title=");
    assert(!said.includes("warning:"), said);
    assert(existsSync(join(folder, "gate", "gate.xml")));
    assertStringIncludes(readFileSync(join(folder, "gate", "gate.md"), "utf8"), "passed");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

Deno.test("each check that failed is an error on GitHub, and nowhere else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-ci-"));
  try {
    writeFileSync(
      join(folder, "wrong.json"),
      JSON.stringify({ default_response: "no idea", answers: [] }),
    );
    const experiment = join(folder, "experiment.json");
    writeFileSync(
      experiment,
      JSON.stringify({
        name: "quickstart",
        suite: join(ROOT, "experiments/suites/quickstart.json"),
        model: "dyno-mock",
        mock: { script: join(folder, "wrong.json") },
      }),
    );
    for (const [on_github, count] of [["true", 1], ["", 0]] as const) {
      const { code, out, said } = await shell("sh experiments/ci/gate.sh", {
        DYNO: `${process.execPath} run -A --no-check main.ts`,
        EXPERIMENT: experiment,
        RUNS: join(folder, "runs"),
        OUT: join(folder, "gate"),
        GITHUB_ACTIONS: on_github,
      });
      assertEquals(code, 3, said);
      // GitHub's form of a workflow command: ::error title=TITLE::MESSAGE, one line each
      const errors = out.split("\n").filter((line) => line.startsWith("::error "));
      const failed = errors.filter((line) => /^::error title=[^:]+::pass_rate\b/.test(line));
      assertEquals(failed.length, count, out);
      assertEquals(errors.length, count * 2, "the check, and the tests that were lost");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A step of an action or a workflow, as far as it is read. */
interface Step {
  run?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
}

Deno.test("the gate's action does the same, with the inputs of the example workflow", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-action-"));
  try {
    const { inputs, runs } = parse(readFileSync(join(ACTION, "action.yml"), "utf8"));
    const example = parse(readFileSync(join(ROOT, "experiments/ci/github_actions.yml"), "utf8"));
    const given = example.jobs.gate.steps.find(({ uses }: { uses: string }) =>
      uses.includes("/actions/gate@")
    ).with;
    assertEquals(Object.keys(given).filter((name) => !Object.hasOwn(inputs, name)), []);
    const value = (name: string): string =>
      name === "out" || name === "runs" ? join(folder, name) : given[name] ?? inputs[name].default;
    const filled = (text: string) =>
      text.replaceAll("${{ github.action_path }}", ACTION)
        .replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name) => value(name));
    const summary = join(folder, "summary.md");
    for (const { run, env = {} } of (runs.steps as Step[]).filter(({ run }) => run)) {
      const { code, said } = await shell(run!, {
        PATH: `${join(process.execPath, "..")}:${process.env.PATH}`,
        ...Object.fromEntries(Object.entries(env).map(([name, text]) => [name, filled(text)])),
        GITHUB_ACTION_PATH: ACTION,
        GITHUB_ACTIONS: "true",
        GITHUB_STEP_SUMMARY: summary,
      });
      assertEquals(code, 0, said);
    }
    assertStringIncludes(readFileSync(summary, "utf8"), "passed");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

Deno.test("workflows name tasks, scripts and files that are there, and one version of Deno", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const deno = `v${/deno@([\d.]+)/.exec(readme)![1]}`;
  const paths = [
    ...readdirSync(WORKFLOWS).map((name) => join(WORKFLOWS, name)),
    join(ACTION, "action.yml"),
  ];
  assert(paths.length >= 3);
  for (const path of paths) {
    const text = readFileSync(path, "utf8");
    const whole = parse(text);
    const jobs: { steps?: Step[] }[] = whole.runs ? [whole.runs] : Object.values(whole.jobs);
    const steps = jobs.flatMap(({ steps = [] }) => steps);
    const versions = steps.flatMap((step) => step.with?.["deno-version"] ?? []);
    assertEquals(versions.filter((version) => version !== deno), [], path);
    for (const [, task] of text.matchAll(/deno task ([\w:]+)/g)) {
      assert(Object.hasOwn(project.tasks, task), `${path}: no task ${task}`);
    }
    for (const [name] of text.matchAll(/\b(scripts|experiments)\/[\w./]+\.\w+/g)) {
      assert(existsSync(join(ROOT, name)), `${path}: no ${name}`);
    }
    for (const [, version] of text.matchAll(/uses: (?!\.\/)\S+@(\S+)/g)) {
      assertMatch(version, /^v\d/);
    }
  }
});

Deno.test({
  name: "actionlint finds nothing in the workflows",
  ignore: spawnSync("actionlint", ["-version"]).status !== 0,
  fn: () => {
    const paths = readdirSync(WORKFLOWS).map((name) => join(WORKFLOWS, name));
    const { status, stdout } = spawnSync("actionlint", paths, { encoding: "utf8" });
    assertEquals(status, 0, stdout);
  },
});
