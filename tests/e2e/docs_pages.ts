/** README and the pages of docs/, as tests read them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A page's text, by its path in the project. */
export const pageAt = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** README, then the pages of docs/ in the order in which README links them. */
export function pages(): string[] {
  const linked = [...pageAt("README.md").matchAll(/\]\((docs\/[\w-]+\.md)/g)].map(([, path]) =>
    path
  );
  return ["README.md", ...new Set(linked)];
}

/** Every page that there is in docs/. */
export function pagesOnDisk(): string[] {
  return readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
}

/** A page's fenced blocks of a language, "" for none. */
export function blocksIn(text: string, language: string): string[] {
  const parts = text.split(/^```(.*)\n/m); // text, language, block, "", text, …
  return parts.filter((_, i) => i % 4 === 2 && parts[i - 1] === language);
}
