/** The modules that problems' own tests import: without them no answer can be judged. */
import { InputError } from "../errors.ts";
import type { Problem } from "./problems/problem.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";

const IMPORT =
  /^[ \t]*(?:from[ \t]+([\p{L}_][\w.]*)[ \t]+import\b|import[ \t]+([\p{L}_][^\n#;]*))/gmu;

/** Packages whose name differs from their module's. */
const PACKAGES = new Map(Object.entries({
  bs4: "beautifulsoup4",
  Crypto: "pycryptodome",
  cv2: "opencv-python",
  dateutil: "python-dateutil",
  docx: "python-docx",
  PIL: "pillow",
  skimage: "scikit-image",
  sklearn: "scikit-learn",
  yaml: "pyyaml",
}));

/**
 * Checks that the sandbox's Python has what the problems' prompts and tests import.
 *
 * @throws {InputError} the modules that are missing, the problems that need them, and what to do.
 */
export async function checkModules(sandbox: Sandbox, problems: readonly Problem[]): Promise<void> {
  const needing = new Map<string, string[]>();
  for (const { problem_id, prompt, tests } of problems) {
    if (tests.form === "program") continue;
    const before = tests.form === "check"
      ? prompt.slice(0, prompt.search(/^(?:async )?def /m))
      : "";
    for (const name of importedBy([before, tests.setup, tests.text].join("\n"))) {
      needing.set(name, [...needing.get(name) ?? [], problem_id]);
    }
  }
  const missing = await sandbox.lacking([...needing.keys()]);
  if (missing.length === 0) return;
  const told = missing.map((name) => {
    const [first, ...others] = needing.get(name)!;
    return `${name} (${first}${others.length ? ` and ${others.length} others` : ""})`;
  });
  throw new InputError(
    `the problems' tests import what ${sandbox.pythonName} lacks: ${told.join(", ")}; ` +
      `install ${missing.length > 1 ? "them" : "it"} (python3 -m pip install ${
        missing.map((name) => PACKAGES.get(name) ?? name).join(" ")
      }), ` +
      "or name a Python that has " + (missing.length > 1 ? "them" : "it") + " with --python",
  );
}

/** The top-level modules that a Python text imports, without optional imports. */
export function importedBy(text: string): Set<string> {
  const names = new Set<string>();
  for (const { 0: whole, 1: from, 2: list, index } of text.matchAll(IMPORT)) {
    const indent = /^[ \t]*/.exec(whole)![0].length;
    if (indent > 0 && /\btry:[ \t]*\n$/.test(text.slice(0, index))) continue;
    for (const part of from ? [from] : list.split(",")) {
      const words = part.trim().split(/\s+/);
      // a sentence in a docstring is not an import
      if (words.length !== 1 && words[1] !== "as") continue;
      const name = /^[\p{L}_][\w]*(?=\.|$)/u.exec(words[0])?.[0];
      if (name) names.add(name);
    }
  }
  return names;
}
