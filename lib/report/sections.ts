/** The body of a report: a header, links to its sections, and the sections. */
import { escapeHtml } from "./html.ts";
import type { RunMetadata } from "../run/metadata.ts";

/** A section's id, its heading, and its HTML in parts. */
export type Section = [id: string, heading: string, content: Iterable<string>];

/** The parts of a report's body; `header` and all content are safe HTML. */
export function bodyParts(
  header: string,
  sections: readonly Section[],
  { run_id, software }: RunMetadata,
): Generator<string> {
  const footer = `${escapeHtml(run_id)}, written by dyno ${
    escapeHtml(software.dyno)
  }. The whole run is in the folder above this file's.`;
  return sectionParts(header, sections, footer);
}

/** The same with a given footer, also safe HTML. */
export function* sectionParts(
  header: string,
  sections: readonly Section[],
  footer: string,
): Generator<string> {
  yield header;
  const links = sections.map(([id, heading]) => `<li><a href="#${id}">${heading}</a></li>`);
  yield `<nav aria-label="sections"><ul>${links.join("")}</ul></nav>\n<main>`;
  for (const [id, heading, content] of sections) {
    yield `<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>\n`;
    yield* content;
    yield "</section>\n";
  }
  yield `</main>\n<footer>${footer}</footer>`;
}
