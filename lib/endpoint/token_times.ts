/** When the tokens of one answer came. Made for 200,000 events a second. */
import { readChunk } from "./chunk.ts";
import { checkAnswerSize } from "./reply.ts";
import type { ApiType } from "./api.ts";

/** A text without quotation mark, backslash or control character stands in JSON as it is. */
// deno-lint-ignore no-control-regex
const PLAIN = /^[^"\\\x00-\x1f]+$/;
/** A stream whose events keep changing their form is not worth learning from again. */
const MOST_FORMS = 8;

/**
 * The form that a stream's events have around their text. Servers repeat everything but the text in
 * each event: what begins and ends as a parsed one did, with plain text between, says the same with
 * another text, and need not be parsed again.
 */
interface Form {
  prefix: string;
  suffix: string;
}

/** Feed it the events of one answer. */
export class TokenTimes {
  /** The first event with a choice, tokens or not; null before it. */
  t_first_choice_ns: number | null = null;
  t_first_token_ns: number | null = null;
  t_last_token_ns: number | null = null;
  /** Events that carried tokens. */
  token_events = 0;
  /** The largest lag of a read behind the kernel's receipt; null when never known. */
  lag_max_ns: number | null = null;
  /** `[DONE]` or a finish reason came: the stream was not cut. */
  finished = false;
  prompt_tokens: number | null = null;
  completion_tokens: number | null = null;
  /** The answer, if it was to be kept. */
  text = "";
  readonly #api_type: ApiType;
  readonly #keepText: boolean;
  #gaps_ms = new Float32Array(64);
  #form: Form | null = null;
  #forms = 0;

  constructor(api_type: ApiType, keepText: boolean) {
    this.#api_type = api_type;
    this.#keepText = keepText;
  }

  /** Times between successive token events, ms. */
  get gaps_ms(): Float32Array {
    return this.#gaps_ms.subarray(0, Math.max(0, this.token_events - 1));
  }

  /**
   * Takes one event.
   *
   * @throws {EndpointError} class malformed for bad JSON; the server's own class for an error event.
   */
  event(data: string, t_ns: number, lag_ns: number | null): void {
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
          if (this.#keepText) this.#keep(text);
          this.#stamp(t_ns);
          return;
        }
      }
    }
    this.#parse(data, t_ns);
  }

  #parse(data: string, t_ns: number): void {
    const chunk = readChunk(data, this.#api_type);
    if (chunk.has_choice) this.t_first_choice_ns ??= t_ns;
    this.prompt_tokens = chunk.prompt_tokens ?? this.prompt_tokens;
    this.completion_tokens = chunk.completion_tokens ?? this.completion_tokens;
    this.finished ||= chunk.finished;
    if (!chunk.has_token) return;
    if (this.#keepText) this.#keep(chunk.text);
    this.#stamp(t_ns);
    // an answer of one event has nothing to gain
    if (this.token_events > 1 && chunk.text !== "" && this.#forms < MOST_FORMS) {
      this.#forms++;
      this.#form = formOf(data, chunk.text, this.#api_type);
    }
  }

  #keep(text: string): void {
    this.text += text;
    checkAnswerSize(this.text.length, this.token_events);
  }

  #stamp(t_ns: number): void {
    const last = this.t_last_token_ns;
    if (last === null) {
      this.t_first_token_ns = t_ns;
    } else {
      const at = this.token_events - 1;
      if (at === this.#gaps_ms.length) {
        checkAnswerSize(0, at);
        const grown = new Float32Array(at * 2);
        grown.set(this.#gaps_ms);
        this.#gaps_ms = grown;
      }
      this.#gaps_ms[at] = (t_ns - last) / 1e6;
    }
    this.t_last_token_ns = t_ns;
    this.token_events++;
  }
}

/**
 * The form of an event whose text is `text`; null where it cannot be had: the text must stand in the
 * event once, and the event with another text in its place must say that text and nothing else new.
 */
function formOf(data: string, text: string, api_type: ApiType): Form | null {
  if (!PLAIN.test(text)) return null;
  const quoted = `"${text}"`;
  const at = data.indexOf(quoted);
  if (at < 0 || data.indexOf(quoted, at + 1) >= 0) return null;
  // copies: slices would keep the whole batch that they were cut from
  const prefix = copied(data.substring(0, at + 1));
  const suffix = copied(data.substring(at + 1 + text.length));
  const other = readChunk(`${prefix}~${suffix}`, api_type);
  const same = other.text === "~" && !other.finished && other.completion_tokens === null;
  return same ? { prefix, suffix } : null;
}

/** The same text in memory of its own: joining makes a new one, and the slice is of that. */
function copied(text: string): string {
  return ` ${text}`.slice(1);
}
