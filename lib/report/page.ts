/** The page around a report: one self-contained file. */
import { createHash } from "node:crypto";
import { escapeHtml } from "./html.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { SIDEWAYS } from "./table.ts";

/**
 * A whole page in parts. `body` is safe HTML; the title is plain text; `style` is added to the
 * common style. The page may not load anything, and may run only the given script, which its hash
 * allows.
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
