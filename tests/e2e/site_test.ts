/** The site of the pages: its links lead somewhere, it loads nothing from elsewhere, a phone can read it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { chromium } from "playwright-core";
import { writeSite } from "../../scripts/site.ts";
import { browserPath } from "../browser.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { pages } from "./docs_pages.ts";

const PHONE = { width: 390, height: 800 };

/** The ids of a page. */
const idsIn = (html: string) => new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));

Deno.test("the site has every page, and links that lead to pages and headings that are there", () => {
  using folder = temporaryFolder();
  writeSite(folder.path);
  const names = readdirSync(folder.path).filter((name) => name.endsWith(".html"));
  const wanted = pages().map((path) =>
    path === "README.md" ? "index.html" : path.replace(/^docs\/(.*)\.md$/, "$1.html")
  );
  assertEquals(wanted.filter((name) => !names.includes(name)), []);
  const text = new Map(names.map((name) => [name, readFileSync(join(folder.path, name), "utf8")]));
  const lost: string[] = [];
  for (const [name, html] of text) {
    const outside = [...html.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]*)"/g)];
    assertEquals(outside.map(([, url]) => url), [], name);
    for (const [, target] of html.matchAll(/(?:href|src)="([^":]+)"/g)) {
      const [file, anchor] = target.split("#");
      const at = file === "" ? name : file;
      const isThere = existsSync(join(folder.path, at)) &&
        (anchor === undefined || idsIn(text.get(at)!).has(anchor));
      if (!isThere) lost.push(`${name}: ${target}`);
    }
    assertEquals(html.match(/aria-current="page"/g)?.length, 1, name);
    assertEquals(html.match(/<h1[ >]/g)?.length, 1, name);
  }
  assertEquals(lost, []);
});

Deno.test({
  name: "on a phone no page is wider than the screen; the search finds a term's page, offline",
  ignore: browserPath() === null,
  fn: async () => {
    using folder = temporaryFolder();
    writeSite(folder.path);
    const browser = await chromium.launch({
      executablePath: browserPath()!,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      const page = await browser.newPage({ viewport: PHONE });
      const faults: string[] = [];
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("request", (asked) => /^(file|data):/.test(asked.url()) || faults.push(asked.url()));
      const at = (name: string) => pathToFileURL(join(folder.path, name)).href;
      const wide: string[] = [];
      for (const name of readdirSync(folder.path).filter((name) => name.endsWith(".html"))) {
        await page.goto(at(name));
        const width = await page.evaluate("document.documentElement.scrollWidth");
        if (Number(width) > PHONE.width) wide.push(`${name}: ${width}`);
      }
      assertEquals(wide, []);

      await page.goto(at("index.html"));
      assertEquals(await page.locator("nav").isVisible(), false, "the list waits behind a word");
      await page.locator(".menu summary").click();
      assert(await page.locator("nav a", { hasText: "capacity" }).isVisible());
      for (const [words, file] of [["goodput", "metrics"], ["bubblewrp", "coding"]]) {
        await page.locator(".search").fill(words);
        await page.locator(".found a").first().waitFor();
        const found = await page.locator(".found a").evaluateAll((links) =>
          links.map((link) => link.getAttribute("href"))
        );
        assertStringIncludes(found.join(" "), `${file}.html`);
      }
      await page.locator(".found a").first().click();
      assert(!page.url().endsWith("index.html"));
      await page.locator(".search").fill("zqzqzq");
      await page.getByText("Nothing found.").waitFor();
      assertEquals(faults, []);
    } finally {
      await browser.close();
    }
  },
});
