/** A run that came from elsewhere does not take a file of this host to a tracker. */
import { existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dyno } from "../../e2e/dyno.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "../../suite/fixture.ts";

Deno.test("a link in the place of a run's file is refused, and nothing is sent", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  const secret = join(folder.path, "secret");
  writeFileSync(secret, "a key");
  const { path } = run.directory;
  rmSync(join(path, "results.json"));
  symlinkSync(secret, join(path, "results.json"));
  const to = join(folder.path, "wandb");
  const { code, stderr } = await dyno(
    ["runs", "upload", basename(path), "--runs", folder.path, "--wandb", to],
    { cwd: folder.path },
  );
  assertEquals(code, 2, stderr);
  assertStringIncludes(stderr, "results.json: is a link or no plain file");
  assertEquals(existsSync(to), false);
});
