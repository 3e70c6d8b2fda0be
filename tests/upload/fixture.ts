/** A real S3 server in a process of its own, a line to it that can break, and what lies there. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, request as send } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AwsClient } from "aws4fetch";

const KEY = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };

/** The server's folder of multi-part uploads, in a bucket's. */
const UPLOADS = "._S3rver_uploads";

/** An S3 server with the bucket "results", for all tests of a file: it takes a while to start. */
export class S3Server implements AsyncDisposable {
  readonly port: number;
  /** Where it keeps the bucket. */
  readonly folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.folder = join(folder, "results");
    this.port = port;
    this.#child = child;
  }

  static async start(folder: string): Promise<S3Server> {
    const program = fileURLToPath(new URL("s3_server.ts", import.meta.url));
    const child = spawn(process.execPath, ["run", "-A", "--no-check", program, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = await once(lines, "line");
    lines.close();
    return new S3Server(folder, Number(line), child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    this.#child.stdout?.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, "exit");
    }
  }
}

/** A request on its way: its method, its path with the query, and how many came before it. */
export interface Passing {
  method: string;
  url: string;
  count: number;
}

/** What becomes of a request: null lets it pass. */
export type Fault =
  | null
  | "reset before"
  | "reset after"
  | "hold"
  | "damage"
  | number
  | { retry_after_s: number };

/** The bucket of a server, empty, behind a line of its own; and its clients' environment. */
export class Bucket implements AsyncDisposable {
  /** Requests that came by, in their order. */
  readonly requests: Passing[] = [];
  /** Called for each request. */
  fault: (request: Passing) => Fault = () => null;
  readonly #stop: () => Promise<void>;
  readonly #port: number;
  /** Where the server keeps the bucket. */
  readonly #folder: string;

  private constructor(folder: string, port: number, stop: () => Promise<void>) {
    this.#folder = folder;
    this.#port = port;
    this.#stop = stop;
  }

  /** With a server of its own, which keeps it in a folder. */
  static async start(folder: string): Promise<Bucket> {
    const server = await S3Server.start(folder);
    return await Bucket.at(server, () => server[Symbol.asyncDispose]());
  }

  /** With the server of a test's file; `end` is called at its own end. */
  static async at(server: S3Server, end = async () => {}): Promise<Bucket> {
    for (const name of readdirSync(server.folder)) {
      rmSync(join(server.folder, name), { recursive: true });
    }
    const proxy = createServer((request, response) => bucket.#pass(server, request, response));
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    const bucket: Bucket = new Bucket(server.folder, port, async () => {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await end();
    });
    return bucket;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get environment(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: this.endpoint,
    };
  }

  /** Requests with a body that were let through or not. */
  puts(): number {
    return this.requests.filter(({ method }) => method === "PUT").length;
  }

  /** What lies at a key: its SHA-256 and the one that its metadata tells. */
  async object(key: string): Promise<{ sha256: string; told: string | null } | null> {
    const client = new AwsClient({ ...KEY, service: "s3", region: "us-east-1" });
    const path = key.split("/").map(encodeURIComponent).join("/");
    const response = await client.fetch(`${this.endpoint}/results/${path}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (!response.ok) return null;
    return {
      sha256: createHash("sha256").update(bytes).digest("hex"),
      told: response.headers.get("x-amz-meta-sha256"),
    };
  }

  /** The keys below a prefix, sorted; of plain names alone. */
  keys(prefix: string): string[] {
    const folder = join(this.#folder, prefix);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true }).map(String).sort()
      .flatMap((name) => /^(.+)\._S3rver_object$/.exec(name)?.[1] ?? []);
  }

  /** Multi-part uploads that were begun, and neither finished nor given up. */
  uploads(): { key: string; id: string }[] {
    const folder = join(this.#folder, UPLOADS);
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((id) => {
      const path = join(folder, id, "key");
      return existsSync(path) ? [{ key: readFileSync(path, "utf8"), id }] : [];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  /** Tells of open uploads and gives one up, which this server does not know: a page, or null. */
  #ofUploads(method: string, url: string): string | null {
    const { searchParams } = new URL(url, this.endpoint);
    const id = searchParams.get("uploadId");
    if (method === "DELETE" && id !== null) {
      rmSync(join(this.#folder, UPLOADS, id), { recursive: true, force: true });
      return "";
    }
    if (method !== "GET" || !searchParams.has("uploads")) return null;
    const listed = this.uploads().filter(({ key }) =>
      key.startsWith(searchParams.get("prefix") ?? "")
    ).map(({ key, id }) =>
      `<Upload><Key>${encodeURIComponent(key)}</Key><UploadId>${id}</UploadId></Upload>`
    );
    const head = "<EncodingType>url</EncodingType>";
    return `<ListMultipartUploadsResult>${head}${listed.join("")}</ListMultipartUploadsResult>`;
  }

  #pass({ port }: S3Server, request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    const passing = { method, url, count: this.requests.length };
    this.requests.push(passing);
    const fault = this.fault(passing);
    if (fault === "reset before") return void request.socket.destroy();
    if (fault === "hold") return void request.resume();
    if (typeof fault === "number") {
      request.resume();
      return void response.writeHead(fault).end();
    }
    if (typeof fault === "object" && fault !== null) {
      request.resume();
      return void response.writeHead(503, { "retry-after": String(fault.retry_after_s) }).end();
    }
    const page = this.#ofUploads(method, url);
    if (page !== null) {
      request.resume();
      return void response.writeHead(page === "" ? 204 : 200).end(page);
    }
    const onward = send({ port, host: "127.0.0.1", method, path: url, headers }, (reply) => {
      if (fault === "reset after") {
        reply.resume();
        return void request.socket.destroy();
      }
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(response);
    });
    onward.on("error", () => request.socket.destroy());
    request.on("error", () => onward.destroy());
    let first = fault === "damage";
    request.on("data", (chunk: Uint8Array) => {
      if (first) chunk[0] ^= 1;
      first = false;
      onward.write(chunk);
    });
    request.on("end", () => onward.end());
  }
}

/** Sets environment variables for as long as it is held; others of their kind are away. */
export function environmentOf(values: Record<string, string>): Disposable {
  const known = Object.keys(process.env).filter((name) => /^(AWS|GS)_/.test(name));
  const names = [...new Set([...known, ...Object.keys(values)])];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of known) delete process.env[name];
  Object.assign(process.env, values);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}
