/** What is wrong with how a page is laid out: cut, sticking out, lying over one another, or too pale. */
import type { Page } from "playwright-core";

/** A phone, a tablet, a laptop. */
export const WIDTHS = [390, 768, 1280];

/** WCAG 2.2, 1.4.3: contrast of text (AA), by its formula of relative luminance. */
const LEAST_CONTRAST = 4.5;

const LOOK = `(() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push("the page scrolls sideways: " + root.scrollWidth);
  const named = (e) => e.tagName.toLowerCase() + "." + String(e.className).replace(/ /g, ".") + " «" +
    (e.textContent || "").trim().slice(0, 30).replace(/\\s+/g, " ") + "»";
  const seen = (e) => {
    const s = getComputedStyle(e);
    return s.display !== "none" && s.visibility !== "hidden" && s.clipPath === "none" && e.getClientRects().length > 0 &&
      !e.closest("caption, .skip, noscript, [style*='clip-path'], section#results > h2");
  };
  const parts = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const { rgb, a } = parts(getComputedStyle(at).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest("svg") || !seen(e)) continue;
    const s = getComputedStyle(e);
    if (s.display !== "inline" && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1) {
      const told = e.matches(".scroll.cut") && getComputedStyle(e, "::before").content.includes("sideways");
      if (!told) faults.push("wider than its box, " + s.overflowX + ": " + named(e) + " " + e.scrollWidth + " > " + e.clientWidth);
    }
    const own = Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.textContent.trim() !== "");
    if (own && !e.closest("[disabled]")) {
      const [low, high] = [luminance(parts(s.color).rgb), luminance(behind(e))].sort((a, b) => a - b);
      const contrast = (high + 0.05) / (low + 0.05);
      if (contrast < ${LEAST_CONTRAST}) faults.push("too pale, " + contrast.toFixed(1) + ": " + named(e));
    }
  }
  const boxes = Array.from(document.querySelectorAll("nav a, .tiles li, h1, h2, h3, figure"), (e) => [e, e.getBoundingClientRect()])
    .filter(([e]) => seen(e));
  for (const [i, [a, x]] of boxes.entries()) {
    for (const [b, y] of boxes.slice(i + 1)) {
      const over = x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1;
      if (over && !a.contains(b)) faults.push("over one another: " + named(a) + " and " + named(b));
    }
  }
  return faults;
})()`;

/** The faults of a page as it is shown now. */
export async function faultsOf(page: Page): Promise<string[]> {
  return await page.evaluate(LOOK);
}

/** The faults at every width, light and dark. */
export async function faultsAtWidths(page: Page, name: string): Promise<string[]> {
  const all: string[] = [];
  await page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      // two frames: what watches sizes has told by then
      await page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
      );
      const faults = await faultsOf(page);
      all.push(...faults.map((fault) => `${name} ${width} ${colorScheme}: ${fault}`));
    }
  }
  return all;
}
