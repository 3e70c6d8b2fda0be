/**
 * The dashboard as files: the same page with its data next to it, which opens from disk without a
 * network.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { withRunIndex } from "../run/index.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";
import { asset, MODULES, STYLES } from "./assets.ts";
import { batchList, batchView, recordPage } from "./views/batches.ts";
import { overview } from "./views/overview.ts";
import { runPageView } from "./views/run_page.ts";
import { type ListedRun, runList, type RunListView } from "./views/run_list.ts";

/** The newest runs get their own page; the rest is only listed. */
const MOST_PAGES = 300;
const MOST_LISTED = 5000;
/** The same as in run.js. */
const MOST_ITEMS = 500;
const LISTED = 200;
const RECORDS = 25;
const HOUR_S = 3600;
/** The spans that the page offers, the same as in batches.js. */
const SPANS_H = [1, 6, 12, 24, 48, 168];
/** For batches with very many models and industries, views of single industries are omitted. */
const MOST_VIEWS = 600;

export interface DashboardCopy {
  index: string;
  runs: number;
  /** Runs with their own page. */
  pages: number;
  batches: number;
}

/** What the copy's page may load: the files next to it. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'";

/**
 * Writes the dashboard of a folder of runs and a folder of batches into `out`.
 *
 * @throws {InputError} a folder cannot be read, or `out` cannot be written.
 */
export async function writeDashboard(
  { runs, batches, out, onNotice }: {
    runs: string;
    batches: string;
    out: string;
    onNotice(line: string): void;
  },
): Promise<DashboardCopy> {
  const made_s = Date.now() / 1000;
  const writer = new CopyWriter(out);
  const counts = await withRunIndex(runs, async (index) => {
    writer.answer("/api/overview", await overview(index, made_s));
    const listed: ListedRun[] = [];
    let page: RunListView;
    do {
      page = await runList(index, { offset: listed.length, limit: LISTED });
      listed.push(...page.runs);
    } while (page.runs.length > 0 && listed.length < Math.min(page.total, MOST_LISTED));
    writer.answer("/api/runs", { runs: listed });
    const pages = listed.slice(0, MOST_PAGES);
    for (const { run_id } of pages) {
      const query = { limit: MOST_ITEMS };
      const whole = await runPageView(index, run_id, { ...query, offset: 0 });
      writer.answer(address(`/api/runs/${encodeURIComponent(run_id)}`, query), whole);
    }
    return { runs: page.total, pages: pages.length };
  }, onNotice);
  const entries = batchList(batches);
  writer.answer("/api/batches", { batches: entries });
  for (const entry of entries) writeBatch(writer, batches, entry);
  writer.page(made_s);
  return { index: join(out, "index.html"), ...counts, batches: entries.length };
}

function writeBatch(
  writer: CopyWriter,
  root: string,
  { name, records, models, industries, last_s }: ReturnType<typeof batchList>[number],
): void {
  if (!records) return;
  const path = `/api/batches/${encodeURIComponent(name)}`;
  const sinces = [undefined, ...SPANS_H.map((hours) => Math.floor(last_s!) - hours * HOUR_S)];
  const many = (models.length + 1) * (industries.length + 1) * sinces.length > MOST_VIEWS;
  for (const model of [undefined, ...models]) {
    for (const industry of [undefined, ...(many ? [] : industries)]) {
      for (const since of sinces) {
        const query = { model, industry, since };
        writer.answer(address(path, query), batchView(root, name, query));
      }
    }
  }
  const newest = recordPage(root, name, { offset: 0, limit: RECORDS })!;
  const shown = { ...newest, total: newest.records.length };
  writer.answer(address(`${path}/records`, { limit: RECORDS }), shown);
}

/** The address that the page asks for, as `ask` in source.js builds it. */
function address(path: string, query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const words = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
  return words.size ? `${path}?${words}` : path;
}

/** Writes the copy's files. */
class CopyWriter {
  readonly #out: string;
  readonly #files: Record<string, string> = {};

  constructor(out: string) {
    this.#out = out;
    for (const folder of ["dashboard", "data"]) makeFolder(join(out, folder));
  }

  /** Writes one answer as a script that the page loads when it needs it. */
  answer(address: string, value: unknown): void {
    const digest = createHash("sha256").update(address).digest("hex").slice(0, 20);
    const name = `data/${digest}.js`;
    this.#files[address] = name;
    this.#write(name, `dynoCopy.answers[${JSON.stringify(address)}] = ${JSON.stringify(value)};\n`);
  }

  /** Writes the page, after all answers. */
  page(made_at_unix_seconds: number): void {
    for (const name of [...STYLES, "echarts.js"]) this.#write(`dashboard/${name}`, text(name));
    const start = { made_at_unix_seconds, files: this.#files, answers: {} };
    this.#write("data/copy.js", `globalThis.dynoCopy = ${JSON.stringify(start)};\n`);
    this.#write("dashboard/main.js", oneScript());
    const policy = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
    this.#write(
      "index.html",
      text("index.html")
        .replace('<meta charset="utf-8">', (charset) => `${charset}\n${policy}`)
        .replace(
          '<script src="dashboard/main.js" type="module"></script>',
          '<script src="data/copy.js" defer></script>\n<script src="dashboard/main.js" defer></script>',
        ),
    );
  }

  #write(name: string, content: string): void {
    writeFileAtomic(join(this.#out, name), content, { sync: false });
  }
}

function text(name: string): string {
  return asset(name)!.text;
}

/**
 * The modules as one script, because a browser does not load modules from disk. Each one becomes a
 * function that returns its exports; the order of `MODULES` ensures that imports are defined.
 */
function oneScript(): string {
  const parts = MODULES.map((name) => {
    const exported: string[] = [];
    const body = text(name)
      .replace(
        /^import \{([^}]*)\} from "\.\/([^"]+)";$/gm,
        (_, names, from) => `const {${names}} = modules[${JSON.stringify(from)}];`,
      )
      .replace(/^export \{ (\w+) \};$/gm, (_, only) => {
        exported.push(only);
        return "";
      })
      .replace(/^export ((?:async )?function|const|class) (\w+)/gm, (_, what, named) => {
        exported.push(named);
        return `${what} ${named}`;
      });
    return `modules[${JSON.stringify(name)}] = (() => {\n${body}\nreturn { ${
      exported.join(", ")
    } };\n})();\n`;
  });
  return `"use strict";\n{\nconst modules = {};\n${parts.join("")}}\n`;
}
