/** Which settings differ between two loads: what their figures cannot be compared without. */
import { asObject, objectAt, textAt } from "../json_fields.ts";
import { MADE_UP, settleLoad } from "../settings/load.ts";
import { plainText } from "../run/plain_file.ts";
import type { RunDirectory } from "../run/directory.ts";

/** Settings that change nothing in what is sent, or that differ between any two runs. */
const BESIDE = new Set([
  ...["seed", "prompt_seed", "slo", "sample_rate_hz", "server_metrics", "server_metrics_names"],
  ...["api_key_env", "wait_ready_s", "provider", "ca", "cert", "key", "request_template"],
]);

const MOST_LENGTH = 60;

/** A setting with another value in the second of two loads. */
export interface SettingDifference {
  /** Its name in an experiment's file. */
  setting: string;
  /** Its value in the first load, as JSON has it; null where it has none. */
  first: unknown;
  /** Its value in the second load. */
  second: unknown;
}

/**
 * Reads the settings that a load's figures depend on, with all defaults, from its metadata; null where
 * they are unknown, as for an imported load.
 */
export function loadSettingsOf({ metadata }: RunDirectory): Record<string, unknown> | null {
  try {
    const whole = asObject(JSON.parse(plainText(metadata)));
    const config = objectAt(whole, "config");
    const given = objectAt(config, "settings");
    if (given === null) return null;
    const api = objectAt(config, "api_configuration");
    const { prompt, prompts, trace, ...settled } = settleLoad(given);
    const files = { prompt, prompts, trace };
    const made_up = Object.values(files).every((each) => each === undefined) ? MADE_UP : {};
    const one = api !== null && objectAt(api, "several") === null;
    return {
      ...{ endpoint: null, model: textAt(whole, "model") }, // these come first in lists
      ...{ rate: null, concurrency: null, stages: null },
      ...made_up,
      ...files,
      ...settled,
      ...(one ? { endpoint: textAt(api, "endpoint"), model: textAt(api, "model") } : {}),
      shards: config?.shards ?? 1,
    };
  } catch {
    return null; // no metadata, or settings of another version
  }
}

/** Returns the settings whose values differ; null where those of a load are unknown. */
export function settingsThatDiffer(
  first: Record<string, unknown> | null,
  second: Record<string, unknown> | null,
): SettingDifference[] | null {
  if (first === null || second === null) return null;
  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .filter((name) => !BESIDE.has(name))
    .map((setting) => ({
      setting,
      first: first[setting] ?? null,
      second: second[setting] ?? null,
    }))
    .filter(({ first, second }) => JSON.stringify(first) !== JSON.stringify(second));
}

/** Says which settings differ: `settings that differ: rate 10 → 20 requests/s`; empty for none. */
export function differencesText(differences: readonly SettingDifference[] | null): string {
  if (differences === null) {
    return "settings that differ: unknown: one of the loads has no record of them";
  }
  if (differences.length === 0) return "";
  const shown = (value: unknown, unit: string) => {
    const texts = [value].flat();
    const text = texts.every((each) => typeof each === "string")
      ? texts.join(", ")
      : JSON.stringify(value);
    return value === null
      ? "not set"
      : text.length > MOST_LENGTH
      ? `${text.slice(0, MOST_LENGTH)}…`
      : text + unit;
  };
  const told = differences.map(({ setting, first, second }) => {
    const [, name, suffix] = /^(.+?)(_s)?$/.exec(setting)!;
    const unit = suffix ? " s" : setting === "rate" ? " requests/s" : "";
    const both = first !== null && second !== null; // the unit is said once
    return `${name} ${shown(first, both ? "" : unit)} → ${shown(second, unit)}`;
  });
  return `settings that differ: ${told.join("; ")}`;
}
