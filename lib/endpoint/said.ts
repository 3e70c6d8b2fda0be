/** The content of one event of a stream, or of a whole body, in the same terms for every form of API. */
import { EndpointError } from "./errors.ts";
import { laterUsage } from "./usage.ts";
import type { FailureClass } from "./errors.ts";
import type { TokenUsage } from "./usage.ts";

/** A part of a tool call: in a stream the name comes first, then the arguments in pieces. */
export interface CallPart {
  /** The call's index or id within the answer; null when the server sends none. */
  place: number | string | null;
  /** The server's id of this call; empty when this part has none. */
  id: string;
  name: string;
  arguments: string;
  /** A function's arguments are JSON; a custom tool's are any text. */
  kind: "function" | "custom";
}

/** Sound and images of an answer; unknown figures are left out. */
export interface Media {
  /** Seconds of sound: generated, or transcribed. */
  audio_s?: number | undefined;
  /** The number of images generated. */
  images?: number | undefined;
  /** Bytes of the sound or the images. */
  bytes?: number | undefined;
}

/** The reader of one form of API fills this in. */
export class Said {
  /** The first answer's content, or what replaces it: a refusal, a transcript. */
  text = "";
  /** The first answer's reasoning, when the server sends it separately. */
  reasoning = "";
  /** The part of the text in which the model refused. */
  refusal = "";
  /** The text of further answers (n > 1). */
  others = "";
  readonly calls: CallPart[] = [];
  /** Whether it carries any of these, or sound: this makes it a token event. */
  has_token = false;
  /** Whether it carries an answer at all, even an empty one: some tools count that as the first token. */
  has_choice = false;
  /** Whether that answer's text is present but empty, and has no role: some tools count that as a token. */
  has_blank = false;
  /** Whether it is an answer without tokens: numbers, an image, a transcript of silence. */
  is_answer = false;
  /** Whether the text is the whole answer so far, not a new part. */
  is_so_far = false;
  /** The sound and images in it. */
  media: Media = {};
  /** Whether the answer is complete. */
  finished = false;
  /** Why it finished, in the server's words; null when the server does not say. */
  finish_reason: string | null = null;
  usage: TokenUsage | null = null;

  /** Adds words to one of the texts. */
  add(part: "text" | "reasoning" | "others", words: string): void {
    if (words === "") return;
    this[part] += words;
    this.has_token = true;
  }

  addCall(part: CallPart): void {
    this.calls.push(part);
    this.has_token ||= part.name !== "" || part.arguments !== "";
  }

  addUsage(usage: TokenUsage | null): void {
    if (usage !== null) this.usage = this.usage === null ? usage : laterUsage(this.usage, usage);
  }

  /**
   * Marks the answer as finished.
   *
   * @param why the server's explanation, when the reason is a failure.
   * @throws {EndpointError} the reason says that the server failed or gave up.
   */
  finish(reason: string | null, why: string | null = null): void {
    this.finished = true;
    this.finish_reason = reason;
    const failure = FAILED.get(reason ?? "");
    if (failure === undefined) return;
    throw new EndpointError(
      failure,
      `the server ended its answer with "${reason}"${why === null ? "" : `: ${why}`}`,
    );
  }
}

/** Finish reasons that mean that the server failed. */
const FAILED: ReadonlyMap<string, FailureClass> = new Map([
  ["error", "http_5xx"], // OpenRouter, Mistral, SGLang
  ["failed", "http_5xx"], // the Responses API's status
  ["insufficient_system_resource", "http_5xx"], // DeepSeek
  ["abort", "truncated"], // vLLM, SGLang
  ["cancelled", "truncated"], // the Responses API's status
]);
