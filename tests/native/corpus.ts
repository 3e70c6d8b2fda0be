/** The corpus of HTTP responses, good and hostile: tests/fixtures/http_corpus.json. */
import { Buffer } from "node:buffer";
import corpus from "../fixtures/http_corpus.json" with { type: "json" };

/** Text in latin1, a letter a byte; parts of a list are joined, and a part may be repeated. */
type Text = string | (string | { repeat: [string, number] })[];

/** A response behind which the peer closes, and what is to come of it. */
interface Entry {
  name: string;
  response: Text;
  ending: "whole" | "cut" | "malformed";
  /** 200 where it is missing; not told of what is malformed. */
  status?: number;
  keep_alive?: boolean;
  body?: Text;
  events?: unknown;
}

/** What a parser made of a response. Body and events are latin1, a letter a byte. */
export interface Outcome {
  ending: "whole" | "cut" | "malformed";
  status: number;
  keep_alive: boolean;
  body: string;
  events: string[];
}

export interface Case {
  name: string;
  response: Buffer;
  expected: Outcome;
}

function expand(text: Text | { repeat: [string, number] } = ""): string {
  if (typeof text === "string") return text;
  if (!Array.isArray(text)) return text.repeat[0].repeat(text.repeat[1]);
  return text.map(expand).join("");
}

function caseOf(entry: Entry): Case {
  return {
    name: entry.name,
    response: Buffer.from(expand(entry.response), "latin1"),
    expected: {
      ending: entry.ending,
      status: entry.ending === "malformed" ? 0 : entry.status ?? 200,
      keep_alive: entry.keep_alive ?? false,
      body: expand(entry.body),
      events: ((entry.events ?? []) as Text[]).map(expand),
    },
  };
}

export const CASES: readonly Case[] = (corpus as Entry[]).map(caseOf);
