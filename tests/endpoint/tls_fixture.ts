/** Certificates made by the openssl program, and a server by Python's ssl that tells what it sees. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { until } from "../until.ts";

/** Without it, or without Python, the tests that need them are left out. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
export const hasPython = hasOpenssl && spawnSync("python3", ["-c", "import ssl"]).status === 0;

/** Paths of PEM files. */
export interface Pair {
  key: string;
  cert: string;
}

function openssl(...words: string[]): void {
  const made = spawnSync("openssl", words);
  assertEquals(made.status, 0, made.stderr.toString());
}

const EC = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" ");

/** A key and a certificate signed by itself, of names such as "DNS:a.test" or "IP:127.0.0.1". */
export function selfSigned(folder: string, name: string, names: string, days = "2"): Pair {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  openssl(
    ...["req", "-x509", ...EC, "-days", days, "-keyout", key, "-out", cert, "-subj", "/CN=test"],
    ...["-addext", `subjectAltName=${names}`],
  );
  return { key, cert };
}

/** An authority's certificate, and what makes others that it signed. */
export class Authority {
  readonly cert: string;
  readonly #folder: string;
  readonly #key: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    const pair = selfSigned(folder, name, "DNS:ca.test");
    this.cert = pair.cert;
    this.#key = pair.key;
  }

  /** @param times openssl's form of its begin and end, as 20200101000000Z; two days from now where left out. */
  sign(name: string, names: string, times?: [from: string, to: string]): Pair {
    const at = (file: string) => join(this.#folder, file);
    const [key, request, cert] = [`${name}.key`, `${name}.csr`, `${name}.pem`].map(at);
    const [config, index] = [at(`${name}.conf`), at(`${name}.txt`)];
    writeFileSync(index, "");
    writeFileSync(
      config,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\nrand_serial=yes\nnew_certs_dir=${this.#folder}\n` +
        "default_md=sha256\npolicy=p\nx509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n" +
        `[e]\nsubjectAltName=${names}\n`,
    );
    openssl("req", "-new", ...EC, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
    openssl(
      ...["ca", "-batch", "-cert", this.cert, "-keyfile", this.#key, "-in", request, "-out", cert],
      ...["-config", config, "-notext"],
      ...(times === undefined ? ["-days", "2"] : ["-startdate", times[0], "-enddate", times[1]]),
    );
    return { key, cert };
  }
}

/** The texts of a pair's files. */
export function textsOf({ key, cert }: Pair): Pair {
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}

/** What the server saw of the connection that it answers on, in the body of /seen. */
export interface Seen {
  session_reused: boolean;
  server_name: string | null;
  version: string;
  alpn: string | null;
  client: string | null;
  connection: number;
  body_sha256: string;
}

/** A program that prints its port, and ends when its input does. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(program: string, args: string[]): Promise<ServerProcess> {
    const child = new Deno.Command(program, {
      args,
      stdout: "piped",
      stderr: "null",
      stdin: "piped",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.endsWith("\n")) break;
    }
    return new ServerProcess(child, Number(said));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

/** The server of tls_server.py; with `client_ca` it demands a client's certificate signed by this one. */
export function pythonServer(
  options: Pair & { client_ca?: string; most_version?: "TLSv1_2" | "TLSv1_1" },
): Promise<ServerProcess> {
  const script = join(import.meta.dirname!, "tls_server.py");
  return ServerProcess.start("python3", [script, JSON.stringify(options)]);
}

/** openssl's server: what is written goes to the client, what the client sends is heard. */
export class OpensslServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #heard = "";

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#writer = child.stdin.getWriter();
    this.#listen();
  }

  static async start(words: string[]): Promise<OpensslServer> {
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = probe.addr;
    probe.close();
    const child = new Deno.Command("openssl", {
      args: ["s_server", "-accept", `127.0.0.1:${port}`, ...words],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const server = new OpensslServer(child, port);
    await server.heard("ACCEPT");
    return server;
  }

  async #listen(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#heard += text;
    }
  }

  /** Waits until this is among what it printed. */
  async heard(text: string): Promise<void> {
    await until(() => this.#heard.includes(text));
  }

  /** In a write of its own, which it reads as such: letters count at the beginning of one. */
  async write(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.status;
    await this.#writer.close().catch(() => {});
  }
}
