/** Where callbacks do not go: addresses that lead into one's own network, in any spelling. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { callbackUrl, checkedAddress, RefusedAddressError } from "../../lib/notify/callback_url.ts";
import { PRIVATE } from "../endpoint/addresses.ts";

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
