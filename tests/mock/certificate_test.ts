/** Certificates of our own making, judged by openssl. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../../lib/mock/certificate.ts";
import { hasOpenssl } from "../endpoint/tls_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";

function openssl(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync("openssl", words, { encoding: "utf8" });
  assertEquals(status, 0, stderr);
  return stdout;
}

Deno.test({
  name: "a certificate is what openssl takes for one: its names, its time, its signature",
  ignore: !hasOpenssl,
  fn: () => {
    using folder = temporaryFolder();
    const [cert, key] = ["c.pem", "k.pem"].map((name) => join(folder.path, name));
    const names = [
      "localhost",
      "a-name.example",
      "127.0.0.1",
      "::1",
      "fe80::1:2",
      "1:2:3:4:5:6:7:8",
    ];
    for (let i = 0; i < 3; i++) { // numbers and signatures are drawn: their forms differ
      const made = makeCertificate(names);
      writeFileSync(cert, made.cert);
      writeFileSync(key, made.key);
      assertMatch(openssl("verify", "-x509_strict", "-CAfile", cert, cert), /: OK/);
      const of = (...words: string[]) => openssl("x509", "-in", cert, "-noout", ...words);
      assertEquals(of("-pubkey"), openssl("pkey", "-in", key, "-pubout"));
      for (const name of names) {
        const kind = /^[\d:.]|::/.test(name) ? "-checkip" : "-checkhost";
        assertMatch(of(kind, name), /does match certificate/, name);
      }
      assertMatch(of("-checkip", "127.0.0.2"), /does NOT match/);
      assertMatch(of("-checkend", "86400"), /will not expire/);
    }
  },
});
