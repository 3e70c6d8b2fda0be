/** Where callbacks do not go: a corpus of addresses that lead into one's own network. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { EndpointGuard, isPublic } from "../../lib/endpoint/address.ts";
import { callbackUrl, checkedAddress, RefusedAddressError } from "../../lib/notify/address.ts";

const PRIVATE = `
  0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
  169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1
  192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
  239.255.255.255 240.0.0.1 255.255.255.255
  :: ::1 ::2 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8
  64:ff9b::1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2001:2::1 2001:10::1
  2002:7f00:1:: 2002:a00:1:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 febf::1 fec0::1 ff02::1
  ff0e::1
`.trim().split(/\s+/);

const PUBLIC = `
  1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1
  169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0
  198.17.255.255 198.20.0.0 223.255.255.255 2606:4700:4700::1111 2001:4860:4860::8888 2a00::1
`.trim().split(/\s+/);

/** Ways to write the same addresses in a URL. */
const HIDDEN = [
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0177.0.0.1/",
  "http://127.1/",
  "http://0/",
  "http://127.0.0.1./",
  "http://１２７.0.0.1/",
  "http://[::ffff:7f00:1]/",
  "http://[0:0:0:0:0:ffff:169.254.169.254]/",
  "http://[fe80::1]/",
  "http://localhost/",
  "http://LOCALHOST:80/",
  "http://a.localhost/",
  "http://localhost./",
  "http://169.254.169.254/latest/meta-data/",
  "https://10.0.0.1:8443/hook",
];

Deno.test("addresses of private and special networks are not public, others are", () => {
  for (const address of PRIVATE) assertEquals(isPublic(address), false, address);
  for (const address of PUBLIC) assertEquals(isPublic(address), true, address);
  for (const text of ["", "localhost", "1.2.3", "1.2.3.4.5", "::1%lo"]) assert(!isPublic(text));
});

Deno.test("a private address is recognised however the URL writes it", () => {
  for (const url of HIDDEN) {
    assertThrows(() => callbackUrl(url, false), RefusedAddressError, "private", url);
    callbackUrl(url, true);
  }
  for (const address of PRIVATE.filter((address) => !address.startsWith("::ffff:0:"))) {
    const url = `http://${address.includes(":") ? `[${address}]` : address}/`;
    assertThrows(() => callbackUrl(url, false), RefusedAddressError, "private", url);
  }
});

Deno.test("callbacks go to http and https URLs without a user's name", () => {
  const refused = [
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:1",
    "http://u:p@example.com/",
    "https://u@example.com/",
    "//example.com/",
    "example.com",
    "",
  ];
  for (const url of refused) {
    for (const allowed of [false, true]) {
      assertThrows(() => callbackUrl(url, allowed), RefusedAddressError, "", url);
    }
  }
  assertEquals(callbackUrl("https://example.com/hook?x=1", false).hostname, "example.com");
});

Deno.test("a name is looked up, and its address is what is checked", async () => {
  const url = new URL("http://localhost:1/");
  await assertRejects(() => checkedAddress(url, false), RefusedAddressError, "private");
  assert(["127.0.0.1", "::1"].includes(await checkedAddress(url, true)));
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
