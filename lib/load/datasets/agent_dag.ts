/**
 * Agents and sub-agents in AIPerf's dag_jsonl form: one conversation a line, whose turns send
 * `messages` in reply to the live answer before them. The conversations in a turn's `spawns` start
 * after it without its history, and the next turn (or the one in `join_at`) waits for them. Those
 * in `forks` continue from its history and end their parent, unless they run in the background.
 * Conversations that no other one names are the sessions.
 */
import { isJsonObject } from "../../json_fields.ts";
import { UNKNOWN_REQUEST, UNKNOWN_ROW } from "./row.ts";
import type { DatasetForm, DatasetRow, RowRequest, RowStep } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

type After = RowStep["after"];

/** A turn as the file has it. */
interface Turn {
  request: RowRequest;
  wait_s: number;
  /** Conversations that start after it; `join` is the turn that waits for them, null for none. */
  spawns: { name: string; join: number | null }[];
  forks: string[];
  /** Whether it is the last turn of its conversation. */
  ends: boolean;
}

/** A line of the file. */
interface Conversation {
  turns: Turn[];
  /** Conversations that start together with it. */
  before: string[];
  /** Whether each turn is added to the history before it; otherwise a turn has all its messages. */
  continues: boolean;
}

const CHILDREN = ["forks", "spawns", "pre_session_spawns"];

/** AIPerf's form of conversations with branches. */
export const agentDagForm: DatasetForm = {
  name: "dag",
  has: (names, { turns }) =>
    names.has("session_id") && Array.isArray(turns) &&
    turns.some((turn) =>
      isJsonObject(turn) && ["messages", "forks", "spawns"].some((name) => name in turn)
    ),
  begin(note, { all }) {
    const named = new Set(all.flatMap(namesWithin));
    const known = new Map(all.map((row) => [String(row.session_id), row]));
    const begun = new Set([...known.keys()].filter((name) => !named.has(name)));
    // the loop also visits names added to the set on the way
    for (const name of begun) {
      for (const child of namesWithin(known.get(name) ?? {})) begun.add(child);
    }
    const met = new Set<string>();
    return (fields) => {
      const session = fields.name("session_id");
      if (session === null) throw fields.complaint('no "session_id"');
      if (met.has(session)) {
        throw fields.complaint(`session_id: "${session}": an earlier row has it`);
      }
      met.add(session);
      const read = conversationOf(fields, note);
      if (named.has(session)) {
        if (begun.has(session)) return null; // it is read as part of the conversation that names it
        throw fields.complaint(`"${session}": only conversations that it leads to name it`);
      }
      const conversations = new Map([[session, read]]);
      const find = (name: string): Conversation => {
        const found = conversations.get(name);
        if (found !== undefined) return found;
        const row = known.get(name);
        if (row === undefined) throw fields.complaint(`"${name}": there is no such session_id`);
        const child = conversationOf(fields.within(row, `"${name}"`), () => {});
        conversations.set(name, child);
        return child;
      };
      return sessionOf(session, find, fields);
    };
  },
};

/** The conversations that a line refers to. */
function namesWithin(row: Record<string, unknown>): string[] {
  const turns = Array.isArray(row.turns) ? row.turns.filter(isJsonObject) : [];
  return [row, ...turns].flatMap((place) =>
    CHILDREN.flatMap((name) => Array.isArray(place[name]) ? place[name].flatMap(namesOf) : [])
      .filter((name) => typeof name === "string")
  );
}

/** The names in an entry of a list of children. */
function namesOf(entry: unknown): unknown[] {
  return isJsonObject(entry) ? [entry.child ?? [], entry.children ?? []].flat() : [entry];
}

/** The entries of a list of children, each with the conversations that it refers to. */
function childrenIn(fields: RowFields, list: string): { entry: unknown; names: string[] }[] {
  const entries = fields.value(list) ?? [];
  if (!Array.isArray(entries)) throw fields.complaint(`${list}: expected a list`);
  return entries.map((entry, i) => {
    const names = namesOf(entry);
    if (names.length > 0 && names.every((name) => typeof name === "string")) {
      return { entry, names };
    }
    throw fields.complaint(
      `${list}[${i}]: expected the session_id of a conversation, {child} or {children}`,
    );
  });
}

function conversationOf(fields: RowFields, note: (text: string) => void): Conversation {
  if (fields.value("orchestrator") === true) {
    throw fields.complaint(
      "orchestrator: not replayed; give each of its branches as a conversation that nothing names",
    );
  }
  const mode = fields.text("context_mode") ?? "deltas_without_responses";
  const modes = ["deltas_without_responses", "message_array_with_responses"];
  if (!modes.includes(mode)) {
    throw fields.complaint(`context_mode: "${mode}"; expected ${modes.join(" or ")}`);
  }
  const turns = fields.objects("turns");
  if (turns.length === 0) throw fields.complaint("turns: none; expected one or more");
  fields.value("session_id");
  return {
    turns: turns.map((turn, i) => turnOf(turn, i, turns.length, note)),
    before: childrenIn(fields, "pre_session_spawns").flatMap(({ names }) => names),
    continues: mode === modes[0],
  };
}

function turnOf(fields: RowFields, at: number, count: number, note: (text: string) => void): Turn {
  const body: Record<string, unknown> = { ...fields.object("extra") };
  for (const name of ["model", "tools"]) {
    const value = fields.value(name);
    if (value !== undefined) body[name] = value;
  }
  const next = at + 1 < count ? at + 1 : null;
  const spawns = childrenIn(fields, "spawns").flatMap(({ entry, names }) => {
    const given = isJsonObject(entry) ? entry.join_at ?? null : null;
    const join = given === null ? next : Number(given);
    if (join !== null && !(Number.isInteger(join) && join > at && join < count)) {
      throw fields.complaint(
        `spawns: join_at: ${join}; expected a turn from ${at + 1} to ${count - 1}`,
      );
    }
    return names.map((name) => ({ name, join }));
  });
  const forks = childrenIn(fields, "forks");
  const ends = forks.some(({ entry }) => !isJsonObject(entry) || entry.background !== true);
  if (ends && next !== null) {
    throw fields.complaint(
      "forks: they end the conversation, but turns follow; give {child, background: true} for children that run alongside it",
    );
  }
  const messages = fields.list("messages");
  if (messages === null) throw fields.complaint('no "messages"; expected a list of them');
  const request = {
    ...UNKNOWN_REQUEST,
    messages,
    output_tokens: fields.count("max_tokens"),
    body,
  };
  const wait_s = Math.max(0, fields.time("delay", "milliseconds") ?? 0) / 1000;
  for (const name of fields.unread()) note(`"${name}" of a turn is not used`);
  return { request, wait_s, spawns, forks: forks.flatMap(({ names }) => names), ends };
}

/** The questions of a session, including its branches. */
function sessionOf(
  session: string,
  find: (name: string) => Conversation,
  fields: RowFields,
): DatasetRow {
  const steps: RowStep[] = [];
  const within: string[] = [];
  /** Adds a conversation; returns its last step. */
  const add = (name: string, after: After, history: number | null, agent?: string): number => {
    if (within.includes(name)) {
      throw fields.complaint(
        `"${name}" names itself by way of ${within.slice(1).join(", ") || "its turns"}`,
      );
    }
    within.push(name);
    const { turns, before, continues } = find(name);
    const joins = new Map<number, number[]>();
    let last = -1;
    turns.forEach(({ request, wait_s, spawns, forks }, i) => {
      const own = i === 0 ? after.map(({ step }) => ({ step, wait_s })) : [{ step: last, wait_s }];
      const waits = (joins.get(i) ?? []).map((step) => ({ step, wait_s: 0 }));
      const step = steps.length;
      steps.push({
        ...request,
        after: [...own, ...waits],
        history: !continues ? null : i === 0 ? history : last,
        ...(agent === undefined ? {} : { agent }),
      });
      if (i === 0) { for (const child of before) add(child, after, null, child); }
      last = step;
      for (const { name: child, join } of spawns) {
        const end = add(child, [{ step, wait_s: 0 }], null, child);
        if (join !== null) joins.set(join, [...joins.get(join) ?? [], end]);
      }
      for (const child of forks) add(child, [{ step, wait_s: 0 }], step, child);
    });
    within.pop();
    return last;
  };
  add(session, [], null);
  const [{ after: _a, history: _h, ...first }, ...later] = steps;
  return { ...UNKNOWN_ROW, ...first, later, session };
}
