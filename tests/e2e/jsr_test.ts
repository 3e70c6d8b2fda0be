/** The import map for where JSR can be reached stays true to the one in use. */
import { assertEquals, assertMatch } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import jsr from "../../jsr_imports.json" with { type: "json" };

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
