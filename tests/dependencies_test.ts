/**
 * What can be known of the libraries without a network: which, of which version, checksum and licence, and
 * that none runs a script when it is installed. Whether one has a known hole is the registry's to say.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), "utf8"));

interface Locked {
  integrity?: string;
  scripts?: boolean;
}

const packages: Record<string, Locked> = read("deno.lock").npm;
const LICENCES =
  /^\(?(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|MPL-2\.0|OFL-1\.1|Unlicense|BlueOak-1\.0\.0|CC0-1\.0|Python-2\.0|PSF-2\.0|WTFPL)\b/;

/** Without a licence in its package.json; only the S3 server of tests has it, nothing that is shipped. */
const UNTOLD = ["humanize-number"];

/** `name@1.2.3_peer@4` as a name and a version. */
function nameOf(key: string): { name: string; version: string } {
  const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
  return { name, version };
}

Deno.test("every library has one exact version, from npm, with a checksum, and no script", () => {
  const imports: Record<string, string> = read("deno.json").imports;
  for (const [name, specifier] of Object.entries(imports)) {
    if (specifier.startsWith("./")) continue;
    assert(
      /^npm:\/?(@[\w-]+\/)?[\w.-]+@\d+\.\d+\.\d+(\/|$)/.test(specifier),
      `${name}: ${specifier}`,
    );
  }
  assert(Object.keys(packages).length > 20);
  for (const [key, { integrity = "", scripts }] of Object.entries(packages)) {
    assert(/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity), `${key}: ${integrity}`);
    assert(!scripts, `${key} would run a script when it is installed`);
  }
});

Deno.test("quickstart.lock names a few of the libraries, as deno.lock has them", () => {
  const few: Record<string, Locked> = read("quickstart.lock").npm;
  for (const [key, locked] of Object.entries(few)) assertEquals(locked, packages[key], key);
  assert(Object.keys(few).length < 25, "a user's first minute fetches all of them");
});

Deno.test("every library's licence allows its use", () => {
  const { npmCache } = JSON.parse(String(spawnSync(process.execPath, ["info", "--json"]).stdout));
  const caches = readdirSync(npmCache).map((registry) => join(npmCache, registry));
  const wrong: string[] = [];
  let found = 0;
  for (const { name, version } of Object.keys(packages).map(nameOf)) {
    const file = caches.map((cache) => join(cache, name, version, "package.json")).find(existsSync);
    if (file === undefined) continue; // of another system, or not used yet
    found++;
    const { license, licenses } = JSON.parse(readFileSync(file, "utf8"));
    if (UNTOLD.includes(name)) continue;
    const told = license?.type ?? license ?? licenses?.map(({ type }: { type: string }) => type)[0];
    if (!LICENCES.test(String(told))) wrong.push(`${name} ${version}: ${told}`);
  }
  assert(found > 20, `only ${found} packages lie in ${npmCache}`);
  assertEquals(wrong, []);
});

Deno.test({
  name:
    "known holes of libraries: NOT AUDITED here, as only a registry's audit endpoint knows them " +
    "(npm audit in dist/npm, after deno task npm)",
  ignore: true,
  fn: () => {},
});
