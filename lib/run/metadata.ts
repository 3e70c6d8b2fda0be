/** run_metadata.json: what ran, where, with what, and since when. */
import { arch, cpus, hostname, release, totalmem, type as osType } from "node:os";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseSealed } from "../seal.ts";
import { InputError } from "../errors.ts";
import { type ClockAnchor, clockAnchor } from "../native/clock.ts";
import { plainFile } from "./plain_file.ts";
import { dynoVersion, gitSha } from "./version.ts";
import type { RunDirectory } from "./directory.ts";

export interface RunMetadata {
  schema_version: 1;
  run_id: string;
  kind: "suite" | "load" | "batch";
  /** The suite's id. */
  benchmark: string;
  agent: string;
  model: string;
  /** "mock" where the endpoint is dyno's own mock, as its metrics say; otherwise "none". */
  simulation_mode: "mock" | "none";
  /** Tags that users gave the run; `dyno runs tag` changes them. */
  tags: string[];
  seed: number | null;
  started_at_unix_seconds: number;
  argv: string[];
  host: Host;
  software: Software;
  /** Commit of the working folder, if it is a git checkout. */
  git_sha: string | null;
  clock_anchor: ClockAnchor;
  /** All settings that affect the run, without secrets. */
  config: Record<string, unknown>;
}

export interface Host {
  hostname: string;
  os: string;
  kernel: string;
  arch: string;
  cpu_model: string | null;
  cpu_cores: number;
  memory_bytes: number;
}

export interface Software {
  dyno: string;
  runtime: string;
}

export { dynoVersion };

export type RunFacts =
  & Pick<
    RunMetadata,
    "run_id" | "kind" | "benchmark" | "agent" | "model" | "seed" | "config" | "argv"
  >
  & { tags?: readonly string[] };

/** Adds the host, software, clock and commit to the facts about a run. */
export async function describeRun(facts: RunFacts): Promise<RunMetadata> {
  const clock_anchor = clockAnchor();
  return {
    schema_version: 1,
    ...facts,
    simulation_mode: facts.agent === "mock" ? "mock" : "none",
    tags: [...facts.tags ?? []],
    started_at_unix_seconds: clock_anchor.unix_s,
    host: describeHost(),
    software: { dyno: dynoVersion, runtime: runtimeName().toLowerCase() },
    git_sha: await gitSha(),
    clock_anchor,
  };
}

/** Describes the machine that this process runs on. */
export function describeHost(): Host {
  const cores = cpus();
  return {
    hostname: hostname(),
    os: osType(),
    kernel: release(),
    arch: arch(),
    cpu_model: cores[0]?.model ?? null,
    cpu_cores: cores.length,
    memory_bytes: totalmem(),
  };
}

/** The name and version of the JavaScript runtime; Bun also claims to be Node. */
export function runtimeName(): string {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun === undefined ? `Node ${node}` : `Bun ${bun}`;
}

/** Reads the metadata of a run. @throws {InputError} missing or damaged. */
export async function readMetadata(directory: RunDirectory): Promise<RunMetadata> {
  try {
    const text = await readFile(plainFile(directory.metadata), "utf8");
    return parseSealed(text, directory.metadata) as RunMetadata;
  } catch {
    throw new InputError(
      `${directory.metadata}: missing or damaged; the run cannot be resumed, start a new one`,
    );
  }
}
