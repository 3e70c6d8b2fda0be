/** How to reach a batch's models. */
import { type APIConfiguration, settleApi } from "../endpoint/api.ts";
import { providerNames } from "../endpoint/providers.ts";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { tlsBesideFile } from "../settings/beside_file.ts";
import { asField } from "../settings/placed_error.ts";
import { didYouMean } from "../text/nearest.ts";
import type { KeyUse } from "../endpoint/key_origins.ts";
import type { Batch, BatchModel } from "../settings/batch.ts";

/**
 * How to reach each model, in the order of the batch file. No server is contacted: it may be down
 * now and up when a slot is due.
 *
 * @param endpoint replaces every model's own, without a key: for rehearsals.
 * @throws {InputError} a provider is neither a preset nor has an endpoint, or a key is missing.
 */
export function apisOf(
  batch: Batch,
  endpoint: string | undefined,
  warn: (line: string) => void,
): APIConfiguration[] {
  const { timeout, retry_attempts, retry_delay, stream } = batch;
  const { requests_per_minute, tokens_per_minute } = batch;
  const patience = {
    timeout,
    retry_attempts,
    retry_delay,
    stream,
    requests_per_minute,
    tokens_per_minute,
  };
  return batch.models.map(({ provider, ...own }, i) => {
    if (endpoint !== undefined) {
      return settleApi({ ...patience, endpoint, model: own.model }, warn);
    }
    const preset = providerNames.includes(provider);
    if (!preset && own.endpoint === undefined) {
      throw new InputError(
        `${batch.path}: models[${i}].provider: "${provider}" is not known` +
          `${didYouMean(provider, providerNames)}; for one of your own give its "endpoint" too`,
      );
    }
    try {
      const placed = tlsBesideFile(own, dirname(batch.path));
      return settleApi({ ...patience, ...placed, ...(preset ? { provider } : {}) }, warn);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(`${batch.path}: models[${i}].${asField(error.message)}`);
    }
  });
}

/**
 * The fields of a model that decide where its key is sent: a provider that is not a preset is only
 * a label.
 */
export function keyUseOfModel({ provider, endpoint, api_key_env }: BatchModel): KeyUse {
  return { endpoint, api_key_env, ...(providerNames.includes(provider) ? { provider } : {}) };
}
