/**
 * The one reader of answers, streamed or whole, for every form of API. Fast enough for 200,000 events a
 * second.
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

/** The most characters kept of one answer, so that an endless stream does not fill the memory. */
const MAX_TEXT_LENGTH = 64 * 1024 * 1024;
const MAX_TOOL_CALLS = 1000;
/** The most fields of a stream's events that are kept besides the text, each with its latest value. */
const MAX_FIELDS = 64;

/** Text that JSON writes unchanged: it has no quotation marks, backslashes or control characters. */
// deno-lint-ignore no-control-regex
const PLAIN = /^[^"\\\x00-\x1f]+$/;
/** After the layout has changed this many times, every event is parsed. */
const MOST_FORMS = 8;

/**
 * The start of JSON or HTML. Where plain text is valid too, a transcript may begin with a blank or
 * "[Music]".
 */
const NO_TEXT = /^\s*(?:[{<]|\[\s*[[{])/;

const BROKE_OFF = "the server broke off with an error";

/** Where the token count of an answer comes from. */
export type TokenSource = "usage" | "tokenizer" | "events";

/**
 * What surrounds the text in a stream's events. Servers repeat everything but the text in each event,
 * so an event with the same beginning and end as a parsed one, and plain text between them, differs
 * only in its text and need not be parsed.
 */
interface Form {
  prefix: string;
  suffix: string;
  part: "text" | "reasoning" | "others";
}

/** One answer. Feed it the events of a stream, or one body. */
export class Reply {
  /** The times of its events that carry tokens. */
  readonly tokens: TokenStamps = new TokenStamps();
  /** Events with a choice but no token: they open or finish an answer. */
  readonly #tokenless = new EventSpan();
  /** Those of them with an empty text field and no role. */
  readonly blank: EventSpan = new EventSpan();
  /** The longest delay between the kernel's receipt of bytes and our read of them; null when unknown. */
  lag_max_ns: number | null = null;
  /** Whether `[DONE]`, a finish reason or a whole body came, so that the answer was not cut off. */
  complete = false;
  /** Why the model stopped, in the server's words; null until the server says so. */
  finish_reason: string | null = null;
  /** The text, a refusal included; empty when texts are not kept. */
  text = "";
  /** Reasoning that the endpoint sends separately from the text. */
  reasoning = "";
  /** The part of the text in which the model refused. */
  refusal = "";
  /** Sound and images of the answer; empty when there are none. */
  readonly media: Media = {};
  readonly #reader: ApiForm;
  readonly #keep: boolean;
  #others = "";
  #calls: CallPart[] = [];
  #calls_length = 0;
  #usage: TokenUsage | null = null;
  /** Whether the answer has any content. */
  #said = false;
  /** Whether any event has come. */
  #begun = false;
  /** The server's JSON: the body, or the fields of the events without their choices. */
  #raw: JsonObject = {};
  #whole = false;
  #form: Form | null = null;
  #forms = 0;

  /**
   * Starts with an empty answer.
   *
   * @param keep whether to keep the content; times and counts are always kept.
   */
  constructor(form: ApiForm | ApiType, keep = true) {
    this.#reader = typeof form === "string" ? FORMS[form] : form;
    this.#keep = keep;
  }

  /** Whether it holds nothing: no text, reasoning, tool call, sound or vector. */
  get empty(): boolean {
    return !this.#said && this.tokens.count === 0;
  }

  /** The tool calls it makes: names, and arguments as the model wrote them. */
  get calls(): { name: string; arguments: string }[] {
    return this.#calls.map(({ name, arguments: given }) => ({ name, arguments: given }));
  }

  /** From the server's usage; null when it reports none. */
  get prompt_tokens(): number | null {
    return this.#usage?.prompt_tokens ?? null;
  }

  /**
   * From the server's usage, reasoning included; null when it reports none, or reports 0 for an answer
   * with text.
   */
  get completion_tokens(): number | null {
    const count = this.#usage?.completion_tokens ?? null;
    return count === 0 && !this.empty && this.#reader.says === "text" ? null : count;
  }

  /** What the server's usage reports besides the two sums; null for nothing. */
  get usage_details(): UsageDetails | null {
    const details = this.#usage?.details ?? {};
    return Object.keys(details).length > 0 ? details : null;
  }

  /** When events with a choice came, with or without tokens, and how many; null before the first. */
  get choices(): EventSpan {
    return this.#tokenless.with(this.tokens);
  }

  /**
   * The number of tokens in the answer and its source: the server's usage, else a tokenizer, else the
   * number of events with tokens (one event may carry several tokens).
   *
   * @param countTokens counts the tokens of a text; null when there is no tokenizer.
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
   * @param lag_ns from the kernel's receipt to the read; null when unknown.
   * @throws {EndpointError} class malformed for invalid JSON; the server's own class for an error in
   * the event.
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
   * Takes an event whose name says that it is an error.
   *
   * @throws {EndpointError} always: the server's own class.
   */
  errorEvent(data: string): never {
    throw saidError(namedError(data), BROKE_OFF);
  }

  /**
   * Takes a response that has ended: JSON, or another format that the form allows. An empty body means
   * that the response was an event stream.
   */
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
   * @throws {EndpointError} class malformed for invalid JSON; the server's own class for an error in
   * the body.
   */
  body(text: string): void {
    const unmarked = text.replace(/^\uFEFF/, ""); // RFC 8259, 8.1: a parser may ignore a byte order mark
    const json = parseObject(unmarked, "the answer", "the server answered with an error");
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
   * Ends the answer: nothing more will come.
   *
   * @throws {EndpointError} class truncated when the end is missing, empty_reply when the answer has no
   * content.
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

  /** The answer as the API returns it without streaming. */
  toJson(): JsonObject {
    if (this.#whole) return this.#raw;
    const { text, reasoning, refusal, finish_reason } = this;
    const said = { text, reasoning, refusal, calls: this.#calls, finish_reason };
    return this.#reader.whole(this.#raw, said);
  }

  #parse(data: string, t_ns: number): void {
    if (data.length < 16) {
      const word = data.trim();
      if (word === "" || word === "null") return; // some servers send these to keep a connection alive
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
    // with a single event there is nothing to gain
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

  /** Sizes of several events add up; the length of a sound is reported as a whole by one event. */
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

  /** A server may leave out the index of a call, or send one needlessly; a name begins a new call. */
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

  /** @throws {EndpointError} class malformed: longer than any model's answer. */
  #bound(length: number): void {
    if (length <= MAX_TEXT_LENGTH) return;
    throw new EndpointError("malformed", "the server's answer is larger than 64 MB");
  }

  /** The text of all parts together, for counting tokens. */
  #words(): string {
    const calls = this.#calls.map((call) => call.name + call.arguments).join("");
    return this.reasoning + this.text + this.#others + calls;
  }

  /**
   * Learns the layout of an event that carries one text and nothing else. The text must occur once in
   * the event, and the event with another text substituted must carry that text and nothing else.
   */
  #learn(data: string, said: Said): void {
    const part = onlyPart(said);
    const text = part === null ? "" : said[part];
    if (part === null || !PLAIN.test(text)) return; // the known layout may still be valid
    this.#forms++;
    this.#form = null;
    const quoted = `"${text}"`;
    const at = data.indexOf(quoted);
    if (at < 0 || data.indexOf(quoted, at + 1) >= 0) return;
    // copies, because slices would keep the whole batch that they were cut from in memory
    const prefix = copied(data.substring(0, at + 1));
    const suffix = copied(data.substring(at + 1 + text.length));
    const other = this.#read(`${prefix}~${suffix}`, false);
    const same = onlyPart(other) === part && other[part] === "~";
    if (same) this.#form = { prefix, suffix, part };
  }
}

/** The only part that an event carries; null when it carries more, or nothing. */
function onlyPart(said: Said): Form["part"] | null {
  if (said.finished || said.is_so_far) return null;
  if (said.usage !== null || said.refusal !== "" || said.calls.length > 0) {
    return null;
  }
  const parts = (["text", "reasoning", "others"] as const).filter((part) => said[part] !== "");
  return parts.length === 1 ? parts[0] : null;
}

/**
 * A copy of the text in its own memory: concatenation makes a new string, and the slice refers to that.
 */
function copied(text: string): string {
  return ` ${text}`.slice(1);
}
