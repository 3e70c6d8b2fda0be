/**
 * What can be known of JSR and of dnt where neither can be reached: the import map for them stays true to
 * the one in use, and the sources keep to what dnt 0.43.2, tried from its own sources, is known to read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import jsr from "../../jsr_imports.json" with { type: "json" };
import { DNT_OPTIONS } from "../../scripts/build_npm.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The sources that dnt is given, by path. */
const SOURCES = new Map(
  ["main.ts", ...readdirSync(join(ROOT, "lib"), { recursive: true, encoding: "utf8" })]
    .filter((path) => path.endsWith(".ts"))
    .map((path) => path === "main.ts" ? path : join("lib", path))
    .map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
);

/** All that a source names in imports: static, dynamic, or resolved. */
function namesIn(text: string): string[] {
  const code = text.replace(/^ *(\*|\/\/|\/\*\*).*$/gm, "");
  const forms =
    /(?:^(?:import|export)\b[^;"]*\bfrom|^\} from|^import|\bimport\(|import\.meta\.resolve\()\s*"([^"]+)"/gm;
  return [...code.matchAll(forms)].map(([, name]) => name);
}

Deno.test("dnt: every name resolves in a plain map, subpaths by a slash at the end alone", () => {
  const map = Object.keys(jsr.imports);
  const lost: string[] = [];
  let found = 0;
  for (const [path, text] of SOURCES) {
    for (const name of namesIn(text)) {
      if (/^(\.|node:)/.test(name)) continue;
      found++;
      const resolves = map.some((key) => key.endsWith("/") ? name.startsWith(key) : name === key);
      if (!resolves) lost.push(`${path}: ${name}`);
    }
  }
  assertEquals(lost, []);
  assertEquals(found > 60, true, `only ${found} names were found`);
});

/** What dnt 0.43.2 gets wrong in a source, by what is seen of it. */
const LIMITS: Record<string, RegExp> = {
  "drops the import attribute of a dynamic import": /\bimport\([^()]*\bwith\s*:/,
  "cannot carry imports of bytes or text": /\bwith\s*\{\s*type\s*:\s*"(?!json)/,
  "leaves import.meta.main false behind a link of npm's": /^(?!.*\/\/).*import\.meta\.main/m,
  "takes an import map's name, not npm: or jsr: in a source": /\bfrom "(?:npm|jsr|https?):/,
};

for (const [limit, sign] of Object.entries(LIMITS)) {
  Deno.test(`dnt: no source needs what it ${limit}`, () => {
    const needing = [...SOURCES].filter(([, text]) => sign.test(text)).map(([path]) => path);
    assertEquals(needing, []);
  });
}

Deno.test("dnt: no stand-ins, our program and our exports", () => {
  assertEquals(DNT_OPTIONS.polyfills, { importMeta: false });
  assertEquals(DNT_OPTIONS.shims, {});
  assertEquals(DNT_OPTIONS.package.dependencies, { zod: "4.6.7" }, "nothing for Deno alone");
});

Deno.test("jsr_imports.json has a twin of every import: @std from JSR, the rest the same", () => {
  const { "@deno/dnt": dnt, ...twins }: Record<string, string> = jsr.imports;
  assertMatch(dnt, /^jsr:@deno\/dnt@\^/);
  assertEquals(Object.keys(twins).sort(), Object.keys(project.imports).sort());
  for (const [name, target] of Object.entries(project.imports)) {
    const [, part, module] = /^@std\/([^/]+)(\/.*)?$/.exec(name) ?? [];
    if (part === undefined) assertEquals(twins[name], target);
    else {
      assertMatch(
        twins[name],
        new RegExp(`^jsr:@std/${part}@\\^\\d+\\.\\d+\\.\\d+${module ?? ""}$`),
      );
      // the npm form has the same module: parse-args is parse_args.js, path is path/mod.js
      const file = `${part}${(module ?? "/mod").replaceAll("-", "_")}.js`;
      assertEquals(target, `npm:deno-std@1.4.0/${file}`);
    }
  }
});

Deno.test("what JSR asks of a package is in deno.json", () => {
  assertMatch(project.name, /^@[a-z]+\/[a-z]+$/);
  assertMatch(project.version, /^\d+\.\d+\.\d+$/);
  assertEquals([project.exports, project.license], ["./lib/mod.ts", "MIT"]);
});
