/** The whole page: which part is shown, whether the server answers, and the token. */
import { el, fill } from "./dom.js";
import { copy, keepToken, Unanswered } from "./source.js";
import { moment } from "./words.js";
import { overviewPage } from "./overview.js";
import { batchesPage } from "./batches.js";
import { comparePage } from "./compare.js";
import { hardwarePage } from "./hardware.js";
import { runPage } from "./run.js";
import { runsPage } from "./runs.js";
import { empty } from "./parts.js";

const PAGES = [
  { path: /^\/$/, at: "#/", name: "Overview", show: overviewPage },
  { path: /^\/runs$/, at: "#/runs", name: "Runs", show: runsPage },
  { path: /^\/runs\/([^/]+)$/, show: runPage },
  { path: /^\/compare$/, at: "#/compare", name: "Compare", show: comparePage },
  { path: /^\/batches$/, at: "#/batches", name: "Batches", show: batchesPage },
  { path: /^\/hardware$/, at: "#/hardware", name: "Hardware", show: hardwarePage },
];

/** Time between tries to reach a server that does not answer. */
const RETRY_MS = 2000;

const main = document.getElementById("main");
const connection = document.getElementById("connection");
const notice = document.getElementById("notice");
let leave = new AbortController();

function address() {
  const [path, words = ""] = location.hash.replace(/^#/, "").split("?");
  return { path: path || "/", query: Object.fromEntries(new URLSearchParams(words)) };
}

/** Shows the page that the address names. */
function show() {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const { path, query } = address();
  const page = PAGES.find((each) => each.path.test(path));
  fill(
    document.getElementById("pages"),
    PAGES.filter(({ name }) => name).map(({ at, name, path: own }) =>
      el(
        "li",
        {},
        el("a", {
          href: at,
          "aria-current": own.test(path) || path.startsWith(at.slice(1) + "/") && at !== "#/"
            ? "page"
            : null,
        }, name),
      )
    ),
  );
  fill(main);
  if (!page) return fill(main, empty("No such page", "Choose one above."));
  document.title = page.name
    ? `${page.name} · dyno`
    : `${path.slice(path.lastIndexOf("/") + 1)} · dyno`;
  page.show({
    main,
    signal,
    query,
    params: page.path.exec(path).slice(1).map(decodeURIComponent),
    go: (next) => location.hash = hashOf(path, next),
    every: (pause_ms, work) => every(pause_ms, work, signal),
    fault: (error) => told(error, signal),
  });
}

function hashOf(path, query) {
  const words = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== "" && value != null),
  );
  return words.size ? `${path}?${words}` : path;
}

/** Repeats the work until the page is left; not while the tab is hidden. */
async function every(pause_ms, work, signal) {
  while (!signal.aborted) {
    let wait_ms = pause_ms;
    try {
      if (!document.hidden) {
        await work();
        if (!signal.aborted) told(null, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      told(error, signal);
      // a missing token, an error of the page, and data that a copy lacks do not go away by
      // retrying
      if (!(error instanceof Unanswered) || /^(token|absent)$/.test(error.kind)) return;
      wait_ms = RETRY_MS;
    }
    if (copy) return; // a copy does not change
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait_ms);
      signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
    });
  }
}

/** Shows how the server answers; null means well. */
function told(error, signal) {
  if (signal.aborted) return;
  const gone = !copy && error?.kind === "gone";
  const words = copy
    ? `a copy of ${moment(copy.made_at_unix_seconds)}`
    : gone
    ? "no answer"
    : "connected";
  connection.className = copy ? "" : gone ? "gone" : "there";
  if (connection.textContent !== words) fill(connection, words); // unchanged text would be read out again
  if (error === null) return fill(notice);
  if (error.kind === "token") return notice.querySelector("form") ?? fill(notice, tokenForm(error));
  if (!(error instanceof Unanswered)) reportError(error);
  warn(
    gone
      ? [
        `The server at ${location.origin} does not answer. Start it again with `,
        el("code", {}, "dyno serve"),
        "; this page goes on by itself. What it shows may be old.",
      ]
      : [error.message],
  );
}

/** Shows a warning; one that is already shown is not read out again. */
function warn(words) {
  const warning = el("p.warn", { role: "alert" }, words);
  if (notice.textContent !== warning.textContent) fill(notice, warning);
}

/** Asks for the token, which is kept in this tab. */
function tokenForm() {
  const field = el("input", {
    id: "token",
    type: "password",
    autocomplete: "off",
    required: true,
    spellcheck: "false",
  });
  const refused = sessionStorage.getItem("dyno-token") !== null;
  return el(
    "form.token",
    {
      submit: (event) => {
        event.preventDefault();
        keepToken(field.value);
        fill(notice);
        show();
      },
    },
    el(
      "p",
      {},
      refused ? "The server refuses this token. " : "The server asks for a token: ",
      "the value of ",
      el("code", {}, "DYNO_SERVE_TOKEN"),
      ". It is kept until this tab is closed.",
    ),
    el("label", { for: "token" }, "Token"),
    field,
    el("button", { type: "submit" }, "Go on"),
  );
}

addEventListener("hashchange", ({ oldURL }) => {
  const before = new URL(oldURL).hash.split("?")[0];
  show();
  // a changed filter keeps the focus; on another page the heading gets it
  if (before !== location.hash.split("?")[0]) main.querySelector("h1")?.focus();
});
document.addEventListener("visibilitychange", () => document.hidden || show());
show();
