/**
 * The pages as a site: dist/site, static, searchable, and open from the disk with no network. README is
 * the first page; its table "All pages" is the order and the grouping of the others.
 * Usage: deno run -A scripts/site.ts [FOLDER]
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import MarkdownIt, { type Token } from "markdown-it";
import MiniSearch from "minisearch";
import { project, ROOT } from "./package.ts";

/** A part of a page, from one heading to the next: the unit that the search finds. */
interface Section {
  id: number;
  page: string;
  title: string;
  path: string;
  text: string;
}

/**
 * A page: its Markdown file in the project, its title in the list of pages, and its file in the
 * site.
 */
interface Page {
  source: string;
  name: string;
  group: string;
  file: string;
}

/** MiniSearch's options, here and in the browser. */
const SEARCH = { fields: ["title", "page", "text"], storeFields: [] };

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const fileOf = (source: string) =>
  source === "README.md" ? "index.html" : basename(source).replace(/\.md$/, ".html").toLowerCase();

/** README, and the pages linked from its last table, in the table's order. */
function pagesOf(readme: string): Page[] {
  const page = (source: string, name: string, group: string) => ({
    source,
    name,
    group,
    file: fileOf(source),
  });
  const pages = [
    page("README.md", "Overview", ""),
    page("docs/getting-started.md", "getting started", ""),
  ];
  const [, table = ""] = readme.split("## All pages");
  for (const line of table.split("\n")) {
    const [, group = "", cells = ""] = /^\| ([^|]+?) +\| (.*) \|$/.exec(line) ?? [];
    for (const [, name, source] of cells.matchAll(/\[([^\]]+)\]\(([^)]+\.md)\)/g)) {
      pages.push(page(source, name, group));
    }
  }
  return pages;
}

/** The anchor that GitHub makes from a heading's text. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

const plain = (inline: Token) =>
  (inline.children ?? []).map(({ type, content }) => /break$/.test(type) ? " " : content).join("");

/** A row with more characters than this becomes a list of its cells on a phone. */
const NARROW = 45;

/** Gives each cell its column's heading, for layouts in which the heading is not visible. */
function nameCells(tokens: Token[]): void {
  let begin = 0;
  for (const [end, { type }] of tokens.entries()) {
    if (type === "table_open") begin = end;
    if (type !== "table_close") continue;
    const table = tokens.slice(begin, end);
    const textAfter = (i: number) => plain(table[i + 1]);
    const heads = table.flatMap(({ type }, i) => type === "th_open" ? [textAfter(i)] : []);
    let column = 0, length = 0, longest = 0;
    table.forEach((token, i) => {
      if (token.type === "tr_open") column = length = 0;
      if (token.type !== "td_open") return;
      length += textAfter(i).length;
      longest = Math.max(longest, length);
      if (column > 0) token.attrSet("data-head", heads[column]);
      column++;
    });
    if (longest > NARROW) table[0].attrSet("class", "wide");
  }
}

/** The result for one page. */
interface Made {
  html: string;
  sections: Omit<Section, "id">[];
  /** Pictures on the page, by their path in the project. */
  pictures: string[];
}

/** Turns links between pages into links of the site; a link to anything else is removed. */
function retarget(token: Token, name: "href" | "src", page: Page, pages: Page[]): string | null {
  const target = String(token.attrGet(name));
  if (/^(https?:|#)/.test(target)) return target;
  const [path, anchor] = target.split("#");
  const source = relative(".", join(dirname(page.source), path));
  if (name === "src") {
    token.attrSet(name, basename(source));
    return source;
  }
  const known = pages.find((one) => one.source === source);
  if (known === undefined) {
    token.attrs = [["title", `${source}, in the project's folder`]];
    token.tag = "span";
    return null;
  }
  token.attrSet(name, known.file + (anchor === undefined ? "" : `#${anchor}`));
  return target;
}

function make(page: Page, pages: Page[]): Made {
  const markdown = new MarkdownIt({ html: true });
  const tokens = markdown.parse(readFileSync(join(ROOT, page.source), "utf8"), {});
  nameCells(tokens);
  const sections: Omit<Section, "id">[] = [];
  const pictures: string[] = [];
  let current: Omit<Section, "id"> | null = null;
  tokens.forEach((token, i) => {
    if (token.type === "heading_open") {
      const title = plain(tokens[i + 1]);
      const anchor = anchorOf(title);
      token.attrSet("id", anchor);
      const isPage = token.tag === "h1";
      const path = isPage ? page.file : `${page.file}#${anchor}`;
      current = { page: sections[0]?.page ?? title, title, path, text: "" };
      sections.push(current);
    } else if (token.type === "inline" || token.type === "fence") {
      const isHeading = tokens[i - 1]?.type === "heading_open";
      const text = token.type === "inline" ? plain(token) : token.content;
      if (current !== null && !isHeading) current.text += ` ${text}`;
    }
    let unlinked = 0;
    for (const child of token.children ?? []) {
      if (child.type === "image") pictures.push(retarget(child, "src", page, pages)!);
      else if (child.type === "link_open") {
        if (retarget(child, "href", page, pages) === null) unlinked++;
      } else if (child.type === "link_close" && unlinked > 0) {
        child.tag = "span";
        unlinked--;
      }
    }
  });
  for (const section of sections) section.text = section.text.replaceAll(/\s+/g, " ").trim();
  const html = markdown.renderer.render(tokens, markdown.options, {})
    .replaceAll(/<table[^>]*>/g, (table) => `<div class="scroll" tabindex="0">${table}`)
    .replaceAll("</table>", "</table></div>")
    .replaceAll(
      /<(h[23]) id="([^"]*)">([^]*?)<\/\1>/g,
      (_, tag, id, text) =>
        text.includes("<a ")
          ? `<${tag} id="${id}">${text}</${tag}>`
          : `<${tag} id="${id}"><a class="anchor" href="#${id}">${text}</a></${tag}>`,
    );
  return { html, sections, pictures };
}

/** The list of pages, with the current one marked. */
function menu(pages: Page[], shown: Page): string {
  const groups = [...new Set(pages.map(({ group }) => group))];
  return groups.map((group) => {
    const items = pages.filter((page) => page.group === group).map(({ file, name }) =>
      `<li><a href="${file}"${file === shown.file ? ' aria-current="page"' : ""}>${
        escaped(name)
      }</a></li>`
    );
    return `${group === "" ? "" : `<h2>${escaped(group)}</h2>`}<ul>${items.join("")}</ul>`;
  }).join("\n");
}

function document(page: Page, pages: Page[], { html, sections }: Made): string {
  const at = pages.indexOf(page);
  const [before, after] = [pages[at - 1], pages[at + 1]];
  const title = page.source === "README.md" ? "dyno" : `${sections[0]?.title ?? page.name} · dyno`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<meta name="description" content="${escaped((sections[0]?.text ?? "").slice(0, 155))}">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
</head>
<body>
<a class="skip" href="#page">To the page</a>
<div class="frame">
<div class="side">
<a class="home" href="index.html">dyno</a> <small>${escaped(project().version)}</small>
<input class="search" type="search" placeholder="Search (/)" aria-label="Search the pages" autocomplete="off">
<ul class="found" aria-live="polite"></ul>
<details class="menu" open><summary>All pages</summary>
<nav aria-label="Pages">${menu(pages, page)}</nav></details>
</div>
<main id="page">
${html}
<p class="on">${
    before ? `<a rel="prev" href="${before.file}">← ${escaped(before.name)}</a>` : "<span></span>"
  }
${after ? `<a rel="next" href="${after.file}">${escaped(after.name)} →</a>` : ""}</p>
</main>
</div>
<script src="search.js"></script>
</body>
</html>
`;
}

/** The site's files by name. */
export function siteFiles(): Map<string, string | Uint8Array> {
  const files = new Map<string, string | Uint8Array>();
  const pages = pagesOf(readFileSync(join(ROOT, "README.md"), "utf8"));
  const sections: Section[] = [];
  for (const page of pages) {
    const made = make(page, pages);
    files.set(page.file, document(page, pages, made));
    for (const section of made.sections) sections.push({ id: sections.length, ...section });
    for (const path of made.pictures) files.set(basename(path), readFileSync(join(ROOT, path)));
  }
  new MiniSearch(SEARCH).addAll(sections); // throws if the browser's search would
  const pagesJson = JSON.stringify({ sections, options: SEARCH });
  files.set("sections.js", `globalThis.dynoPages = ${pagesJson};\n`);
  const library = new URL("../umd/index.js", import.meta.resolve("minisearch"));
  files.set("minisearch.js", readFileSync(fileURLToPath(library), "utf8"));
  for (const name of ["style.css", "search.js"]) {
    files.set(name, readFileSync(join(ROOT, "scripts/site", name), "utf8"));
  }
  return files;
}

/** Writes the site to a folder, after emptying it. */
export function writeSite(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of siteFiles()) writeFileSync(join(folder, name), content);
}

if (import.meta.main) {
  const folder = process.argv[2] ?? join(ROOT, "dist/site");
  writeSite(folder);
  process.stdout.write(`${join(folder, "index.html")}\n`);
}
