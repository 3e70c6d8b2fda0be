/** The source of the page's data: the server, or the files of a copy on disk. */

const KEY = "dyno-token";

/** The copy that this page belongs to; null if the page comes from a server. */
export const copy = globalThis.dynoCopy ?? null;

/** Why there is no answer: `gone` (the server), `token`, `refused` or `absent` (from a copy). */
export class Unanswered extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Keeps the token until the tab is closed. */
export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

/** Requests `/api/runs` and the like; empty values of `query` are left out. */
export function ask(path, query = {}, { signal } = {}) {
  if (copy && path === "/api/runs") return runsOfCopy(query);
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const words = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
  const address = words.size ? `${path}?${words}` : path;
  return copy ? fromCopy(address) : fromServer(address, signal);
}

/** Sends a DELETE request. */
export function remove(path, { signal } = {}) {
  return fromServer(path, signal, "DELETE");
}

async function fromServer(address, signal, method = "GET") {
  const token = sessionStorage.getItem(KEY);
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  let answer;
  try {
    answer = await fetch(address, { method, headers, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unanswered("gone", "the server does not answer");
  }
  if (answer.ok) return await answer.json();
  const { error } = await answer.json().catch(() => ({ error: null }));
  const said = error?.message ?? `status ${answer.status}`;
  const issues = (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Unanswered(
    answer.status === 401 ? "token" : answer.status >= 502 ? "gone" : "refused",
    [said, ...issues].join("; "),
  );
}

/** A page of the matching runs, as the server would return it. */
async function runsOfCopy({ model = "", suite = "", kind, status, since, offset = 0, limit }) {
  const has = (name, part) => name.toLowerCase().includes(part.toLowerCase());
  const { runs } = await fromCopy("/api/runs");
  const fitting = runs.filter((run) =>
    has(run.model, model) && has(run.benchmark, suite) &&
    (!kind || run.kind === kind) && (!status || run.status === status) &&
    (!since || run.started_at_unix_seconds >= since)
  );
  const shown = fitting.slice(offset, offset + limit);
  return { runs: shown, total: fitting.length, offset, limit };
}

/** A file of the copy is a script that stores its answer in `dynoCopy.answers`. */
async function fromCopy(address) {
  const file = copy.files[address];
  if (file === undefined) {
    throw new Unanswered("absent", "this copy does not hold that; a dyno serve has it");
  }
  if (!(address in copy.answers)) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = file;
      script.onload = resolve;
      script.onerror = () => reject(new Unanswered("gone", `the file ${file} is missing`));
      document.head.append(script);
    });
  }
  return copy.answers[address];
}
