/**
 * Which servers may receive each API key: a key is bound to origins, so that no file or task can send it
 * elsewhere.
 */
import process from "node:process";
import presets from "../../experiments/providers.json" with { type: "json" };
import { originOf } from "./place.ts";
import { InputError } from "../errors.ts";
import { endpointsOf } from "../settings/endpoint.ts";
import { type Provider, provider as presetOf } from "./providers.ts";

/** A key, and an origin that may receive it. */
export interface KeyOrigin {
  /** The variable; with a `*` at the end, all variables that begin with the rest. */
  name: string;
  /** Such as `https://api.openai.com`. */
  origin: string;
}

/**
 * The settings that decide which key is sent: the URL or preset, and the key's variable if it is not the
 * preset's.
 */
export interface KeyUse {
  endpoint?: string | readonly string[];
  provider?: string;
  api_key_env?: string;
}

/** The presets' keys may go to the presets' own hosts. */
const presetKeys: readonly KeyOrigin[] = (Object.values(presets) as Provider[])
  .flatMap(({ api_key_env, base_url }) =>
    api_key_env === null ? [] : [{ name: api_key_env, origin: new URL(base_url).origin }]
  );

/** The variable that repeats `--key-env` for commands that other programs start. */
export const KEY_ENV = "DYNO_KEY_ENV";

/**
 * Reads `NAME=ORIGIN` (a full URL counts as its origin), or only the name of a preset's variable.
 *
 * @throws {InputError} another form, or a variable that belongs to no preset and has no origin.
 */
export function keyOrigins(list: readonly string[]): KeyOrigin[] {
  return list.flatMap((text) => {
    const [, name, url] = /^([A-Za-z_]\w*\*?)(?:=(.*))?$/.exec(text) ?? [];
    const origin = url === undefined ? null : originIn(url);
    if (name !== undefined && origin !== null) return [{ name, origin }];
    const own = url === undefined ? presetKeys.filter((key) => key.name === name) : [];
    if (own.length > 0) return own;
    throw new InputError(
      `--key-env "${text}": expected NAME=ORIGIN, such as ${
        name ?? "MY_KEY"
      }=https://llm.example.com: ` +
        "the key goes there and nowhere else; only a preset's variable, such as OPENAI_API_KEY, may " +
        "stand alone",
    );
  });
}

/**
 * The keys that `--key-env` and the variable DYNO_KEY_ENV bind.
 *
 * @throws {InputError} as {@linkcode keyOrigins}.
 */
export function boundKeys(given: readonly string[] = []): KeyOrigin[] {
  const inherited = (process.env[KEY_ENV] ?? "").split(",").filter((part) => part !== "");
  return keyOrigins([...given, ...inherited]);
}

/** Writes the form that {@linkcode keyOrigins} reads. */
export function keyOriginsText(keys: readonly KeyOrigin[]): string[] {
  return keys.map(({ name, origin }) => `${name}=${origin}`);
}

/**
 * The key that requests would carry, with each origin that would receive it; empty without a key or a
 * valid URL.
 */
export function keyUsesOf(use: KeyUse): { name: string; origin: string }[] {
  const { provider, api_key_env } = use;
  const name = api_key_env ??
    (provider === undefined ? null : presetOf(provider).api_key_env);
  return name === null ? [] : originsOf(use).map((origin) => ({ name, origin }));
}

/** The origins that requests go to. */
function originsOf(use: KeyUse): string[] {
  const urls = endpointsOf(use);
  const all = urls.length > 0 ? urls : [presetUrl(use.provider)];
  return all.map(originIn).filter((origin) => origin !== null);
}

/** Whether a key may go to an origin. */
export function mayGo(
  { name, origin }: { name: string; origin: string },
  keys: readonly KeyOrigin[],
): boolean {
  return keys.some((key) =>
    key.origin === origin &&
    (key.name.endsWith("*") ? name.startsWith(key.name.slice(0, -1)) : key.name === name)
  );
}

/**
 * Checks the key that a file names: only the presets' own hosts and those that the user named may receive
 * it.
 *
 * @param path the file and the field in it, for the error message.
 * @param named where the user said that requests go; undefined when the file says so.
 * @throws {InputError} the key would go elsewhere.
 */
export function checkKeyOfFile(
  path: string,
  use: KeyUse,
  keys: readonly KeyOrigin[],
  named?: KeyUse,
): void {
  const own = named ? originsOf(named) : [];
  for (const found of keyUsesOf(use)) {
    const { name, origin } = found;
    if (mayGo(found, [...presetKeys, ...keys]) || own.includes(origin)) continue;
    const field = use.api_key_env === undefined ? "provider" : "api_key_env";
    throw new InputError(
      `${path}: ${field}: would send the key in ${name} to ${origin}, a host that you have not named; if ` +
        `that is right, give --key-env ${name}=${origin}`,
    );
  }
}

function presetUrl(name: string | undefined): string {
  return name === undefined ? "" : presetOf(name).base_url;
}

/** The origin of a URL, for a socket's URL the socket; null for an invalid endpoint URL. */
function originIn(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^(https?|http\+unix):$/.test(url.protocol)) return null;
  return originOf(url);
}
