/** Sends a run to an MLflow tracking server, over its REST API 2.0. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { InputError, ToldError } from "../errors.ts";
import { retried, retryAfterSeconds, waitSeconds } from "../endpoint/retry.ts";
import { fetchWhole, LargeAnswerError, whyFetchFailed } from "../fetch_whole.ts";
import { type JsonObject, objectAt, objectsIn, parsedObject, textAt } from "../json_fields.ts";
import type { TrackedRun } from "./tracked_run.ts";

/** The most that one call accepts, according to the API's documentation. */
const MOST_METRICS = 1000, MOST_PARAMS = 100, LONGEST_PARAM = 6000;
const ATTEMPTS = 5;
const WAITS = { delay_s: 0.5, longest_asked_s: 60 };
const TIMEOUT_MS = 60_000;

/** The tag by which a run is found later. */
const RUN_ID_TAG = "dyno.run_id";
const STATUS = { complete: "FINISHED", incomplete: "KILLED", failed: "FAILED" };

/** The server refused, or could not be reached. */
export class MlflowError extends ToldError {
  override readonly name = "MlflowError";
}

/** The result of sending a run. */
export interface MlflowRun {
  /** MLflow's id for the run. */
  run_id: string;
  /** The page that shows it. */
  url: string;
  /** Whether it existed with this dyno run's id: nothing was sent then. */
  present: boolean;
  /** Files that cannot be sent to the server, because its artifacts are stored elsewhere. */
  files_left_out: string[];
}

/**
 * Logs a run: parameters, metrics, tags and files, in an experiment that is created if it does not
 * exist. A run that already exists is not changed.
 *
 * The credentials are in MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
 * MLFLOW_TRACKING_PASSWORD.
 *
 * @param server its URL, such as http://127.0.0.1:5000.
 * @throws {InputError} it is not a URL.
 * @throws {MlflowError} the server refuses or cannot be reached.
 */
export async function logToMlflow(
  run: TrackedRun,
  server: string,
  experiment: string,
  signal: AbortSignal,
): Promise<MlflowRun> {
  const mlflow = new Mlflow(server, signal);
  const experiment_id = await experimentId(mlflow, experiment);
  const known = await mlflow.call("runs/search", {
    experiment_ids: [experiment_id],
    filter: `tags."${RUN_ID_TAG}" = '${run.run_id}'`,
    max_results: 1,
  });
  const [found] = objectsIn(known.runs);
  const info = objectAt(found ?? await begun(mlflow, run, experiment_id), "info");
  const run_id = textAt(info, "run_id");
  if (run_id === null) {
    throw new MlflowError(`${mlflow.url}: its answer names no run; is this an MLflow server?`);
  }
  const url = `${mlflow.url}/#/experiments/${experiment_id}/runs/${run_id}`;
  // a run whose upload was interrupted is still running there: it gets the rest
  const present = found !== undefined && textAt(info, "status") !== "RUNNING";
  if (present) return { run_id, url, present, files_left_out: [] };
  const timestamp = run.ended_ms ?? Date.now();
  const metrics = Object.entries(run.metrics)
    .map(([key, value]) => ({ key, value, timestamp, step: 0 }));
  for (let i = 0; i < metrics.length; i += MOST_METRICS) {
    await mlflow.call("runs/log-batch", { run_id, metrics: metrics.slice(i, i + MOST_METRICS) });
  }
  const params = Object.entries(run.params)
    .map(([key, value]) => ({ key, value: value.slice(0, LONGEST_PARAM) }));
  for (let i = 0; i < params.length; i += MOST_PARAMS) {
    await mlflow.call("runs/log-batch", { run_id, params: params.slice(i, i + MOST_PARAMS) });
  }
  // a server with artifacts in a bucket offers no way to upload them
  const artifacts = /^mlflow-artifacts:\/(?:\/[^/]*\/)?(.*)$/.exec(
    textAt(info, "artifact_uri") ?? "",
  );
  for (const file of artifacts === null ? [] : run.files) {
    const path = `${artifacts![1]}/${file.name}`.split("/").map(encodeURIComponent).join("/");
    await mlflow.put(`mlflow-artifacts/artifacts/${path}`, readFileSync(file.path));
  }
  await mlflow.call("runs/update", {
    run_id,
    status: STATUS[run.status],
    ...(run.ended_ms === null ? {} : { end_time: Math.round(run.ended_ms) }),
  });
  const files_left_out = artifacts === null ? run.files.map(({ name }) => name) : [];
  return { run_id, url, present, files_left_out };
}

async function begun(mlflow: Mlflow, run: TrackedRun, experiment_id: string): Promise<JsonObject> {
  const { run_id, name, started_ms, tags } = run;
  const made = await mlflow.call("runs/create", {
    experiment_id,
    run_name: name,
    ...(started_ms === null ? {} : { start_time: Math.round(started_ms) }),
    tags: Object.entries({ ...tags, [RUN_ID_TAG]: run_id }).map(([key, value]) => ({ key, value })),
  });
  return objectAt(made, "run") ?? {};
}

async function experimentId(mlflow: Mlflow, name: string): Promise<string> {
  const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
  const found = await mlflow.call(query, null, "RESOURCE_DOES_NOT_EXIST");
  const known = textAt(objectAt(found, "experiment"), "experiment_id");
  if (known !== null) return known;
  return textAt(await mlflow.call("experiments/create", { name }), "experiment_id") ?? "";
}

/** A server; requests are repeated if that may help. */
class Mlflow {
  readonly url: string;
  readonly #headers: Record<string, string>;
  readonly #signal: AbortSignal;

  constructor(server: string, signal: AbortSignal) {
    if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
      throw new InputError(
        `--mlflow: "${server}" is not an http or https URL; expected e.g. http://127.0.0.1:5000`,
      );
    }
    this.url = server.replace(/\/+$/, "");
    this.#signal = signal;
    const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user } = process.env;
    const password = process.env.MLFLOW_TRACKING_PASSWORD ?? "";
    this.#headers = token
      ? { authorization: `Bearer ${token}` }
      : user
      ? { authorization: `Basic ${btoa(`${user}:${password}`)}` }
      : {};
  }

  /**
   * A call of the API; GET if there is no body.
   *
   * @param absent the error code that means "does not exist": the answer is empty then.
   */
  async call(path: string, body: unknown, absent?: string): Promise<JsonObject> {
    const headers = { ...this.#headers, "content-type": "application/json" };
    const request = body === null
      ? { method: "GET", headers }
      : { method: "POST", headers, body: JSON.stringify(body) };
    const { status, text } = await this.#send(path, request);
    const json = parsedObject(text) ?? {};
    if (status === 200) return json;
    const code = textAt(json, "error_code");
    if (absent !== undefined && code === absent) return {};
    throw this.#error(path, status, textAt(json, "message") ?? text);
  }

  /** Uploads a file. */
  async put(path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const { status, text } = await this.#send(path, {
      method: "PUT",
      headers: this.#headers,
      body,
    });
    if (status !== 200) throw this.#error(path, status, text);
  }

  #error(path: string, status: number, words: string): MlflowError {
    const said = words.replace(/\s+/g, " ").trim().slice(0, 300);
    const key = status === 401 || status === 403
      ? "; its key is expected in MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD"
      : "";
    const where = `${this.url}: ${path.split("?")[0]}`;
    return new MlflowError(`${where}: HTTP ${status}${said === "" ? "" : `: ${said}`}${key}`);
  }

  async #send(path: string, request: RequestInit): Promise<{ status: number; text: string }> {
    const sent = await retried(
      async () => {
        try {
          const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]);
          const url = `${this.url}/api/2.0/${path.startsWith("mlflow-") ? "" : "mlflow/"}${path}`;
          const { status, headers, text } = await fetchWhole(url, { ...request, signal });
          const after_s = retryAfterSeconds(headers.get("retry-after"), Date.now());
          return { status, text, after_s };
        } catch (error) {
          this.#signal.throwIfAborted();
          if (error instanceof LargeAnswerError) {
            throw new MlflowError(`${this.url}: ${error.message}`);
          }
          return { status: 0, text: whyFetchFailed(error), after_s: null };
        }
      },
      ({ status, after_s }, nth) => {
        const again = status === 0 || status === 429 || status >= 500;
        return again && nth < ATTEMPTS ? waitSeconds(nth, after_s, WAITS) : null;
      },
      this.#signal,
    );
    if (sent.status === 0) {
      throw new MlflowError(
        `${this.url}: cannot connect: ${sent.text}; is the server running, and is the URL right?`,
      );
    }
    return sent;
  }
}
