/**
 * Signatures of AWS. The first are those of the published test suite (aws-sig-v4-test-suite) and of the S3
 * documentation's examples; those of Bedrock are what botocore 1.43's SigV4Auth made of the same request.
 */
import { assertEquals } from "@std/assert";
import { signedHeaders } from "../../lib/aws/sigv4.ts";

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const suite = {
  key: {
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token: null,
  },
  scope: { region: "us-east-1", service: "service" },
  now: new Date("2015-08-30T12:36:00Z"),
};
const s3 = {
  key: {
    access_key_id: "AKIAIOSFODNN7EXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    session_token: null,
  },
  scope: { region: "us-east-1", service: "s3" },
  now: new Date("2013-05-24T00:00:00Z"),
};
const bedrock = {
  ...suite,
  scope: { region: "eu-central-1", service: "bedrock" },
  now: new Date("2025-11-30T12:00:00Z"),
};
const SUITE = "https://example.amazonaws.com/", BUCKET = "https://examplebucket.s3.amazonaws.com/";
const HOST = "https://bedrock-runtime.eu-central-1.amazonaws.com";
const MODEL = `${HOST}/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream`;

interface Case {
  name: string;
  from: Omit<typeof suite, "key"> & { key: Parameters<typeof signedHeaders>[1] };
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  names: string;
  signature: string;
}

const cases: Case[] = [
  {
    name: "get-vanilla",
    from: suite,
    method: "GET",
    url: SUITE,
    names: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-vanilla-query-order-key-case",
    from: suite,
    method: "GET",
    url: `${SUITE}?Param2=value2&Param1=value1`,
    names: "host;x-amz-date",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "post-vanilla",
    from: suite,
    method: "POST",
    url: SUITE,
    names: "host;x-amz-date",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "S3: GET object",
    from: s3,
    method: "GET",
    url: `${BUCKET}test.txt`,
    headers: { Range: "bytes=0-9", "x-amz-content-sha256": EMPTY },
    names: "host;range;x-amz-content-sha256;x-amz-date",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    name: "S3: PUT object",
    from: s3,
    method: "PUT",
    url: `${BUCKET}test%24file.text`,
    headers: {
      "Date": "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    },
    body: "Welcome to Amazon S3.",
    names: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    name: "S3: GET bucket lifecycle",
    from: s3,
    method: "GET",
    url: `${BUCKET}?lifecycle`,
    headers: { "x-amz-content-sha256": EMPTY },
    names: "host;x-amz-content-sha256;x-amz-date",
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "S3: list objects",
    from: s3,
    method: "GET",
    url: `${BUCKET}?max-keys=2&prefix=J`,
    headers: { "x-amz-content-sha256": EMPTY },
    names: "host;x-amz-content-sha256;x-amz-date",
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
  {
    name: "Bedrock: a model with a colon, whose escape is escaped again",
    from: bedrock,
    method: "POST",
    url: MODEL,
    headers: { "content-type": "application/json" },
    body: '{"messages":[]}',
    names: "content-type;host;x-amz-date",
    signature: "98736eacac7a93c201c2eaf708f07374a7a87acd5ebf7214af9a558f7cf51777",
  },
  {
    name: "Bedrock: a temporary key, and text that is not ASCII",
    from: { ...bedrock, key: { ...suite.key, session_token: "tok/en+=" } },
    method: "POST",
    url: MODEL,
    headers: { "content-type": "application/json" },
    body: '{"a":"é"}',
    names: "content-type;host;x-amz-date;x-amz-security-token",
    signature: "8d18f536319276c9b3f316dc42bca600556be7394683a8e439979736636e1713",
  },
  {
    name: "a name in the place of a model, and a query in no order",
    from: bedrock,
    method: "POST",
    url: "https://x.eu-central-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Aprofile%2Fa/" +
      "converse?b=2&a=%20x&a=1&c",
    headers: { "content-type": "application/json" },
    body: "{}",
    names: "content-type;host;x-amz-date",
    signature: "1ea15d0b9b859ca70293280ced730b18d5ae69c595601ec30d4207b6f5c73591",
  },
];

for (const { name, from, method, url, headers = {}, body = "", names, signature } of cases) {
  Deno.test(`signature: ${name}`, () => {
    const { key, scope, now } = from;
    const request = { method, url: new URL(url), headers, body };
    const unsigned = { accept: "*/*", "User-Agent": "dyno", "accept-encoding": "identity" };
    for (const further of [{}, unsigned]) {
      const all = { ...request, headers: { ...headers, ...further } };
      const { authorization } = signedHeaders(all, key, scope, now);
      const day = now.toISOString().slice(0, 10).replaceAll("-", "");
      assertEquals(
        authorization,
        `AWS4-HMAC-SHA256 Credential=${key.access_key_id}/${day}/${scope.region}/${scope.service}/` +
          `aws4_request, SignedHeaders=${names}, Signature=${signature}`,
      );
    }
  });
}
