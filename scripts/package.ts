/** Describes the npm package for every script that builds it. */
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Loads libdyno under Node; without it the portable code is used. */
export const KOFFI = "3.3.4";

/**
 * The most that the package may weigh, in bytes: the tarball, unpacked, and everything that `npm
 * install` installs.
 */
export const BUDGET = {
  tarball_bytes: 8_000_000,
  unpacked_bytes: 20_000_000,
  installed_bytes: 40_000_000,
};

/** From this version node:sqlite, which `dyno runs` uses, needs no flag. */
const NODE = ">=22.13";

interface Project {
  name: string;
  version: string;
  license: string;
  tasks: Record<string, { command: string }>;
  imports: Record<string, string>;
}

/** The content of deno.json. */
export function project(): Project {
  return JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
}

/** The @std modules, which are bundled into the package: their npm form has no types. */
export function inlinedImports(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(project().imports).filter(([name]) => name.startsWith("@std/")),
  );
}

/** Pyodide runs in the deno program, which neither the package nor a binary can rely on. */
const DENO_ONLY = ["pyodide"];

/** The part of the import map that lib uses: the rest is for tests. */
export function ownImports(): Record<string, string> {
  const files = readdirSync(join(ROOT, "lib"), { recursive: true, encoding: "utf8" });
  const lib = files.filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(ROOT, "lib", path), "utf8")).join("\n");
  return Object.fromEntries(
    Object.entries(project().imports).filter(([name]) => {
      const bare = name.replace(/\/$/, "");
      if (DENO_ONLY.includes(bare)) return false;
      return lib.includes(`"${bare}"`) || lib.includes(`"${bare}/`);
    }),
  );
}

/** Libraries that the declarations refer to: users of the package need their types. */
const OUTSIDE = ["zod"];

/** npm packages that the program uses, with versions; the @std modules are bundled. */
export function dependencies(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, target] of Object.entries(ownImports())) {
    const [, dependency, version] = /^npm:\/?(@?[^@]+)@([^/]+)/.exec(target) ?? [];
    if (dependency !== undefined && !name.startsWith("@std/")) found[dependency] = version;
  }
  return found;
}

/** The few packages that are not bundled. */
export function outside(): Record<string, string> {
  const all = dependencies();
  return Object.fromEntries(OUTSIDE.map((name) => [name, all[name]]));
}

/** The commit that is built; null outside a git checkout. */
export function commit(): string | null {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}

/** The location of the sources, if known: npm's provenance statement needs it. */
function repository() {
  const { GITHUB_REPOSITORY: name } = process.env;
  return name ? { repository: { type: "git", url: `git+https://github.com/${name}.git` } } : {};
}

/** The fields of package.json that do not depend on where a build puts its code. */
export function manifest() {
  const { name, version, license } = project();
  return {
    name,
    version,
    description: "A dynamometer for LLM endpoints and agent schedulers",
    keywords: ["llm", "benchmark", "load-testing", "openai", "gpu"],
    license,
    ...repository(),
    type: "module",
    engines: { node: NODE },
    dependencies: outside(),
    optionalDependencies: { koffi: KOFFI },
  };
}

/**
 * Copies files that the program reads at run time: `beside` is the folder that contains the code's
 * lib/, as the project's own folder does; texts for people go to `top`.
 */
export function copyFiles(top: string, beside: string, prebuilt: readonly string[]): void {
  const wanted = (path: string) => !/[\\/](build|prebuilt)$/.test(path);
  cpSync(join(ROOT, "native"), join(beside, "native"), { recursive: true, filter: wanted });
  for (const folder of prebuilt) {
    cpSync(folder, join(beside, "native/prebuilt", basename(folder)), { recursive: true });
  }
  const page = "lib/server/dashboard";
  cpSync(join(ROOT, page), join(beside, page), { recursive: true });
  writeFileSync(join(beside, "build.json"), JSON.stringify({ git_sha: commit() }) + "\n");
  for (const folder of new Set([top, beside])) {
    cpSync(join(ROOT, "experiments"), join(folder, "experiments"), { recursive: true });
  }
  for (const name of ["README.md", "CHANGELOG.md", "LICENSE", "docs"]) {
    cpSync(join(ROOT, name), join(top, name), { recursive: true });
  }
}
