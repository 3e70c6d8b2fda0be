/** The settings of dyno serve. */
import { z } from "zod";
import { about, count, nonEmpty } from "./setting.ts";

/** What a server does and allows; its token and its secret come from the environment. */
export const serveSettings = z.strictObject({
  /** The port; 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(8787).register(about, {
    help: "the port; 0 takes a free one",
    placeholder: "N",
  }),
  /** The address to listen on. */
  host: nonEmpty.default("127.0.0.1").register(about, {
    help: "the address to listen on; any but loopback needs DYNO_SERVE_TOKEN",
    placeholder: "ADDRESS",
  }),
  /** The folder of runs. */
  runs: nonEmpty.default("runs").register(about, {
    help: "the folder of runs; tasks are kept in its folder server",
    placeholder: "DIR",
  }),
  /** The folder of batches, for the dashboard and tasks. */
  batches: nonEmpty.default("batches").register(about, {
    help: "the folder of batches that the dashboard shows",
    placeholder: "DIR",
  }),
  /** The most tasks that run at the same time. */
  jobs: count.max(256).default(1).register(about, {
    help: "tasks at the same time; more disturb each other's measurements",
    placeholder: "N",
  }),
  /** The most tasks that wait. */
  max_queue: count.default(1000).register(about, {
    help: "tasks that may wait; more are refused for a while",
    placeholder: "N",
  }),
  /** Folders with files that tasks may name. */
  allow: z.array(z.string()).default(["."]).register(about, {
    help: "folders whose files tasks may name",
    placeholder: "DIR",
    otherwise: "the working folder",
  }),
  /** Whether suites and sweeps may run programs that they name. */
  allow_commands: z.boolean().default(false).register(about, {
    help: "let suites and sweeps run programs that they name",
  }),
  /** Whether callbacks may go to private addresses. */
  private_callbacks: z.boolean().default(false).register(about, {
    help: "let callbacks go to private and loopback addresses",
    flag: "allow-private-callbacks",
  }),
  /** Private or loopback hosts and networks that tasks may ask. */
  allow_endpoints: z.array(z.string()).default([]).register(about, {
    help:
      "where --host is not loopback: private or loopback hosts that tasks may send requests to, " +
      "such as 10.0.0.0/8",
    placeholder: "HOST|CIDR",
    otherwise: "none",
  }),
  /** Variables that may hold a task's API key, each with the origin that may receive it: `NAME=ORIGIN`. */
  key_envs: z.array(z.string()).default([]).register(about, {
    help: "a variable that may hold a task's API key, and the one origin that it is sent to; a " +
      "preset's, such as OPENAI_API_KEY, needs no origin",
    placeholder: "NAME=ORIGIN",
    flag: "key-env",
    otherwise: "none",
  }),
  /** The most requests per second from one address; 0 for no limit. */
  rate_per_s: z.number().min(0).default(100).register(about, {
    help: "requests a second from one address; 0: unlimited",
    placeholder: "N",
    flag: "rate-limit",
  }),
  /** The longest request body. */
  max_body_bytes: count.default(1 << 20).register(about, {
    help: "the longest body of a request",
    placeholder: "BYTES",
    flag: "max-body",
  }),
});
