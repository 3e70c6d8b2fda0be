/** What the simulator's tests share: the built program, its runs and what they leave. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { nativeProgram } from "../../../lib/native/program.ts";

const SOURCES = fromFileUrl(new URL("../../../native/sim/", import.meta.url));

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TraceEvent {
  name: string;
  ts: number;
  args: {
    workflow: number;
    node: number;
    type: string;
    iter: number;
    pdf: number;
    subquery: number;
    failures: number;
    provider: string;
    tier: number;
    attempt: number;
    hedge: boolean;
    cost: number;
    workflow_cost: number;
    ran_ms: number;
    reason: string;
    straggler: number;
    arrived_ms: number;
    makespan_ms: number;
    failed: boolean;
  };
}

export type Row = Record<string, string>;

/** The program and a folder that is gone afterwards; every run writes into a folder of its own. */
export class Simulator {
  #runs = 0;

  private constructor(readonly folder: string, readonly program: string) {}

  /** The one of dyno's own, built once into the user's cache. */
  static async open(): Promise<Simulator> {
    return new Simulator(Deno.makeTempDirSync(), await nativeProgram("agent_sched_sim"));
  }

  /** One under the sanitizers, where warnings are errors. */
  static async sanitized(): Promise<Simulator> {
    const folder = Deno.makeTempDirSync();
    const { success, stderr } = await new Deno.Command("make", {
      args: ["-s", `BUILD=${folder}`, "sanitize"],
      cwd: SOURCES,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new Simulator(folder, join(folder, "agent_sched_sim_asan"));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }

  async run(...parameters: string[]): Promise<Outcome> {
    const command = new Deno.Command(this.program, { args: parameters, cwd: this.folder });
    const { code, stdout, stderr } = await command.output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  }

  /** A run that must succeed; gives the folder it wrote. */
  async report(...parameters: string[]): Promise<Report> {
    const folder = join(this.folder, `run${this.#runs++}`);
    const { code, stdout, stderr } = await this.run(...parameters, "--out_dir", folder);
    assertEquals([code, stderr], [0, ""], parameters.join(" "));
    return new Report(folder, stdout);
  }

  /** Writes a file into the simulator's folder; gives its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    Deno.writeTextFileSync(path, text);
    return path;
  }
}

export class Report {
  constructor(readonly folder: string, readonly stdout: string) {}

  bytes(name: string): string {
    return Deno.readTextFileSync(join(this.folder, name));
  }

  rows(name: string): Row[] {
    const [header, ...lines] = this.bytes(name).trimEnd().split("\n").map((l) => l.split(","));
    return lines.map((line) => Object.fromEntries(header.map((key, i) => [key, line[i]])));
  }

  get summary(): Record<string, number> {
    const [row] = this.rows("summary.csv");
    return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Number(value)]));
  }

  get trace(): TraceEvent[] {
    return JSON.parse(this.bytes("trace.json"));
  }

  /** What standard output says of a key. */
  said(key: string): string | undefined {
    return this.stdout.match(new RegExp(`^  ${key}=(.*)$`, "m"))?.[1];
  }

  remove(): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Mean and half-width of a 95 % interval over independent replications (Student's t). */
export function interval95(values: number[]): { mean: number; half: number } {
  const T975: Record<number, number> = { 9: 2.262, 19: 2.093, 29: 2.045 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1));
  return { mean, half: T975[values.length - 1] * deviation / Math.sqrt(values.length) };
}
