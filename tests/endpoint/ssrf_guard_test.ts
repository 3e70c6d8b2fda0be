/** Which addresses are public, and what an endpoint's guard lets through: a corpus of both. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { EndpointGuard, isPublic } from "../../lib/endpoint/ssrf_guard.ts";
import { PRIVATE, PUBLIC } from "./addresses.ts";

Deno.test("addresses of private and special networks are not public, others are", () => {
  for (const address of PRIVATE) assertEquals(isPublic(address), false, address);
  for (const address of PUBLIC) assertEquals(isPublic(address), true, address);
  for (const text of ["", "localhost", "1.2.3", "1.2.3.4.5", "::1%lo"]) assert(!isPublic(text));
});

Deno.test("endpoints of tasks: private and loopback ones by a list, link-local ones never", () => {
  const none = new EndpointGuard([]);
  for (const address of PRIVATE.filter((address) => !/^::ffff:(8|0)/.test(address))) {
    assert(none.refusal("h.example", [address]) !== null, address);
  }
  for (const address of PUBLIC) assertEquals(none.refusal("h.example", [address]), null, address);
  assert(none.refusal("h.example", ["1.1.1.1", "10.0.0.1"]) !== null, "each of several counts");
  const some = new EndpointGuard([
    "10.0.0.0/8",
    "127.0.0.1",
    "fd12:3456::/32",
    "llm.example",
    "[::1]",
  ]);
  for (const address of ["10.9.9.9", "127.0.0.1", "fd12:3456::9", "::1", "::ffff:10.1.1.1"]) {
    assertEquals(some.refusal("h.example", [address]), null, address);
  }
  for (const address of ["127.0.0.2", "192.168.0.1", "fd13::1", "172.16.0.1"]) {
    assert(some.refusal("h.example", [address]) !== null, address);
  }
  assertEquals(some.refusal("LLM.example", ["192.168.0.1"]), null);
  const all = new EndpointGuard(["0.0.0.0/0", "::/0", "metadata.internal"]);
  for (const address of ["169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.169.254"]) {
    assert(all.refusal("metadata.internal", [address]) !== null, address);
  }
  for (const wrong of ["10.0.0.0/33", "::/129", "http://h", "a b", "10.0.0.0/x", "/8", ""]) {
    assertThrows(() => new EndpointGuard([wrong]), InputError, "--allow-endpoints");
  }
});
