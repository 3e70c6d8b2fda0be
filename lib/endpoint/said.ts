/** What one event of a stream, or a whole body, says: the same for every form of API. */
import { EndpointError } from "./errors.ts";
import { laterUsage } from "./usage.ts";
import type { FailureClass } from "./errors.ts";
import type { TokenUsage } from "./usage.ts";

/** A part of a call of a tool: in a stream its name comes first, then its arguments bit by bit. */
export interface CallPart {
  /** The call's id within the answer; null where the server gives none. */
  place: number | string | null;
  /** The server's name of this call; empty where it has none here. */
  id: string;
  name: string;
  arguments: string;
  /** A function takes JSON, a custom tool any text. */
  kind: "function" | "custom";
}

/** Sound and images of an answer; a figure that is not known is left out. */
export interface Media {
  /** Seconds of sound: made, or of a transcription heard. */
  audio_s?: number | undefined;
  /** Images that were made. */
  images?: number | undefined;
  /** Bytes of the sound or the images. */
  bytes?: number | undefined;
}

/** Feed it what a reader of one form finds. */
export class Said {
  /** Of the first answer: content, and what stands for it: a refusal, a transcript. */
  text = "";
  /** Of the first answer, what the server gives apart from it. */
  reasoning = "";
  /** The part of the text by which the model refused. */
  refusal = "";
  /** What further answers say (n > 1). */
  others = "";
  readonly calls: CallPart[] = [];
  /** Whether it carries any of these, or sound: what a token event is. */
  has_token = false;
  /** Whether it carries an answer at all, be it an empty one: some tools' first token. */
  has_choice = false;
  /** Whether that answer's text is there but empty, without a role: some tools count that as a token. */
  has_blank = false;
  /** Whether it is an answer without being a token: numbers, an image, a transcript of silence. */
  is_answer = false;
  /** Whether the text is everything from the beginning, and no new part. */
  is_so_far = false;
  /** Its sound and images. */
  media: Media = {};
  /** The answer is complete. */
  finished = false;
  /** Why, in the server's word; null where it does not say. */
  finish_reason: string | null = null;
  usage: TokenUsage | null = null;

  /** Adds a text to one of its parts. */
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
   * The answer has ended.
   *
   * @param why what the server says of it, where the reason is a failure.
   * @throws {EndpointError} a reason that says that the server failed or gave up.
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

/** Reasons to finish that are failures of the server. */
const FAILED: ReadonlyMap<string, FailureClass> = new Map([
  ["error", "http_5xx"], // OpenRouter, Mistral, SGLang
  ["failed", "http_5xx"], // the Responses API's status
  ["insufficient_system_resource", "http_5xx"], // DeepSeek
  ["abort", "truncated"], // vLLM, SGLang
  ["cancelled", "truncated"], // the Responses API's status
]);
