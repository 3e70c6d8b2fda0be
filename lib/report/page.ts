/** The page around a report: one file that asks for nothing else. */
import { createHash } from "node:crypto";
import { escapeHtml } from "./html.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { SIDEWAYS } from "./table.ts";

/**
 * A whole page in parts. `body` is HTML that is already safe; the title is text; `style` comes after
 * the common one. The page may load nothing, and of scripts runs only the one given, by its hash.
 */
export function* page(
  title: string,
  body: Iterable<string>,
  { script = SCRIPT, style = "" } = {},
): Generator<string> {
  const scripts = `${script}${SIDEWAYS}`;
  const hash = createHash("sha256").update(scripts).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; ` +
    "base-uri 'none'; form-action 'none'";
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
<noscript><style>.filter, #more { display: none; } tr.texts, #tests tr.later { display: table-row !important; }</style></noscript>
</head>
<body>
`;
  yield* body;
  yield `
<script>${scripts}</script>
</body>
</html>
`;
}
