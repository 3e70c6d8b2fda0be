/** Programs are kept where no other user can put others in their place. */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assertThrows } from "@std/assert";
import { ownFolder } from "../../lib/cache_folders.ts";
import { temporaryFolder } from "../suite/fixture.ts";

Deno.test("a folder is no cache where others may replace it, however far above", () => {
  using place = temporaryFolder();
  const above = join(place.path, "cache");
  const folder = join(above, "dyno", "native");
  mkdirSync(above);
  ownFolder(folder);
  chmodSync(above, 0o777);
  assertThrows(() => ownFolder(folder), Error, "above it");
  chmodSync(above, 0o1777); // as /tmp is
  ownFolder(folder);
  chmodSync(above, 0o755);
  if (process.getuid?.() !== 0) return;
  chownSync(above, 12_345, 12_345);
  assertThrows(() => ownFolder(folder), Error, "belongs to another user");
  chownSync(above, 0, 0);
  ownFolder(folder);
});
