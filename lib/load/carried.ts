/**
 * Finds which of a load's settings and row fields reach the server in the endpoint's request form.
 * It builds two requests that should differ and compares them, so that it works for every form,
 * template and payload. What is not sent is named in a note, or refused where the figures would be
 * misleading without it.
 */
import { InputError } from "../errors.ts";
import { FORMS } from "../endpoint/forms/forms.ts";
import { asObject, type JsonObject, objectsIn } from "../json_fields.ts";
import { counted } from "../text/grouped.ts";
import { isMadeUp, requestsOf } from "./datasets/row.ts";
import { weightedModels } from "./models.ts";
import { isSingle } from "./prompts/made_up_sessions.ts";
import { loadBody } from "./prompts/load_body.ts";
import type { ChosenForm } from "../endpoint/chosen_form.ts";
import type { SettledLoad } from "../settings/load.ts";
import type { DatasetRow, RowRequest } from "./datasets/row.ts";
import type { BodySettings } from "./prompts/load_body.ts";
import type { LoadQuestion } from "./prompts/session.ts";

type Sample = Partial<LoadQuestion>;
/** In base64. */
type Media = { image?: string; sound?: string };

/** Builds the requests of a load in the form of its endpoint. */
export class Carried {
  readonly #form: ChosenForm;
  readonly #settings: SettledLoad;
  readonly #rows: readonly DatasetRow[] | null;
  readonly #path: string;
  readonly #requests: readonly RowRequest[];
  /** Whether rows are request bodies themselves. */
  readonly #whole: boolean;
  readonly #needsSound: boolean;

  /** @param rows the rows of the file at `path`; null where there is no file. */
  constructor(
    form: ChosenForm,
    settings: SettledLoad,
    { path, rows }: { path: string; rows: readonly DatasetRow[] | null },
  ) {
    this.#form = form;
    this.#settings = settings;
    this.#rows = rows;
    this.#path = path;
    this.#requests = requestsOf(rows ?? []);
    this.#whole = form.template !== undefined &&
      this.#requests.some(({ payload }) => payload !== null);
    this.#needsSound = FORMS[form.api_type].needs_sound === true;
  }

  /** Why requests cannot name their own models; null: they can. */
  get oneModel(): string | null {
    const { url_model } = this.#form;
    if (url_model !== undefined) return `the URL names ${url_model}`;
    const of = (model: string): Sample => ({ parameters: { model } });
    return this.#differ(of("a"), of("b")) ? null : this.#why("model");
  }

  /**
   * Returns what requests leave out, one line each.
   *
   * @throws {InputError} a question that the form cannot ask, or an omission that would make
   * figures untrue.
   */
  notes(): string[] {
    this.#checkMedia();
    this.#checkConversations();
    this.#checkRows();
    this.#checkMadeUp();
    return [
      ...this.#lengthNotes(),
      ...this.#modelNotes(),
      ...this.#streamNotes(),
      ...this.#textNotes(),
      ...this.#fieldNotes(),
      ...this.#headerNotes(),
    ];
  }

  #lengthNotes(): string[] {
    const { output_tokens, ignore_eos } = this.#settings;
    const lengths = this.#requests.filter((each) => each.output_tokens !== null).length;
    const told = [
      ...(output_tokens === undefined ? [] : ["--output-tokens"]),
      ...(lengths === 0 ? [] : [`the answers' lengths in ${counted(lengths, "row")}`]),
    ];
    const plain = { ignore_eos: false };
    const notes: string[] = [];
    if (told.length > 0 && !this.#differ({ output_tokens: 1 }, { output_tokens: 2 }, plain)) {
      notes.push(`${told.join(" and ")}: not sent: ${this.#why("max_tokens")}`);
    }
    if (ignore_eos && this.#said({}) === this.#said({}, plain)) {
      notes.push(`--ignore-eos: not sent: ${this.#why("ignore_eos")}`);
    }
    return notes;
  }

  /** @throws {InputError} several models where requests can only ask one. */
  #modelNotes(): string[] {
    const { model, body = {} } = this.#settings;
    const { template, model: own } = this.#form;
    const why = this.oneModel;
    const names = weightedModels(model).map(({ name }) => name);
    if (names.length > 1 && why !== null) {
      throw new InputError(
        `--model: ${
          names.join(" and ")
        } cannot share this load: ${why}; load them one after the other`,
      );
    }
    const notes: string[] = [];
    if (typeof body.model === "string" && own !== "" && body.model !== own) {
      notes.push(`--body: its "model" ${body.model} is used, not ${own}`);
    }
    const isLabel = template === undefined || this.#form.url_model !== undefined ||
      (this.#whole && this.#requests.every(({ payload }) => payload?.model === names[0]));
    if (isLabel || names.length !== 1) return notes;
    const isAsked = this.#said({}, { api: { ...this.#form, model: "a" } }) !==
      this.#said({}, { api: { ...this.#form, model: "b" } });
    if (!isAsked && body.model === undefined) {
      notes.push(`--model ${names[0]}: not sent: ${this.#why("model")}`);
    }
    return notes;
  }

  #streamNotes(): string[] {
    const { template } = this.#form;
    if (template?.event === undefined || this.#settings.stream) return [];
    const of = (stream: boolean) => this.#said({}, { api: { ...this.#form, stream } });
    return of(true) === of(false) ? [`--no-stream: not sent: ${this.#why("stream")}`] : [];
  }

  /** Text settings that are given but not sent. */
  #textNotes(): string[] {
    if (this.#whole || this.#differ(this.#asking("a"), this.#asking("b"))) return [];
    const { input_tokens, prefix_share, text } = this.#settings;
    const flags = [
      ...(input_tokens === undefined ? [] : ["--input-tokens"]),
      ...(prefix_share === 0 ? [] : ["--prefix-share"]),
      ...(text === "words" ? [] : ["--text"]),
    ];
    if (this.#needsSound) {
      const texts = this.#requests.filter(hasText).length;
      const told = [...flags, ...(texts === 0 ? [] : [`the texts of ${counted(texts, "row")}`])];
      if (told.length === 0) return [];
      return [`${told.join(" and ")}: not sent: this endpoint takes only sound`];
    }
    const places = "{{prompt}} or {{messages}}";
    const why = this.#form.template === undefined
      ? "--body says what is asked"
      : `the template has no ${places}`;
    return [
      `${flags.length > 0 ? flags.join(" and ") : "prompts"}: not sent: ${why}: every request ` +
      "has the same text",
    ];
  }

  /** Additional fields, of all requests and of rows. */
  #fieldNotes(): string[] {
    const notes: string[] = [];
    const { body = {}, ignore_eos } = this.#settings;
    for (const name of Object.keys(body).filter((name) => name !== "model")) {
      const { [name]: _, ...others } = body;
      if (this.#said({}) !== this.#said({}, { body: others })) continue;
      notes.push(`--body: "${name}" is not sent: ${this.#why(name, false)}`);
    }
    const top: string[] = ignore_eos ? ["ignore_eos"] : [];
    for (const [name, { count, value }] of fieldsOf(this.#requests)) {
      if (!this.#differ({ parameters: { [name]: value } }, {})) {
        notes.push(`"${name}" of ${counted(count, "row")} is not sent: ${this.#why(name)}`);
      } else top.push(name);
    }
    if (this.#form.template?.body !== undefined && top.length > 0) {
      const names = top.map((name) => `"${name}"`).join(", ");
      notes.push(
        `--request-template: ${names} of requests: sent at the top of the body, as the template names no place`,
      );
    }
    return notes;
  }

  /** Names of requests and sessions that a fixed header overrides. */
  #headerNotes(): string[] {
    const { headers = {}, session_header } = this.#settings;
    const own = ["x-request-id", session_header.toLowerCase()];
    return Object.keys(headers).filter((name) => own.includes(name.toLowerCase()))
      .map((name) => `--header ${name}: all requests send this value instead of the journal's`);
  }

  /** @throws {InputError} images or audio that the form cannot carry. */
  #checkMedia(): void {
    const { images, audio } = this.#settings;
    const media: Media = {
      ...(images === undefined ? {} : { image: "YQ==" }),
      ...(audio === undefined ? {} : { sound: "YQ==" }),
    };
    for (const [flag, kind] of [["--images", "image"], ["--audio", "sound"]] as const) {
      if (media[kind] === undefined) continue;
      const asked = mediaMessages("a", media);
      const other = mediaMessages("a", { ...media, [kind]: "Yg==" });
      if (!named(flag, () => this.#differ(asked, other))) {
        throw new InputError(`${flag}: ${this.#form.endpoint}: this endpoint takes none`);
      }
    }
  }

  /** @throws {InputError} several turns, where the form carries a single question. */
  #checkConversations(): void {
    const goesOn = this.#rows === null
      ? !isSingle(this.#settings)
      : this.#rows.some(({ later }) => later.some(({ history }) => history !== null));
    if (!goesOn) return;
    const turn = this.#needsSound
      ? mediaMessages("a", { sound: "YQ==" }).messages!
      : [{ role: "user", content: "a" }];
    const messages = [...turn, { role: "assistant", content: "b" }, ...turn];
    const { turns } = this.#settings;
    const name = this.#rows !== null ? this.#path : turns !== 1 ? "--turns" : "--tool-calls";
    named(name, () => this.#made({ prompt: undefined, messages }));
  }

  /** @throws {InputError} a row that the form cannot carry. */
  #checkRows(): void {
    for (const row of this.#requests) {
      if (isMadeUp(row)) continue;
      const { prompt, messages, payload, output_tokens, body } = row;
      named(this.#path, () =>
        this.#made({
          prompt: prompt ?? undefined,
          messages: messages ?? undefined,
          payload: payload === null ? undefined : { ...payload },
          output_tokens,
          parameters: body,
        }));
    }
  }

  /** @throws {InputError} made-up questions that the form cannot carry. */
  #checkMadeUp(): void {
    const { images, audio, probe_rate, warmup, trace } = this.#settings;
    const made = this.#rows === null
      ? images === undefined && audio === undefined
      : this.#requests.some(isMadeUp) || (trace !== undefined && warmup > 0);
    const plain = { prompt: "a", messages: undefined, payload: undefined };
    if (made) this.#made(plain);
    else if (probe_rate !== undefined) {
      named("--probe-rate: its requests are made-up prompts", () => this.#made(plain));
    }
  }

  /** A question with this text that the form can carry. */
  #asking(text: string): Sample {
    if (this.#whole) return { payload: {} };
    return this.#needsSound ? mediaMessages(text, { sound: "YQ==" }) : { prompt: text };
  }

  #differ(a: Sample, b: Sample, change: Partial<BodySettings> = {}): boolean {
    return this.#said(a, change) !== this.#said(b, change);
  }

  #said(question: Sample, change: Partial<BodySettings> = {}): string {
    return JSON.stringify(this.#made(question, change), inOrder);
  }

  /** Returns the body of a request. @throws {InputError} the form cannot carry it. */
  #made(question: Sample, change: Partial<BodySettings> = {}): Record<string, unknown> {
    const { body = {}, ignore_eos } = this.#settings;
    const settings = { api: this.#form, body, ignore_eos, ...change };
    return loadBody({ output_tokens: null, ...this.#asking("a"), ...question }, settings);
  }

  /** Says why a field of a request is not sent. */
  #why(name: string, by_body = true): string {
    const { api_type, template } = this.#form;
    if (by_body && this.#settings.body?.[name] !== undefined) return `--body has its own "${name}"`;
    if (this.#whole) return "payloads are sent as they are";
    if (template !== undefined) return `the template has no {{${name}}}`;
    return name.startsWith("stream")
      ? "dyno sets it itself"
      : `requests of ${api_type} have no place for it`;
  }
}

/** A JSON replacer that sorts fields by name, so that their order makes no difference. */
function inOrder(_name: string, value: unknown): unknown {
  const fields = asObject(value);
  if (fields === null) return value;
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => a < b ? -1 : 1));
}

/** @throws {InputError} the error of `made`, prefixed with the name of the setting that caused it. */
function named<Made>(name: string, made: () => Made): Made {
  try {
    return made();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${name}: ${error.message}`);
  }
}

/** A question with an image, a sound or both. */
function mediaMessages(text: string, { image, sound }: Media): Sample {
  const content: JsonObject[] = [{ type: "text", text }];
  if (image !== undefined) {
    content.push({ type: "image_url", image_url: { url: `data:image/png;base64,${image}` } });
  }
  if (sound !== undefined) {
    content.push({ type: "input_audio", input_audio: { data: sound, format: "wav" } });
  }
  return { prompt: undefined, messages: [{ role: "user", content }] };
}

/** Whether a request has text in addition to its audio. */
function hasText({ messages }: RowRequest): boolean {
  return (messages ?? []).some((message) => {
    const content = asObject(message)?.content;
    return typeof content === "string"
      ? content !== ""
      : objectsIn(content).some(({ text }) => typeof text === "string" && text !== "");
  });
}

/** The additional fields of requests except the model: how many requests have each, and a sample value. */
function fieldsOf(
  requests: readonly RowRequest[],
): Map<string, { count: number; value: unknown }> {
  const fields = new Map<string, { count: number; value: unknown }>();
  for (const { body } of requests) {
    for (const [name, value] of Object.entries(body)) {
      if (name === "model" || value === undefined) continue;
      const known = fields.get(name) ?? { count: 0, value };
      fields.set(name, { ...known, count: known.count + 1 });
    }
  }
  return fields;
}
