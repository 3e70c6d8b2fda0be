/**
 * What an endpoint says, streamed or whole, in every form of API: the one reader of answers. Made for
 * 200,000 events a second.
 */
import { EventSpan } from "./event_span.ts";
import { EndpointError, namedError, saidError } from "./errors.ts";
import { malformed, parseObject } from "./json.ts";
import { TokenStamps } from "./latency.ts";
import { FORMS } from "./forms/forms.ts";
import { laterUsage } from "./usage.ts";
import type { ApiForm } from "./forms/form.ts";
import type { ApiType } from "./forms/forms.ts";
import type { JsonObject } from "../json_fields.ts";
import type { CallPart, Media, Said } from "./said.ts";
import type { TokenUsage, UsageDetails } from "./usage.ts";

/** What is kept of an answer, in characters: a flood ends here, like a body. */
const MAX_TEXT_LENGTH = 64 * 1024 * 1024;
const MAX_TOOL_CALLS = 1000;
/** Fields of a stream's events beside what they say, of which each is kept with its newest value. */
const MAX_FIELDS = 64;

/** JSON writes a text without quotation marks, backslashes and control characters as it is. */
// deno-lint-ignore no-control-regex
const PLAIN = /^[^"\\\x00-\x1f]+$/;
/** After this many changes of form, events are parsed one by one. */
const MOST_FORMS = 8;

/** JSON or a page, where a form takes texts too: a transcript may begin with a blank or "[Music]". */
const NO_TEXT = /^\s*(?:[{<]|\[\s*[[{])/;

const BROKE_OFF = "the server broke off with an error";

/** What told the count of an answer's tokens. */
export type TokenSource = "usage" | "tokenizer" | "events";

/**
 * The form that a stream's events have around their text. Servers repeat everything but the text in
 * each event: what begins and ends as a parsed one did, with plain text between, says the same with
 * another text, and need not be parsed again.
 */
interface Form {
  prefix: string;
  suffix: string;
  part: "text" | "reasoning" | "others";
}

/** One answer. Feed it the events of a stream, or one body. */
export class Reply {
  /** When its token events came. */
  readonly tokens: TokenStamps = new TokenStamps();
  /** Events with a choice and no token: what opens an answer, or finishes it. */
  readonly #tokenless = new EventSpan();
  /** Of those, the ones whose text is there but empty, without a role. */
  readonly blank: EventSpan = new EventSpan();
  /** The largest lag of a read after the kernel's receipt; null when never known. */
  lag_max_ns: number | null = null;
  /** `[DONE]`, a finish reason or a whole body came: the answer was not cut. */
  complete = false;
  /** Why the model stopped, in the server's word; null until it says so. */
  finish_reason: string | null = null;
  /** What it says, a refusal included; empty where texts are not kept. */
  text = "";
  /** Reasoning that the endpoint gives apart from the text. */
  reasoning = "";
  /** The part of the text by which the model refused. */
  refusal = "";
  /** Its sound and images; empty for none. */
  readonly media: Media = {};
  readonly #reader: ApiForm;
  readonly #keep: boolean;
  #others = "";
  #calls: CallPart[] = [];
  #calls_length = 0;
  #usage: TokenUsage | null = null;
  /** Whether it holds anything at all. */
  #said = false;
  /** Whether any event has come. */
  #begun = false;
  /** In the server's words: the body, or the last events without their choices. */
  #raw: JsonObject = {};
  #whole = false;
  #form: Form | null = null;
  #forms = 0;

  /**
   * Empty at first.
   *
   * @param keep whether to keep what it says; times and counts are always there.
   */
  constructor(form: ApiForm | ApiType, keep = true) {
    this.#reader = typeof form === "string" ? FORMS[form] : form;
    this.#keep = keep;
  }

  /** Whether it holds nothing: no text, reasoning, call of a tool, sound or vector. */
  get empty(): boolean {
    return !this.#said && this.tokens.count === 0;
  }

  /** The calls of tools that it asks for: names, and arguments as the model wrote them. */
  get calls(): { name: string; arguments: string }[] {
    return this.#calls.map(({ name, arguments: given }) => ({ name, arguments: given }));
  }

  /** From the server's usage; null where it tells none. */
  get prompt_tokens(): number | null {
    return this.#usage?.prompt_tokens ?? null;
  }

  /** From the server's usage, reasoning included; null where it tells none, or 0 of what has tokens. */
  get completion_tokens(): number | null {
    const count = this.#usage?.completion_tokens ?? null;
    return count === 0 && !this.empty && this.#reader.says === "text" ? null : count;
  }

  /** What the server's usage tells beyond the two sums; null for nothing. */
  get usage_details(): UsageDetails | null {
    const details = this.#usage?.details ?? {};
    return Object.keys(details).length > 0 ? details : null;
  }

  /** When events with a choice came, tokens or not, and how many there were; null before the first. */
  get choices(): EventSpan {
    return this.#tokenless.with(this.tokens);
  }

  /**
   * How many tokens the answer has, and what told it: the server's usage, else a tokenizer, else the
   * number of token events, of which one may carry several tokens.
   *
   * @param countTokens counts the tokens of a text; null for none.
   */
  counted(
    countTokens: ((text: string) => number) | null = null,
  ): { completion_tokens: number | null; token_source: TokenSource | null } {
    const told = this.completion_tokens;
    if (told !== null) return { completion_tokens: told, token_source: "usage" };
    if (this.#reader.says === "text" && !this.empty) {
      if (countTokens !== null) {
        return { completion_tokens: countTokens(this.#words()), token_source: "tokenizer" };
      }
      const events = this.tokens.count;
      if (events > 0) return { completion_tokens: events, token_source: "events" };
    }
    return { completion_tokens: null, token_source: null };
  }

  /**
   * Takes one event of a stream.
   *
   * @param t_ns CLOCK_MONOTONIC, nanoseconds.
   * @param lag_ns of the read after the kernel's receipt; null where it is not known.
   * @throws {EndpointError} class malformed for bad JSON; the server's own class for an error in it.
   */
  event(data: string, t_ns: number, lag_ns: number | null = null): void {
    if (lag_ns !== null && lag_ns > (this.lag_max_ns ?? -1)) this.lag_max_ns = lag_ns;
    const form = this.#form;
    if (form !== null) {
      const { prefix, suffix } = form;
      const end = data.length - suffix.length;
      if (
        end > prefix.length && data.substring(0, prefix.length) === prefix &&
        data.substring(end) === suffix
      ) {
        const text = data.substring(prefix.length, end);
        if (PLAIN.test(text)) {
          if (this.#keep) this.#keepText(form.part, text);
          this.tokens.add(t_ns);
          return;
        }
      }
    }
    this.#parse(data, t_ns);
  }

  /**
   * Takes an event that its name calls an error.
   *
   * @throws {EndpointError} always: the server's own class.
   */
  errorEvent(data: string): never {
    throw saidError(namedError(data), BROKE_OFF);
  }

  /** What came whole: JSON, or what else the form has. Nothing came: an event stream. */
  took({ body, bytes }: { body: string; bytes?: Uint8Array | undefined }): void {
    const { file, text } = this.#reader;
    if (bytes === undefined) {
      if (body === "") return;
      if (text === undefined || NO_TEXT.test(body)) return this.body(body);
    }
    const said = bytes === undefined ? text?.(body) : file?.(bytes);
    if (said === undefined) throw malformed("the answer is not JSON", "a file");
    this.#add(said);
    this.#whole = this.complete = true;
  }

  /**
   * Takes a whole body.
   *
   * @throws {EndpointError} class malformed, or the server's own for an error in it.
   */
  body(text: string): void {
    const json = parseObject(text, "the answer", "the server answered with an error");
    this.#raw = json;
    this.#whole = true;
    const said = this.#reader.body(json);
    if (!said.has_choice && !said.finished) {
      throw malformed(`the answer has no ${this.#reader.list}`, text);
    }
    this.#add(said);
    this.complete = true;
  }

  /**
   * That all has come.
   *
   * @throws {EndpointError} class truncated where the end is missing, empty_reply where nothing was said.
   */
  end(): void {
    this.complete ||= this.#begun && this.#reader.open_end === true;
    if (!this.complete) throw new EndpointError("truncated", "the answer ended before its end");
    if (!this.empty) return;
    const facts = [
      this.finish_reason === null ? null : `finish reason "${this.finish_reason}"`,
      this.completion_tokens ? `though its usage says ${this.completion_tokens} tokens` : null,
    ].filter((fact) => fact !== null);
    const more = facts.length > 0 ? ` (${facts.join(", ")})` : "";
    throw new EndpointError("empty_reply", `the answer is empty${more}`);
  }

  /** The answer in the form that the API has for one that is not streamed. */
  toJson(): JsonObject {
    if (this.#whole) return this.#raw;
    const { text, reasoning, refusal, finish_reason } = this;
    const said = { text, reasoning, refusal, calls: this.#calls, finish_reason };
    return this.#reader.whole(this.#raw, said);
  }

  #parse(data: string, t_ns: number): void {
    if (data.length < 16) {
      const word = data.trim();
      if (word === "" || word === "null") return; // some keep a connection alive so
      if (word === "[DONE]") {
        this.complete = true;
        return;
      }
    }
    const said = this.#read(data, true);
    this.#begun = true;
    this.#add(said);
    if (!said.has_token) {
      if (said.has_choice) this.#tokenless.add(t_ns);
      if (said.has_blank) this.blank.add(t_ns);
      return;
    }
    this.tokens.add(t_ns);
    // one event: nothing to gain
    if (this.tokens.count > 1 && this.#forms < MOST_FORMS) this.#learn(data, said);
  }

  #read(data: string, keep: boolean): Said {
    const json = parseObject(data, "an event", BROKE_OFF);
    if (keep && this.#keep) {
      this.#raw = this.#reader.kept(this.#raw, json);
      if (Object.keys(this.#raw).length > MAX_FIELDS) {
        throw new EndpointError(
          "malformed",
          `more than ${MAX_FIELDS} fields in an answer's events`,
        );
      }
    }
    return this.#reader.event(json, !this.empty);
  }

  #add(said: Said): void {
    this.#said ||= said.has_token || said.is_answer;
    this.#addUsage(said.usage);
    this.#addMedia(said.media);
    if (this.#keep) {
      if (said.is_so_far && said.text !== "") this.text = "";
      if (said.text !== "") this.#keepText("text", said.text);
      if (said.reasoning !== "") this.#keepText("reasoning", said.reasoning);
      if (said.others !== "") this.#keepText("others", said.others);
      this.refusal += said.refusal;
      for (const call of said.calls) this.#addCall(call);
    }
    if (!said.finished) return;
    this.complete = true;
    this.finish_reason = said.finish_reason ?? this.finish_reason;
  }

  #addUsage(usage: TokenUsage | null): void {
    if (usage === null) return;
    this.#usage = this.#usage === null ? usage : laterUsage(this.#usage, usage);
  }

  /** Of several events sizes add; how long a sound is one of them tells. */
  #addMedia({ audio_s, images, bytes }: Media): void {
    if (audio_s !== undefined) this.media.audio_s = audio_s;
    if (images !== undefined) this.media.images = (this.media.images ?? 0) + images;
    if (bytes !== undefined) this.media.bytes = (this.media.bytes ?? 0) + bytes;
  }

  #keepText(part: Form["part"], text: string): void {
    if (part === "text") this.text += text;
    else if (part === "reasoning") this.reasoning += text;
    else this.#others += text;
    this.#bound(this.text.length + this.reasoning.length + this.#others.length);
  }

  /** A server may leave out the place of a call, or give one anyway; a name begins a call. */
  #addCall(part: CallPart): void {
    const known = part.place === null
      ? this.#calls.findLast(({ id }) => part.id !== "" ? id === part.id : part.name === "")
      : this.#calls.findLast(({ place }) => place === part.place);
    const other = known !== undefined && part.name !== "" && part.id !== "" && known.id !== "" &&
      part.id !== known.id;
    this.#calls_length += part.id.length + part.name.length + part.arguments.length;
    this.#bound(this.#calls_length);
    if (known === undefined || other) {
      if (this.#calls.length === MAX_TOOL_CALLS) {
        throw new EndpointError("malformed", `more than ${MAX_TOOL_CALLS} tool calls in an answer`);
      }
      this.#calls.push({ ...part });
      return;
    }
    known.id ||= part.id;
    known.name ||= part.name;
    known.arguments += part.arguments;
  }

  /** @throws {EndpointError} class malformed: more than any model gives. */
  #bound(length: number): void {
    if (length <= MAX_TEXT_LENGTH) return;
    throw new EndpointError("malformed", "the server's answer is larger than 64 MB");
  }

  /** The texts of all its parts. */
  #words(): string {
    const calls = this.#calls.map((call) => call.name + call.arguments).join("");
    return this.reasoning + this.text + this.#others + calls;
  }

  /**
   * Learns the form of an event that says one text and nothing else. The text must stand in the event
   * once, and the event with another text in its place must say that text and nothing else.
   */
  #learn(data: string, said: Said): void {
    const part = onlyPart(said);
    const text = part === null ? "" : said[part];
    if (part === null || !PLAIN.test(text)) return; // the form that is known may still hold
    this.#forms++;
    this.#form = null;
    const quoted = `"${text}"`;
    const at = data.indexOf(quoted);
    if (at < 0 || data.indexOf(quoted, at + 1) >= 0) return;
    // copies: slices would keep the whole batch that they were cut from
    const prefix = copied(data.substring(0, at + 1));
    const suffix = copied(data.substring(at + 1 + text.length));
    const other = this.#read(`${prefix}~${suffix}`, false);
    const same = onlyPart(other) === part && other[part] === "~";
    if (same) this.#form = { prefix, suffix, part };
  }
}

/** The part that is all an event says; null where it says more, or nothing. */
function onlyPart(said: Said): Form["part"] | null {
  if (said.finished || said.is_so_far) return null;
  if (said.usage !== null || said.refusal !== "" || said.calls.length > 0) {
    return null;
  }
  const parts = (["text", "reasoning", "others"] as const).filter((part) => said[part] !== "");
  return parts.length === 1 ? parts[0] : null;
}

/** The same text in its own memory: joining makes a new one, and the slice is of that. */
function copied(text: string): string {
  return ` ${text}`.slice(1);
}
