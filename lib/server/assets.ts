/** The dashboard's files, which a browser loads before it asks for data. */
import { createHash } from "node:crypto";
import { libraryBytes, packageBytes } from "../package_files.ts";
import { STYLE } from "../report/style.ts";

/** The page's content security policy: files of its origin, no inline code. */
export const DASHBOARD_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", "data:"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The page's modules; each one comes after its imports. */
export const MODULES = [
  "look.js",
  "dom.js",
  "words.js",
  "source.js",
  "chart.js",
  "parts.js",
  "tasks.js",
  "runs.js",
  "overview.js",
  "run.js",
  "compare.js",
  "batch_charts.js",
  "batches.js",
  "hardware.js",
  "main.js",
] as const;

export const STYLES = ["report.css", "dashboard.css"] as const;

/** A file of the page. */
export interface Asset {
  type: string;
  text: string;
  /** The text's ETag. */
  etag: string;
}

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

const read = new Map<string, Asset>();

/**
 * A file of the page by its name, such as `main.js`; null if there is no such file. Each file is
 * read once.
 */
export function asset(name: string): Asset | null {
  const known = read.get(name);
  if (known) return known;
  const text = textOf(name);
  if (text === null) return null;
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
  const found = { type: TYPES[name.slice(name.lastIndexOf(".") + 1)], text, etag };
  read.set(name, found);
  return found;
}

function textOf(name: string): string | null {
  if (name === "report.css") return STYLE; // the dashboard has the style of the reports
  const utf8 = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (name === "echarts.js") return utf8(libraryBytes("echarts/dist/echarts.min.js"));
  const known: readonly string[] = ["index.html", ...STYLES, ...MODULES];
  if (!known.includes(name)) return null;
  return utf8(packageBytes(`lib/server/dashboard/${name}`));
}
