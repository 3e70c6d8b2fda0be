/** What models could answer to attack whoever reads a report: nothing is run, nothing leaves. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/csv/parse";
import { chromium } from "playwright-core";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { browserPath } from "../browser.ts";
import { dyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const BEACON = "http://127.0.0.1:9/beacon";
const RUN = `window.hacked=1;fetch('${BEACON}')`;

/** Markup, scripts, breakouts of all places in which a text may stand, and letters that deceive. */
const CORPUS = [
  `<script>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `</SCRIPT \n><sCrIpT>${RUN}</sCrIpT>`,
  `<!--<script>--><script>${RUN}</script>`,
  `]]><script>${RUN}</script><![CDATA[`,
  `--><img src=x onerror="${RUN}">`,
  `"><img src=${BEACON} onerror="${RUN}">`,
  `' autofocus onfocus='${RUN}' x='`,
  `<svg onload="${RUN}"><animate onbegin="${RUN}"/></svg>`,
  `<svg><script>${RUN}</script></svg>`,
  `<math><mtext></form><form><mglyph><style></math><img src onerror="${RUN}">`,
  `<a href="javascript:${RUN}">x</a>`,
  `javascript:${RUN}`,
  `<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>`,
  `<object data="data:text/html,<script>${RUN}</script>"></object>`,
  `<base href="http://127.0.0.1:9/"><link rel=stylesheet href=x>`,
  `<meta http-equiv="refresh" content="0;url=${BEACON}">`,
  `<style>@import '${BEACON}'; body{background:url(${BEACON})}</style>`,
  `</style></title></textarea></pre></template><script>${RUN}</script>`,
  `\${${RUN}}`,
  `{{constructor.constructor("${RUN}")()}}`,
  `\`;${RUN};//`,
  `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;script&#62;${RUN}&#60;/script&#62;`,
  `＜script＞${RUN}＜/script＞`,
  `\u2028${RUN}\u2029`,
  `\u202E<script>${RUN}</script>\u202C`,
  `\u0000<scr\u0000ipt>${RUN}</script>`,
  `<script\u00A0src="${BEACON}"></script>`,
  `__proto__`,
  `=HYPERLINK("${BEACON}";"x")`,
  `+cmd|' /C calc'!A0`,
  `@SUM(1+1)*cmd|' /C calc'!A0`,
  `-2+3+cmd|' /C calc'!A0`,
  `\t=1+1`,
  `\r=1+1`,
  `../../../../../tmp/escaped`,
  `..\\..\\escaped`,
  `/etc/escaped`,
  `C:\\escaped`,
  `CON`,
  `.`,
  `..`,
  `a/../../b\u0000c`,
];

const executablePath = browserPath();

/** Where all of the corpus was asked, answered, named and tagged. */
async function attacked(folder: string): Promise<string> {
  await using mock = await MockEndpoint.start({
    script: {
      answers: CORPUS.map((response, i) => ({ contains: `number ${i}.`, response })),
      default_response: CORPUS.slice(0, 20).join("\n"),
    },
  });
  const tests = CORPUS.map((payload, i) => ({
    id: payload,
    name: payload,
    category: CORPUS[i - i % 5],
    description: payload,
    prompt: `Question number ${i}. ${payload}`,
    evaluator: { name: "contains", expected: i % 2 ? payload : "absent" },
  }));
  const cwd = join(folder, "deep/down/work");
  mkdirSync(cwd, { recursive: true });
  writeFileSync(
    join(cwd, "suite.json"),
    JSON.stringify({ test_suite_id: CORPUS[1], version: CORPUS[6], tests }),
  );
  const problems = CORPUS.map((payload, i) => ({
    task_id: payload,
    prompt: `# Question number ${i}. ${payload.replaceAll(/\s/g, " ")}\ndef one():\n`,
    entry_point: "one",
    test: "def check(candidate):\n    assert candidate() == 1\n",
  }));
  writeFileSync(
    join(cwd, "problems.jsonl"),
    problems.map((problem) => `${JSON.stringify(problem)}\n`).join(""),
  );
  const [payload] = CORPUS;
  const on = ["--endpoint", `${mock.url}/v1/chat/completions`, "--model", `</script>${payload}`];
  const sweep = {
    name: "hostile",
    kind: "load",
    common_args: { endpoint: `${mock.url}/v1`, model: payload, requests: 2, prompt: CORPUS[6] },
    matrix: { prompt: [CORPUS[1], CORPUS[8]], seeds: [1] },
  };
  delete (sweep.common_args as { prompt?: string }).prompt;
  writeFileSync(join(cwd, "sweep.json"), JSON.stringify(sweep));
  const commands = [
    ["run", "suite.json", ...on, "--sample-rate", "0"],
    [
      "run",
      "problems.jsonl",
      ...on,
      "--mode",
      "comparative",
      "--max-iterations",
      "2",
      "--sample-rate",
      "0",
    ],
    ["load", ...on, "--concurrency", "2", "--requests", "6", "--prompt", CORPUS[1]],
    ["sweep", "--config", "sweep.json"],
    ["report", "bench_runs/hostile"],
    ["runs", "export", "--format", "html", "--out", "pages.html"],
  ];
  for (const command of commands) {
    const { code, stderr } = await dyno(command, { cwd });
    assert(code === 0 || code === 1, `${command[0]}: ${code}: ${stderr}`);
    assert(!/bug in dyno/.test(stderr), stderr);
  }
  return cwd;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

Deno.test({
  name: `${CORPUS.length} hostile answers, names and categories: no page runs or loads anything`,
  ignore: executablePath === null,
  fn: async () => {
    using folder = temporaryFolder();
    const cwd = await attacked(folder.path);
    const all = filesBelow(folder.path);
    for (const file of all) assert(file.startsWith(cwd), `${file} was written beside`);
    for (const gone of ["/tmp/escaped", "/etc/escaped"]) assert(!existsSync(gone));
    const pages = all.filter((file) => file.endsWith(".html"));
    for (const part of ["Coding problems", "Load", "hostile", "Over time"]) {
      assert(pages.some((page) => readFileSync(page, "utf8").includes(part)), `no page of ${part}`);
    }
    assert(pages.length >= 5, pages.join("\n"));
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    const browser = await chromium.launch({ executablePath: executablePath!, args });
    try {
      for (const path of pages) {
        const page = await browser.newPage();
        const faults: string[] = [];
        const url = pathToFileURL(path).href;
        page.on("console", (message) => faults.push(message.text()));
        page.on("pageerror", (error) => faults.push(String(error)));
        page.on("dialog", (dialog) => {
          faults.push(`dialog: ${dialog.message()}`);
          void dialog.dismiss();
        });
        page.on("request", (request) => {
          if (!/^(file|data|blob):/.test(request.url())) faults.push(request.url());
        });
        await page.goto(url);
        // what opens by hand is opened, and what could be focused is focused
        await page.evaluate(
          `for (const part of document.querySelectorAll("details")) part.open = true;
          for (const part of document.querySelectorAll("a,button,input,select,[tabindex]")) part.focus();`,
        );
        const links = await page.evaluate(
          `[...document.querySelectorAll("[href],[src]")].map((e) => e.href || e.src || "").map(String)`,
        ) as string[];
        assert(
          !links.some((link) => /^(javascript|http|\/\/)/i.test(link) && link.includes("beacon")),
        );
        assert(!links.some((link) => /^javascript:/i.test(link)), path);
        assertEquals(faults, [], path);
        assertEquals(await page.evaluate("window.hacked"), undefined, path);
        await page.close();
      }
    } finally {
      await browser.close();
    }
    await csvIsSafe(cwd, all);
  },
});

/** No cell of any table begins as a formula does, unless it is a number. */
async function csvIsSafe(cwd: string, files: string[]): Promise<void> {
  const exported = await dyno(["runs", "export", "--format", "csv", "--rows", "items"], { cwd });
  assertEquals(exported.code, 0, exported.stderr);
  const tables = [
    exported.stdout,
    ...files.filter((file) => file.endsWith(".csv")).map((file) => readFileSync(file, "utf8")),
  ];
  assert(tables.length >= 2);
  let guarded = 0;
  for (const table of tables) {
    for (const cell of (parse(table) as string[][]).flat()) {
      if (cell.startsWith("'")) guarded++;
      if (cell === "" || Number.isFinite(Number(cell))) continue;
      assert(!/^\s*[=+\-@\t\r|%]/.test(cell), JSON.stringify(cell));
    }
  }
  assert(guarded > 3, `${guarded} cells were guarded`);
}

Deno.test("ids and files from elsewhere lead to no other place", async () => {
  using folder = temporaryFolder();
  const cwd = join(folder.path, "work");
  mkdirSync(join(cwd, "runs"), { recursive: true });
  const precious = join(folder.path, "precious");
  mkdirSync(precious);
  writeFileSync(join(precious, "results.json"), "{}");
  const ids = ["../precious", "../../precious", `${precious}/../precious`, "runs/../../precious"];
  for (const id of ids) {
    for (const command of [["archive", id, "--yes"], ["delete", id, "--yes"]]) {
      const { code, stderr } = await dyno(["runs", ...command], { cwd });
      assert(!/bug in dyno/.test(stderr), stderr);
      assert([0, 1, 2].includes(code ?? -1), stderr);
      assert(existsSync(join(precious, "results.json")), `${command} removed another folder`);
    }
  }
  for (const id of ["../x", "bench_0123abcd_20260131_120000/../../x", ".."]) {
    const args = ["--concurrency", "1", "--requests", "1", "--endpoint", "http://127.0.0.1:9"];
    const { code } = await dyno(["load", ...args, "--model", "m", "--run-id", id], { cwd });
    assertEquals(code, 2);
  }
  symlinkSync(precious, join(cwd, "runs", "bench_0123abcd_20260131_120000"));
  const { stderr } = await dyno(["runs", "delete", "--yes"], { cwd });
  assert(!/bug in dyno/.test(stderr), stderr);
  assert(existsSync(join(precious, "results.json")), "a link's target was removed");
});
